package device

import (
	"fmt"

	"dpki/registry/verify"
)

// EndpointHealth is how one endpoint, mirror or witness has done since the
// daemon began.
type EndpointHealth struct {
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Looks   uint64 `json:"looks"`  // in which its word counted
	Missed  uint64 `json:"missed"` // in which it could not be asked, or was behind
	Lies    uint64 `json:"lies"`   // in which its answer was wrong
	Problem string `json:"problem,omitempty"`
}

func healthOf(all []verify.Health) []EndpointHealth {
	list := []EndpointHealth{}
	for _, h := range all {
		list = append(list, EndpointHealth{Name: h.Name, OK: h.Last == nil, Looks: h.Looks, Missed: h.Missed, Lies: h.Lies, Problem: oneLine(h.Last)})
	}
	return list
}

// Trust says whom the device has to believe.
func (s Status) Trust() string {
	signed := ""
	if s.Signed > 0 {
		signed = fmt.Sprintf(", for what %d of %d witnesses have signed", s.Signed, s.Witnesses)
	}
	mirrors := ""
	if s.Mirrors > 0 {
		mirrors = fmt.Sprintf(" (all %d mirrors together are one more)", s.Mirrors)
		if s.Mirrors == 1 {
			mirrors = " (a mirror is one more)"
		}
	}
	switch {
	case s.Agree > 1:
		return fmt.Sprintf("%d of %d must agree%s%s", s.Agree, s.Endpoints, mirrors, signed)
	case s.Signed > 0:
		return fmt.Sprintf("any one of %d is believed%s%s", s.Endpoints, mirrors, signed)
	case s.Endpoints == 1 && s.Mirrors == 0:
		return "one, which is fully trusted"
	}
	return fmt.Sprintf("%d: whichever answers first is fully trusted%s", s.Endpoints, mirrors)
}

// TrustsOne reports that one party alone can show the device any chain.
func (s Status) TrustsOne() bool { return s.Agree <= 1 && s.Signed == 0 }
