package admin

import (
	"errors"
	"testing"

	"dpki/bundle"
	"dpki/state"
)

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
		if _, err := d.enrolling(zone).one(r, ""); !errors.As(err, &p) || p.Class != Failed {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if e, err := d.enrolling(zone).one(request(device, "gate-7"), ""); err != nil || !e.Already {
		t.Errorf("the device again: %+v, %v", e, err)
	}
	d.roster.Devices[0].HostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEEE"
	if e, err := d.enrolling(zone).one(request(device, "gate-7"), ""); err != nil || e.Already {
		t.Errorf("the device with another host key: %+v, %v", e, err)
	}
}
