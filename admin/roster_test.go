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
	carol := bundle.RosterMember{Name: "carol", Zone: state.Word{2}, Device: state.Word{7}, Account: "0x00000000000000000000000000000000000000ca", Recipient: recipient(t)}
	stolen, unmarked := carol, carol
	stolen.Recipient, unmarked.Account = recipient(t), ""
	again := carol
	again.Device = state.Word{8}
	org, mine, other := state.Word{1}, state.Word{2}, state.Word{3}
	known := &bundle.Roster{Version: 1, Zones: []bundle.RosterZone{{Name: "mine", Zone: mine}, {Name: "other", Zone: other}},
		People: []bundle.RosterMember{carol}}
	keys := []bundle.NumberedKey{{ID: 7, Key: bundle.NewKey()}}
	for name, part := range map[string]bundle.Roster{
		"the organisation's key":                 {OrgKey: keys},
		"another zone's key":                     {Zones: []bundle.RosterZone{{Name: "other", Zone: other, Keys: keys}}},
		"its own zone renamed":                   {Zones: []bundle.RosterZone{{Name: "other", Zone: mine, Keys: keys}}},
		"a zone that nobody knows":               {Zones: []bundle.RosterZone{{Name: "new", Zone: state.Word{9}, Keys: keys}}},
		"another zone's device":                  {Devices: []bundle.RosterMember{{Name: "gate-7", Zone: mine}, {Name: "gate-7", Zone: other, Address: "evil.example:22"}}},
		"another zone's person":                  {People: []bundle.RosterMember{{Name: "alice", Zone: other}}},
		"an administrator, who gets all rosters": {People: []bundle.RosterMember{{Name: "mallory", Zone: org}}},
		"a second name of its administrator":     {People: []bundle.RosterMember{again}},
		"its administrator with another's key":   {People: []bundle.RosterMember{stolen}},
		"its administrator as anybody":           {People: []bundle.RosterMember{unmarked}},
	} {
		if err := speaksFor(mine, &part, known); !errors.Is(err, errOtherZone) {
			t.Errorf("%s: %v, want errOtherZone", name, err)
		}
	}
	// The twin.
	own := &bundle.Roster{
		Zones:   []bundle.RosterZone{{Name: "mine", Zone: mine, Keys: keys}},
		Devices: []bundle.RosterMember{{Name: "gate-7", Zone: mine, Address: "gate-7.example:22"}},
		People:  []bundle.RosterMember{{Name: "alice", Zone: mine}, carol},
	}
	if err := speaksFor(mine, own, known); err != nil {
		t.Errorf("its own zone: %v", err)
	}
}

func recipient(t *testing.T) bundle.Recipient {
	t.Helper()
	id, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return id.Recipient()
}
