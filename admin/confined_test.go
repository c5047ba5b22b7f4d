package admin

import (
	"errors"
	"testing"

	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/state"
)

// An administrator of one zone writes a roster that replaces everything: only
// what concerns that zone counts. From the organisation's scope all of it does.
func TestConfined(t *testing.T) {
	org, mine, other := state.Word{1}, state.Word{2}, state.Word{3}
	d := &Desk{Config: Config{Anchor: anchor.Anchor{Org: org}}}
	r := &bundle.Roster{
		Version: 1,
		OrgKey:  []bundle.NumberedKey{{ID: 1, Key: bundle.NewKey()}},
		Zones:   []bundle.RosterZone{{Name: "mine", Zone: mine}, {Name: "other", Zone: other}},
		Devices: []bundle.RosterMember{{Name: "a", Zone: mine}, {Name: "b", Zone: other}},
		People:  []bundle.RosterMember{{Name: "admin", Zone: org}, {Name: "c", Zone: mine}},
	}
	got := d.confined(mine, r)
	if len(got.OrgKey) != 0 || len(got.Zones) != 1 || got.Zones[0].Name != "mine" || len(got.Devices) != 1 || got.Devices[0].Name != "a" ||
		len(got.People) != 1 || got.People[0].Name != "c" {
		t.Errorf("from the zone: %+v", got)
	}
	if got := d.confined(org, r); len(got.OrgKey) != 1 || len(got.Zones) != 2 || len(got.Devices) != 2 || len(got.People) != 2 {
		t.Errorf("from the organisation: %+v", got)
	}
	if len(r.Zones) != 2 || len(r.Devices) != 2 {
		t.Error("the roster itself was changed")
	}
}

// Somebody who has seen gate-7's request asks to be gate-7 with keys of his own;
// gate-7 itself may ask again, with another host key too.
func TestMailboxOfAnother(t *testing.T) {
	d, _ := newDesk(t)
	zone := bundle.RosterZone{Name: "plant", Zone: state.Word{2}}
	const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
	request := func(id *bundle.Identity, name string) *bundle.Request {
		t.Helper()
		r, err := id.NewRequest(d.Anchor, name, hostKey)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	device, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	thief, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	honest := request(device, "gate-7")
	d.roster.Devices = []bundle.RosterMember{honest.Member(zone.Zone)}

	forged := request(thief, "gate-7")
	forged.MailboxSecret = honest.MailboxSecret
	renamed := request(device, "gate-8")
	for name, r := range map[string]*bundle.Request{"other keys": forged, "other name": renamed} {
		var p *Problem
		if _, err := d.planDevice(zone, r, ""); !errors.As(err, &p) || p.Class != Failed {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if e, err := d.planDevice(zone, request(device, "gate-7"), ""); err != nil || !e.Already {
		t.Errorf("the device again: %+v, %v", e, err)
	}
	d.roster.Devices[0].HostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE"
	if e, err := d.planDevice(zone, request(device, "gate-7"), ""); err != nil || e.Already {
		t.Errorf("the device with another host key: %+v, %v", e, err)
	}
}
