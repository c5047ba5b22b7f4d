package admin

import (
	"fmt"
	"slices"
	"strings"

	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/internal/nearest"
	"dpki/state"
)

// minPrefix is how many hex digits of an identifier name it.
const minPrefix = 6

// findZone resolves a zone's name or the beginning of its identifier.
func (d *Desk) findZone(name string) (bundle.RosterZone, error) {
	zones := d.zones()
	var names []string
	for _, z := range zones {
		if z.Name == name || isPrefix(name, z.Zone) {
			return z, nil
		}
		names = append(names, z.Name)
	}
	if name == "" && len(zones) == 1 {
		return zones[0], nil
	}
	if len(zones) == 0 {
		return bundle.RosterZone{}, problem(Failed, "dpki zone create NAME", "this organisation has no zone yet")
	}
	if name == "" {
		return bundle.RosterZone{}, problem(Usage, "name one with --zone: "+strings.Join(names, ", "), "there are several zones")
	}
	return bundle.RosterZone{}, problem(Failed, suggest(name, names), "there is no zone %.80q", name)
}

func (d *Desk) zoneName(id state.Word) string {
	for _, z := range d.roster.Zones {
		if z.Zone == id {
			return z.Name
		}
	}
	return short(id)
}

// onlyZone is the zone that a list is asked of: zero where none is named.
func (d *Desk) onlyZone(name string) (state.Word, error) {
	if name == "" {
		return state.Word{}, nil
	}
	z, err := d.findZone(name)
	return z.Zone, err
}

// findDevice resolves NAME, ZONE/NAME or the beginning of a device's
// identifier, among those that are not retired.
func (d *Desk) findDevice(name string) (bundle.RosterMember, error) {
	var found, retired []bundle.RosterMember
	var names []string
	for _, m := range d.roster.Devices {
		full := d.zoneName(m.Zone) + "/" + m.Name
		matches := m.Name == name || full == name || isPrefix(name, m.Device)
		switch {
		case d.retired(m):
			if matches {
				retired = append(retired, m)
			}
		case matches:
			found = append(found, m)
			names = append(names, full)
		default:
			names = append(names, m.Name, full)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		names = names[:0]
		for _, m := range found {
			names = append(names, d.zoneName(m.Zone)+"/"+m.Name)
		}
		return bundle.RosterMember{}, problem(Failed, "write one of "+strings.Join(names, ", "), "%q is the name of %d devices", name, len(found))
	case len(retired) > 0:
		return bundle.RosterMember{}, problem(Failed, "enrol it again (dpkid enroll, dpki device add) to use it", "device %s was retired", name)
	case len(names) == 0:
		return bundle.RosterMember{}, problem(Failed, "on the device: dpkid enroll "+d.Anchor.String()+"; here: dpki device add REQUEST", "no device is enrolled yet")
	}
	return bundle.RosterMember{}, problem(Failed, suggest(name, names), "there is no device %.80q", name)
}

// isPrefix reports whether text is the beginning of an identifier, long enough.
func isPrefix(text string, id state.Word) bool {
	return len(text) >= minPrefix && strings.HasPrefix(id.String(), text)
}

// suggest names those that are nearest to what was written.
func suggest(name string, names []string) string {
	if near := nearest.Names(name, names); len(near) > 0 {
		return "did you mean " + strings.Join(near[:min(len(near), 3)], " or ") + "?"
	}
	slices.Sort(names)
	if len(names) > 8 {
		return fmt.Sprintf("there are %d; dpki device list shows them", len(names))
	}
	return "there is " + strings.Join(slices.Compact(names), ", ")
}

// ParseAnchor reads an anchor that somebody typed.
func ParseAnchor(s string) (anchor.Anchor, error) {
	a, err := anchor.Parse(strings.TrimSpace(s))
	return a, because(err, Usage, "copy the whole anchor, dpki:eip155:..., as dpki org show prints it", "the anchor cannot be read")
}
