package device_test

import (
	"testing"
	"time"

	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness/follower"
	"dpki/state"
)

// An idle device that waits for nothing does not ask what is final, and still
// sees what comes; one whose organisation wants a kind in a safe block asks.
func TestAnIdleDeviceSparesFinality(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, devchain.Options{MaxDrift: -1}, nil)
	r.Quiet()
	look := func() (asked int64) {
		t.Helper()
		looks, finality := r.Looks.Load(), r.Finality.Load()
		if !r.Engine.Refresh(t.Context()) {
			t.Fatal("the look failed")
		}
		if r.Looks.Load() == looks {
			t.Fatal("no look")
		}
		return r.Finality.Load() - finality
	}
	if asked := look(); asked != 0 {
		t.Errorf("idle: asked %d times", asked)
	}
	alice := r.Granted("alice", time.Hour)
	look()
	r.Allowed("a grant that came while it spared", "alice", alice.Cert)
	r.Eventually(func(device.Status) bool { return r.Engine.View().Gear == device.Watch })
	if asked := look(); asked == 0 {
		t.Error("watching: did not ask")
	}
	r.Org.Revoke(r.Mailbox, alice.Grant)
	r.Eventually(func(s device.Status) bool { return s.Grants == 0 })
	r.Quiet()
	if asked := look(); asked != 0 {
		t.Errorf("idle again: asked %d times", asked)
	}
	payload, err := state.Policy{SafeKinds: state.KindMask{}.With(state.KindGrant)}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.Org.Write(r.Org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindPolicy, Until: state.Never, Subject: state.Word{7}, Data: payload})
	look()
	r.Quiet()
	if asked := look(); asked == 0 {
		t.Error("idle, with a kind that waits for safe: did not ask")
	}
}
