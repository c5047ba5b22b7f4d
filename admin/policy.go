package admin

import (
	"time"

	"dpki/state"
)

var modeNames = []struct {
	mode state.LoginModes
	name string
}{
	{state.ModeCertificateAndGrant, "certificate-and-grant"},
	{state.ModeGrantedKey, "granted-key"},
	{state.ModeCertificateOnly, "certificate-only"},
}

// ParseModes reads names of login modes.
func ParseModes(names []string) (state.LoginModes, error) {
	var m state.LoginModes
next:
	for _, n := range names {
		for _, known := range modeNames {
			if n == known.name {
				m |= known.mode
				continue next
			}
		}
		return 0, problem(Usage, "modes are certificate-and-grant, granted-key, certificate-only", "%.40q is not a login mode", n)
	}
	return m, nil
}

func showPolicy(p state.Policy) Policy {
	shown := Policy{
		Offline: Length(time.Duration(p.Offline) * time.Second), Fresh: Length(time.Duration(p.Fresh) * time.Second),
		Privileged: append([]string{"root"}, p.Privileged...),
	}
	for _, m := range modeNames {
		if p.Modes&m.mode != 0 {
			shown.Modes = append(shown.Modes, m.name)
		}
	}
	return shown
}
