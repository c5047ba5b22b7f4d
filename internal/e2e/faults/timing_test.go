package faults

import (
	"slices"
	"testing"
	"time"

	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"
)

// TestRevocationByPolling measures from a revocation's block to the first refused question where the endpoint announces
// nothing: a poll of watch gear. Five times that fails. With announcements: e2e/login.
func TestRevocationByPolling(t *testing.T) {
	w := newWorldBy(t, "http", devchain.Options{}, machine.Options{})
	w.Eventually("watch gear", harness.Patience, func(s device.Status) bool { return s.Gear == "watch" })
	const rounds = 4
	var took []time.Duration
	for range rounds {
		took = append(took, w.revocation(device.Profiles["normal"].Watch+time.Second))
	}
	slices.Sort(took)
	t.Logf("median %v, %v to %v of %d", round(took[rounds/2]), round(took[0]), round(took[rounds-1]), rounds)
}

// revocation lets somebody in, revokes, and returns how long the daemon went on accepting.
func (w *world) revocation(bar time.Duration) time.Duration {
	w.Helper()
	u := w.grant("alice")
	w.in("granted", u)
	w.Org.Revoke(w.ID, u.grant)
	mined := time.Now()
	for w.Ask("alice", u.cert) != "" {
		if time.Since(mined) > 5*bar {
			w.Fatalf("still accepted %v after the revocation's block; the bar is %v", time.Since(mined), bar)
		}
	}
	took := time.Since(mined)
	w.out("revoked", u)
	return took
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
