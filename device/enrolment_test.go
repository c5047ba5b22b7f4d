package device_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/state"
)

// Bundles that were addressed to this device and are not its own zone's word:
// each is refused, whatever came before it, and the proper one after them enrols.
func TestBundlesThatAreRefused(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Instant)
	elsewhere := org.NewZone("elsewhere")
	r := follower.New(t, org)
	request := r.Request("gate-7")
	altered := func(change func(*bundle.DeviceMaterials)) func(*bundle.Request) *bundle.DeviceMaterials {
		return func(*bundle.Request) *bundle.DeviceMaterials {
			m := *org.Materials("wrong")
			change(&m)
			return &m
		}
	}
	// Another zone's admin may announce what he likes, for his own zone only.
	org.Announce(elsewhere, altered(func(*bundle.DeviceMaterials) {}), request)
	// A zone that the organisation never announced.
	org.Announce(org.Anchor.Org, altered(func(m *bundle.DeviceMaterials) { m.Zone = state.Word{0xbad & 0xff} }), request)
	// Another chain, another contract, no network file at all.
	org.Announce(org.Zone, altered(func(m *bundle.DeviceMaterials) { m.Network = strings.Replace(m.Network, "31337", "31338", 1) }), request)
	org.Announce(org.Zone, altered(func(m *bundle.DeviceMaterials) {
		m.Network = strings.Replace(m.Network, org.Anchor.Registry.Contract.String(), "0x"+strings.Repeat("11", 20), 1)
	}), request)
	org.Announce(org.Zone, altered(func(m *bundle.DeviceMaterials) { m.Network = "version = 9" }), request)
	// A root that no store has.
	missing := contracts.Change{Action: state.ActionPut, Kind: state.KindBatch, Until: uint64(time.Now().Add(time.Hour).Unix()), Subject: state.Word{1, 2}, Data: state.MarshalBatch(state.Word{3})}
	org.Write(org.Zone, missing)
	// Content that is no batch: its digest is right, its form is not.
	org.AnnounceBlock(org.Zone, []byte("no root"))

	r.Start(nil)
	r.Eventually(func(s device.Status) bool { return s.Gear == "joining" && s.Block >= org.Chain.Number()-1 })
	time.Sleep(500 * time.Millisecond)
	if s := r.Engine.Status(""); s.Enrolled {
		t.Fatalf("enrolled by a bundle that is to be refused: %+v", s)
	}
	r.Enrol("gate-7")
	if s := r.Engine.Status(""); s.Zone != org.Zone.String() {
		t.Errorf("zone %s, want %s", s.Zone, org.Zone)
	}

	// Enrolled, another zone's bundle moves the device nowhere, and its own
	// organisation's neither.
	org.Announce(org.Anchor.Org, altered(func(m *bundle.DeviceMaterials) { m.Zone = elsewhere; m.Name = "moved" }), request)
	org.Announce(org.Zone, altered(func(m *bundle.DeviceMaterials) { m.ZoneKeys = []bundle.NumberedKey{{ID: 1, Key: bundle.NewKey()}} }), request)
	org.Announce(org.Zone, altered(func(m *bundle.DeviceMaterials) { m.Name = "renamed" }), request)
	r.Eventually(func(s device.Status) bool { return s.Name == "renamed" })
	if s := r.Engine.Status(""); s.Zone != org.Zone.String() || !slices.Equal(s.ZoneKeys, []uint32{1}) {
		t.Errorf("zone %s, keys %v", s.Zone, s.ZoneKeys)
	}
}

// With a zone hint the device joins that zone only.
func TestZoneHint(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Instant)
	r := follower.New(t, org)
	other := org.NewZone("other")
	r.Start(func(c *device.Config) { c.ZoneHint = other })
	org.Enrol(r.Request("gate-7"))
	r.Eventually(func(s device.Status) bool { return s.Block >= org.Chain.Number() })
	time.Sleep(500 * time.Millisecond)
	if s := r.Engine.Status(""); s.Enrolled {
		t.Errorf("joined %s", s.ZoneName)
	}
	r.Stop()
	r.Start(func(c *device.Config) { c.ZoneHint = org.Zone })
	r.Eventually(func(s device.Status) bool { return s.Enrolled })
}

// Entries sealed with a key that the device does not have grant nothing; with
// the batch that brings the key they are read again. A restriction that cannot
// be read denies everybody until then.
func TestRekey(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, nil)
	org := r.Org
	asOld := r.Granted("alice", time.Hour).Cert
	r.Allowed("before the new key", "alice", asOld)

	org.AddKey()
	key := org.NewKey()
	cert := org.Certificate(r.CA, key.PublicKey(), org.Grant(org.Zone, state.KindGrant, "alice", key.PublicKey(), time.Hour))
	r.Refused("a grant under a key that the device lacks", "alice", cert, authkeys.GrantUnknown)
	r.Allowed("an older grant", "alice", asOld)
	payload, err := state.Deny{Key: state.Word{1}, Before: state.Never}.Marshal()
	deny := org.Seal(org.Zone, state.KindDeny, payload, err, time.Hour)
	org.Write(org.Zone, deny)
	r.Eventually(func(s device.Status) bool { return s.Unreadable })
	r.Refused("while a DENY cannot be read", "alice", asOld, authkeys.Unreadable)

	org.Announce(org.Zone, func(*bundle.Request) *bundle.DeviceMaterials { return org.Materials("gate-7") }, r.Request("gate-7"))
	r.Eventually(func(s device.Status) bool { return len(s.ZoneKeys) == 2 && !s.Unreadable })
	r.Allowed("after the key has come", "alice", cert)
	r.Allowed("the older grant", "alice", asOld)

	// And again from the disk.
	r.Stop()
	r.Cut.Store(true)
	r.Start(nil)
	r.Allowed("after a restart without network", "alice", cert)
}

func TestWrongNetworkForTheAnchor(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Instant)
	r := follower.New(t, org)
	r.Network.ChainID++
	if _, err := device.New(device.Config{Anchor: org.Anchor, Network: r.Network, Clock: r.Clock()}); !errors.Is(err, device.ErrOtherChain) {
		t.Errorf("got %v, want ErrOtherChain", err)
	}
}
