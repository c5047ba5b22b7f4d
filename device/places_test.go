package device_test

import (
	"fmt"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/state"

	"github.com/ethereum/go-ethereum/crypto"
)

// A batch that nobody serves is looked for, and does not keep its zone's devices
// watching until it ends.
func TestBatchThatNobodyServes(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, follower.Instant)
	r := follower.New(t, org)
	r.Start(nil)
	r.Enrol("gate-7")
	org.Write(org.Zone, contracts.Change{Action: state.ActionPut, Kind: state.KindBatch, Until: uint64(time.Now().Add(300 * 24 * time.Hour).Unix()),
		Subject: state.Word{1}, Data: state.MarshalBatch(state.Word{2})})
	r.Eventually(func(s device.Status) bool { return s.Gear == "watch" && s.Block >= org.Chain.Number() })
	r.Quiet()
	// The twin: one that is served is found, whatever stands in front of it.
	org.Announce(org.Zone, func(*bundle.Request) *bundle.DeviceMaterials { return org.Materials("renamed") }, r.Request("gate-7"))
	harness.Eventually(t, 20*time.Second, func() error {
		r.Pass(device.LastSeek)
		r.Engine.Refresh(t.Context())
		if s := r.Engine.Status(""); s.Name != "renamed" {
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
	org := fleet.New(t, follower.Instant)
	r := follower.New(t, org)
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
	request := r.Request("gate-7")
	announce := func(by *fleet.Org, name string) {
		by.Network = org.Chain.Network()
		by.Network.Endpoints = append(by.Network.Endpoints, endpoint)
		by.Announce(org.Zone, func(*bundle.Request) *bundle.DeviceMaterials { return by.Materials(name) }, request)
		r.Eventually(func(s device.Status) bool { return s.Name == name })
	}

	// The rest of his bundle counts, as the first and as a later one.
	r.Start(nil)
	announce(&own, "first")
	if s := r.Engine.Status(""); s.Endpoints != 1 {
		t.Errorf("by the zone's administrator: %d endpoints, want local root's alone", s.Endpoints)
	}
	announce(org, "second")
	if s := r.Engine.Status(""); s.Endpoints != 2 {
		t.Errorf("the twin, by root: %d endpoints, want 2", s.Endpoints)
	}
	endpoint = "http://127.0.0.1:9/again"
	announce(&own, "third")
	if s := r.Engine.Status(""); s.Endpoints != 2 || r.Engine.EndpointLocations()[1] != "http://127.0.0.1:9/of-his-own" {
		t.Errorf("by the zone's administrator, after root: %v", r.Engine.EndpointLocations())
	}
	// And from the disk.
	r.Stop()
	r.Start(nil)
	if s := r.Engine.Status(""); s.Name != "third" || s.Endpoints != 2 {
		t.Errorf("after a restart: %+v", s)
	}
}
