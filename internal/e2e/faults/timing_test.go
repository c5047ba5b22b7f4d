package faults

import (
	"slices"
	"testing"
	"time"

	"dpki/device"
	"dpki/internal/harness/devchain"
	"dpki/internal/harness/machine"
)

// TestRevocationIsPrompt measures from a revocation's block to the first refused question, in watch gear: with the
// endpoint's announcements, and without them. The bars are the design's (with), and a poll (without); five times that
// fails.
func TestRevocationIsPrompt(t *testing.T) {
	for _, row := range []struct {
		name, scheme string
		rounds       int
		bar          time.Duration
	}{
		{"with announcements", "ws", 6, time.Second},
		{"by polling", "http", 4, device.Profiles["normal"].Watch + time.Second},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := newWorldBy(t, row.scheme, devchain.Options{}, machine.Options{})
			w.Eventually("watch gear", 5*time.Second, func(s device.Status) bool { return s.Gear == "watch" })
			var took []time.Duration
			for range row.rounds {
				took = append(took, w.revocation(row.bar))
			}
			slices.Sort(took)
			t.Logf("median %v, %v to %v of %d", round(took[row.rounds/2]), round(took[0]), round(took[row.rounds-1]), row.rounds)
		})
	}
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
