package admin

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"dpki/bundle"
	"dpki/sshca/profile"
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
	for _, w := range p.Watchdogs {
		shown.Cosigned = append(shown.Cosigned, showWatchdogs(w))
	}
	return shown
}

func showWatchdogs(w state.Watchdogs) Demand {
	d := Demand{Need: int(w.Need)}
	for _, k := range w.Keys {
		d.Watchdogs = append(d.Watchdogs, fingerprintText(k))
	}
	for _, p := range watchable {
		if w.Covers(uint8(p.purpose)) {
			d.Deliveries = append(d.Deliveries, p.name)
		}
	}
	return d
}

// String says the demand in one line.
func (d Demand) String() string {
	return fmt.Sprintf("%s by %d of %s", strings.Join(d.Deliveries, ", "), d.Need, strings.Join(d.Watchdogs, " "))
}

var watchable = []struct {
	name    string
	purpose bundle.Purpose
}{{"user-key", bundle.PurposeUserKey}, {"host-cert", bundle.PurposeHostCertificate}, {"ca", bundle.PurposeCA}, {"files", bundle.PurposeFiles}}

// ParseWatchdogs reads a demand: need signatures of these keys (0 = all of them)
// on these deliveries (none named = all).
func ParseWatchdogs(need int, keyFiles, deliveries []string) ([]state.Watchdogs, error) {
	if len(keyFiles) == 0 {
		if need != 0 || len(deliveries) > 0 {
			return nil, problem(Usage, "name their public key files: --watchdog FILE", "which watchdogs must sign?")
		}
		return nil, nil
	}
	w := state.Watchdogs{}
	for _, file := range keyFiles {
		key, err := ReadPublicKey(file)
		if err != nil {
			return nil, err
		}
		if err := profile.Accepted(key); err != nil {
			return nil, because(err, Usage, "Ed25519, ECDSA, RSA of 2,048 bits, or a security key's", "%s cannot be a watchdog's key", file)
		}
		w.Keys = append(w.Keys, profile.Hash(key))
	}
	slices.SortFunc(w.Keys, func(a, b state.Word) int { return bytes.Compare(a[:], b[:]) })
	all := len(w.Keys)
	if w.Keys = slices.Compact(w.Keys); len(w.Keys) != all || all > state.MaxWatchdogs {
		return nil, problem(Usage, fmt.Sprintf("at most %d, each once", state.MaxWatchdogs), "%d watchdogs, %d of them different", all, len(w.Keys))
	}
	if need == 0 {
		need = all
	}
	if need < 1 || need > all {
		return nil, problem(Usage, fmt.Sprintf("1 to %d", all), "%d signatures of %d watchdogs are not possible", need, all)
	}
	w.Need = uint8(need)
	for _, name := range deliveries {
		before := w.Purposes
		for _, p := range watchable {
			if p.name == name {
				w.Purposes |= 1 << p.purpose
			}
		}
		if w.Purposes == before {
			return nil, problem(Usage, "user-key, host-cert, ca, files, each once", "%.40q is nothing that is delivered", name)
		}
	}
	if w.Purposes == 0 {
		w.Purposes = state.DeliveredPurposes
	}
	return []state.Watchdogs{w}, nil
}
