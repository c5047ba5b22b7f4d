package admin

import (
	"errors"
	"testing"

	"dpki/bundle"
	"dpki/state"
)

// An administrator who may announce in one zone may not tell the others about
// another: keys to seal by, host keys to trust, addresses to log in to, names.
func TestRosterOfAZoneSpeaksForItAlone(t *testing.T) {
	org, mine, other := state.Word{1}, state.Word{2}, state.Word{3}
	known := &bundle.Roster{Version: 1, Zones: []bundle.RosterZone{{Name: "mine", Zone: mine}, {Name: "other", Zone: other}}}
	keys := []bundle.NumberedKey{{ID: 7, Key: bundle.NewKey()}}
	for name, part := range map[string]bundle.Roster{
		"the organisation's key":                 {OrgKey: keys},
		"another zone's key":                     {Zones: []bundle.RosterZone{{Name: "other", Zone: other, Keys: keys}}},
		"its own zone renamed":                   {Zones: []bundle.RosterZone{{Name: "other", Zone: mine, Keys: keys}}},
		"a zone that nobody knows":               {Zones: []bundle.RosterZone{{Name: "new", Zone: state.Word{9}, Keys: keys}}},
		"another zone's device":                  {Devices: []bundle.RosterMember{{Name: "gate-7", Zone: mine}, {Name: "gate-7", Zone: other, Address: "evil.example:22"}}},
		"another zone's person":                  {People: []bundle.RosterMember{{Name: "alice", Zone: other}}},
		"an administrator, who gets all rosters": {People: []bundle.RosterMember{{Name: "mallory", Zone: org}}},
	} {
		if err := speaksFor(mine, &part, known); !errors.Is(err, errOtherZone) {
			t.Errorf("%s: %v, want errOtherZone", name, err)
		}
	}
	// The twin.
	own := &bundle.Roster{
		Zones:   []bundle.RosterZone{{Name: "mine", Zone: mine, Keys: keys}},
		Devices: []bundle.RosterMember{{Name: "gate-7", Zone: mine, Address: "gate-7.example:22"}},
		People:  []bundle.RosterMember{{Name: "alice", Zone: mine}},
	}
	if err := speaksFor(mine, own, known); err != nil {
		t.Errorf("its own zone: %v", err)
	}
}
