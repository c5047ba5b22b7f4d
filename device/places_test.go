package device

import (
	"fmt"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/state"

	"github.com/ethereum/go-ethereum/crypto"
)

// A batch that nobody serves is looked for, and does not keep its zone's devices
// watching until it ends.
func TestBatchThatNobodyServes(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, instant)
	r := newRig(t, org)
	r.start(nil)
	r.enrol("gate-7")
	org.Write(org.Zone, contracts.Change{Action: state.ActionPut, Kind: state.KindBatch, Until: uint64(time.Now().Add(300 * 24 * time.Hour).Unix()),
		Subject: state.Word{1}, Data: state.MarshalBatch(state.Word{2})})
	r.eventually(func(s Status) bool { return s.Gear == "watch" && s.Block >= org.Chain.Number() })
	r.quiet()
	// The twin: one that is served is found, whatever stands in front of it.
	org.Announce(org.Zone, func(*bundle.Request) *bundle.DeviceMaterials { return org.Materials("renamed") }, r.request("gate-7"))
	harness.Eventually(t, 20*time.Second, func() error {
		r.pass(lastSeek)
		r.engine.Refresh(t.Context())
		if s := r.engine.Status(""); s.Name != "renamed" {
			return fmt.Errorf("%+v", s)
		}
		return nil
	})
}

// Whoever may announce bundles in a zone does not choose the endpoints that its
// devices believe: by as many of his own as must agree he could show them any
// chain. Who may set the organisation's policy does.
func TestEndpointsInBundles(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, instant)
	r := newRig(t, org)
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	account := state.Address(crypto.PubkeyToAddress(key.PublicKey))
	if err := org.Chain.Fund(t.Context(), account, devchain.Ether(10)); err != nil {
		t.Fatal(err)
	}
	zoneAdmin := state.Admin{Account: account, Power: org.Zone, PutMask: state.KindMask{}.With(state.KindBatch), Salt: state.Word{1}}
	org.Write(org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindAdmin, Until: uint64(time.Now().Unix()) + 100_000,
		Subject: zoneAdmin.ID(), Data: zoneAdmin.Marshal()})
	own, endpoint := *org, "http://127.0.0.1:9/of-his-own"
	own.Key, own.Admin = key, zoneAdmin
	request := r.request("gate-7")
	announce := func(by *fleet.Org, name string) {
		by.Network = org.Chain.Network()
		by.Network.Endpoints = append(by.Network.Endpoints, endpoint)
		by.Announce(org.Zone, func(*bundle.Request) *bundle.DeviceMaterials { return by.Materials(name) }, request)
		r.eventually(func(s Status) bool { return s.Name == name })
	}

	// The rest of his bundle counts, as the first and as a later one.
	r.start(nil)
	announce(&own, "first")
	if s := r.engine.Status(""); s.Endpoints != 1 {
		t.Errorf("by the zone's administrator: %d endpoints, want local root's alone", s.Endpoints)
	}
	announce(org, "second")
	if s := r.engine.Status(""); s.Endpoints != 2 {
		t.Errorf("the twin, by root: %d endpoints, want 2", s.Endpoints)
	}
	endpoint = "http://127.0.0.1:9/again"
	announce(&own, "third")
	if s := r.engine.Status(""); s.Endpoints != 2 || r.engine.reach.endpoints[1].Location != "http://127.0.0.1:9/of-his-own" {
		t.Errorf("by the zone's administrator, after root: %v", r.engine.reach.endpoints)
	}
	// And from the disk.
	r.stop()
	r.start(nil)
	if s := r.engine.Status(""); s.Name != "third" || s.Endpoints != 2 {
		t.Errorf("after a restart: %+v", s)
	}
}
