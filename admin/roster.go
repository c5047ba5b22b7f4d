package admin

import (
	"errors"
	"fmt"

	"dpki/bundle"
	"dpki/state"
)

// errOtherZone says that somebody who may announce in one zone speaks for more.
var errOtherZone = errors.New("a batch in a zone speaks for that zone alone")

// speaksFor holds a part of a roster that was announced in a zone to what its
// author has power over: that zone, its devices and its people. Otherwise an
// administrator of one zone could hand all others keys, host keys and addresses
// of another zone's devices. What a zone is called is the organisation's to say.
func speaksFor(zone state.Word, part, known *bundle.Roster) error {
	if len(part.OrgKey) > 0 {
		return fmt.Errorf("the organisation's key: %w", errOtherZone)
	}
	for _, z := range part.Zones {
		if z.Zone != zone || !called(known, z) {
			return fmt.Errorf("zone %q: %w", z.Name, errOtherZone)
		}
	}
	for _, list := range [][]bundle.RosterMember{part.Devices, part.People} {
		for _, m := range list {
			// Else whoever loses his power could have left himself another name, by
			// which the next keys come to him.
			if who := administrator(known, m.Device); m.Account != who.Account || who.Account != "" && m.Recipient.String() != who.Recipient.String() {
				return fmt.Errorf("%q as an administrator: %w", m.Name, errOtherZone)
			}
			if m.Zone != zone {
				return fmt.Errorf("%q of zone %s: %w", m.Name, short(m.Zone), errOtherZone)
			}
		}
	}
	return nil
}

// called reports whether the zone is known by this name.
func called(known *bundle.Roster, zone bundle.RosterZone) bool {
	for _, z := range known.Zones {
		if z.Zone == zone.Zone {
			return z.Name == zone.Name
		}
	}
	return false
}

// administrator is who is known under a mailbox as an administrator of its zone.
func administrator(known *bundle.Roster, mailbox state.Word) bundle.RosterMember {
	for _, m := range known.People {
		if m.Device == mailbox && m.Account != "" {
			return m
		}
	}
	return bundle.RosterMember{}
}
