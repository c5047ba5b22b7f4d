package device

import (
	"testing"
	"time"

	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/state"
)

// An idle device that waits for nothing does not ask what is final, and still
// sees what comes; one whose organisation wants a kind in a safe block asks.
func TestAnIdleDeviceSparesFinality(t *testing.T) {
	t.Parallel()
	r := enrolled(t, devchain.Options{MaxDrift: -1}, nil)
	r.quiet()
	look := func() (asked int64) {
		t.Helper()
		looks, finality := r.looks.Load(), r.finality.Load()
		if !r.engine.Refresh(t.Context()) {
			t.Fatal("the look failed")
		}
		if r.looks.Load() == looks {
			t.Fatal("no look")
		}
		return r.finality.Load() - finality
	}
	if asked := look(); asked != 0 {
		t.Errorf("idle: asked %d times", asked)
	}
	alice := r.granted("alice", time.Hour)
	look()
	r.allowed("a grant that came while it spared", "alice", alice.cert)
	r.eventually(func(Status) bool { return r.engine.View().Gear == Watch })
	if asked := look(); asked == 0 {
		t.Error("watching: did not ask")
	}
	r.org.Revoke(r.mailbox, alice.grant)
	r.eventually(func(s Status) bool { return s.Grants == 0 })
	r.quiet()
	if asked := look(); asked != 0 {
		t.Errorf("idle again: asked %d times", asked)
	}
	payload, err := state.Policy{SafeKinds: state.KindMask{}.With(state.KindGrant)}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.org.Write(r.org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindPolicy, Until: state.Never, Subject: state.Word{7}, Data: payload})
	look()
	r.quiet()
	if asked := look(); asked == 0 {
		t.Error("idle, with a kind that waits for safe: did not ask")
	}
}
