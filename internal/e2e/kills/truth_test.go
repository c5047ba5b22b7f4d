package kills

import (
	"testing"

	"dpki/contracts/code"
	"dpki/internal/harness/fleet"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

// readChain is every running hash of the organisation's and the zone's log, from
// an endpoint that nobody disturbed.
func readChain(t *testing.T, org *fleet.Org) map[state.Word][]state.Word {
	t.Helper()
	c, err := source.Dial(org.Chain.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	r, err := verify.NewReader(verify.Config{Registry: org.Chain.Registry(), Org: org.Anchor.Org, CodeHash: code.Hash(), Deploy: org.Chain.DeployBlock},
		[]verify.Endpoint{{Name: "truth", Source: c}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Follow(org.Anchor.Org, org.Zone); err != nil {
		t.Fatal(err)
	}
	res, err := r.Tick(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	truth := map[state.Word][]state.Word{}
	for _, change := range res.Changes {
		tip := change.Log.Base
		for _, e := range append(change.Confirmed, change.Log.Overlay...) {
			if tip, err = tip.Append(&e); err != nil {
				t.Fatal(err)
			}
			truth[change.Scope] = append(truth[change.Scope], tip.H)
		}
	}
	return truth
}
