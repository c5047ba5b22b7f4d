package device

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/harness/fleet"
	"dpki/state"
)

// Bundles that were addressed to this device and are not its own zone's word:
// each is refused, whatever came before it, and the proper one after them enrols.
func TestBundlesThatAreRefused(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, instant)
	elsewhere := org.NewZone("elsewhere")
	r := newRig(t, org)
	request := r.request("gate-7")
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

	r.start(nil)
	r.eventually(func(s Status) bool { return s.Gear == "joining" && s.Block >= org.Chain.Number()-1 })
	time.Sleep(500 * time.Millisecond)
	if s := r.engine.Status(""); s.Enrolled {
		t.Fatalf("enrolled by a bundle that is to be refused: %+v", s)
	}
	r.enrol("gate-7")
	if s := r.engine.Status(""); s.Zone != org.Zone.String() {
		t.Errorf("zone %s, want %s", s.Zone, org.Zone)
	}

	// Enrolled, another zone's bundle moves the device nowhere, and its own
	// organisation's neither.
	org.Announce(org.Anchor.Org, altered(func(m *bundle.DeviceMaterials) { m.Zone = elsewhere; m.Name = "moved" }), request)
	org.Announce(org.Zone, altered(func(m *bundle.DeviceMaterials) { m.ZoneKeys = []bundle.NumberedKey{{ID: 1, Key: bundle.NewKey()}} }), request)
	org.Announce(org.Zone, altered(func(m *bundle.DeviceMaterials) { m.Name = "renamed" }), request)
	r.eventually(func(s Status) bool { return s.Name == "renamed" })
	if s := r.engine.Status(""); s.Zone != org.Zone.String() || !slices.Equal(s.ZoneKeys, []uint32{1}) {
		t.Errorf("zone %s, keys %v", s.Zone, s.ZoneKeys)
	}
}

// With a zone hint the device joins that zone only.
func TestZoneHint(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, instant)
	r := newRig(t, org)
	other := org.NewZone("other")
	r.start(func(c *Config) { c.ZoneHint = other })
	org.Enrol(r.request("gate-7"))
	r.eventually(func(s Status) bool { return s.Block >= org.Chain.Number() })
	time.Sleep(500 * time.Millisecond)
	if s := r.engine.Status(""); s.Enrolled {
		t.Errorf("joined %s", s.ZoneName)
	}
	r.stop()
	r.start(func(c *Config) { c.ZoneHint = org.Zone })
	r.eventually(func(s Status) bool { return s.Enrolled })
}

// Entries sealed with a key that the device does not have grant nothing; with
// the batch that brings the key they are read again. A restriction that cannot
// be read denies everybody until then.
func TestRekey(t *testing.T) {
	t.Parallel()
	r := enrolled(t, instant, nil)
	org := r.org
	asOld := r.granted("alice", time.Hour).cert
	r.allowed("before the new key", "alice", asOld)

	org.AddKey()
	key := org.NewKey()
	cert := org.Certificate(r.ca, key.PublicKey(), org.Grant(org.Zone, state.KindGrant, "alice", key.PublicKey(), time.Hour))
	r.refused("a grant under a key that the device lacks", "alice", cert, authkeys.GrantUnknown)
	r.allowed("an older grant", "alice", asOld)
	payload, err := state.Deny{Key: state.Word{1}, Before: state.Never}.Marshal()
	deny := org.Seal(org.Zone, state.KindDeny, payload, err, time.Hour)
	org.Write(org.Zone, deny)
	r.eventually(func(s Status) bool { return s.Unreadable })
	r.refused("while a DENY cannot be read", "alice", asOld, authkeys.Unreadable)

	org.Announce(org.Zone, func(*bundle.Request) *bundle.DeviceMaterials { return org.Materials("gate-7") }, r.request("gate-7"))
	r.eventually(func(s Status) bool { return len(s.ZoneKeys) == 2 && !s.Unreadable })
	r.allowed("after the key has come", "alice", cert)
	r.allowed("the older grant", "alice", asOld)

	// And again from the disk.
	r.stop()
	r.cut.Store(true)
	r.start(nil)
	r.allowed("after a restart without network", "alice", cert)
}

func TestWrongNetworkForTheAnchor(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, instant)
	r := newRig(t, org)
	r.network.ChainID++
	if _, err := New(Config{Anchor: org.Anchor, Network: r.network, Clock: r.clock()}); !errors.Is(err, ErrOtherChain) {
		t.Errorf("got %v, want ErrOtherChain", err)
	}
}
