package device_test

import (
	"slices"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/state"
)

// elsewhere is another zone of the organisation, with a key of its own.
type elsewhere struct {
	zone state.Word
	keys []bundle.NumberedKey
}

func newElsewhere(org *fleet.Org, name string) elsewhere {
	return elsewhere{org.NewZone(name), []bundle.NumberedKey{{ID: 1, Key: bundle.NewKey()}}}
}

// materials are what a device is given there.
func (z elsewhere) materials(org *fleet.Org) func(*bundle.Request) *bundle.DeviceMaterials {
	return func(r *bundle.Request) *bundle.DeviceMaterials {
		m := *org.Materials(r.Name)
		m.Zone, m.ZoneName, m.ZoneKeys = z.zone, "elsewhere", z.keys
		return &m
	}
}

func retirement(mailbox state.Word) contracts.Change {
	return contracts.Change{Action: state.ActionRevoke, Kind: state.KindDevice, Subject: mailbox}
}

// settled waits until the device has seen all there is and looked through it.
func settled(r *follower.Rig) {
	r.Helper()
	r.Eventually(func(s device.Status) bool { return s.Block >= r.Org.Chain.Number() })
	time.Sleep(500 * time.Millisecond)
}

func TestMove(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Instant)
	r := follower.New(t, org)
	hint := org.Zone
	r.Start(func(c *device.Config) { c.ZoneHint = hint }) // told to join this zone only
	request := r.Request("gate-7")
	before := r.Enrol("gate-7")
	next := newElsewhere(org, "elsewhere")

	// Announced by the organisation, and its own zone keeps it: it stays.
	org.Announce(org.Anchor.Org, next.materials(org), request)
	settled(r)
	if s := r.Engine.Status(""); s.Zone != org.Zone.String() || s.Retired {
		t.Fatalf("moved by a bundle alone: %+v", s)
	}
	// Retired, and wanted by the other zone's administrator: it stays retired.
	org.Write(org.Zone, retirement(before))
	org.Announce(next.zone, next.materials(org), request)
	r.Eventually(func(s device.Status) bool { return s.Retired })
	settled(r)
	if s := r.Engine.Status(""); s.Zone != org.Zone.String() || !s.Retired {
		t.Fatalf("moved by another zone's administrator: %+v", s)
	}
	// Announced by the organisation now: it follows, with its identity.
	org.Announce(org.Anchor.Org, next.materials(org), request)
	mailbox := request.Mailbox(next.zone)
	moved := func(s device.Status) bool {
		return s.Zone == next.zone.String() && s.Device == mailbox.String() && !s.Retired && s.Name == "gate-7" && slices.Equal(s.ZoneKeys, []uint32{1})
	}
	r.Eventually(moved)
	if mailbox == before {
		t.Error("the mailbox is the same")
	}
	// It stays there over a restart, and what its new zone announces is its own.
	r.Stop()
	r.Start(func(c *device.Config) { c.ZoneHint = hint })
	r.Eventually(moved)
	next.keys = append(next.keys, bundle.NumberedKey{ID: 2, Key: bundle.NewKey()})
	org.Announce(next.zone, next.materials(org), request)
	r.Engine.Refresh(t.Context()) // it idles: nothing changed since it began
	r.Eventually(func(s device.Status) bool { return slices.Equal(s.ZoneKeys, []uint32{1, 2}) })
	// Its old zone's word counts no more.
	org.Announce(org.Zone, func(*bundle.Request) *bundle.DeviceMaterials { return org.Materials("back") }, request)
	settled(r)
	if s := r.Engine.Status(""); s.Name != "gate-7" || s.Zone != next.zone.String() {
		t.Errorf("%+v", s)
	}
}

// A device that begins anew finds its way through the zones where it was.
func TestMovedTwiceAndReadAnew(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Instant)
	r := follower.New(t, org)
	request := r.Request("gate-7")
	org.Enrol(request)
	from := org.Zone
	var last elsewhere
	for _, name := range []string{"second", "third"} {
		last = newElsewhere(org, name)
		org.Write(from, retirement(request.Mailbox(from)))
		org.Announce(org.Anchor.Org, last.materials(org), request)
		from = last.zone
	}
	r.Start(nil)
	r.Eventually(func(s device.Status) bool { return s.Zone == last.zone.String() && !s.Retired })
	// Retired there, no older announcement brings it back.
	org.Write(last.zone, retirement(request.Mailbox(last.zone)))
	r.Eventually(func(s device.Status) bool { return s.Retired })
	settled(r)
	if s := r.Engine.Status(""); s.Zone != last.zone.String() || !s.Retired {
		t.Errorf("%+v", s)
	}
}
