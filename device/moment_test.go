package device_test

import (
	"context"
	"encoding/json"
	"iter"
	"math/big"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/core/types"
)

// forger is a Fetcher whose only endpoint makes up headers over a true state:
// they hash as they say, and every proof holds.
type forger struct {
	device.Fetcher
	t     *testing.T
	forge atomic.Pointer[func(*types.Header)] // nil = honest
}

func (f *forger) Head(ctx context.Context, i int, q registry.HeadQuery) (registry.HeadReply, error) {
	r, err := f.Fetcher.Head(ctx, i, q)
	forge := f.forge.Load()
	if err != nil || forge == nil {
		return r, err
	}
	for _, raw := range []*[]byte{&r.Latest, &r.Safe, &r.Finalized} {
		var h types.Header
		if err := json.Unmarshal(*raw, &h); err != nil {
			f.t.Error(err)
			return r, nil
		}
		(*forge)(&h)
		if *raw, err = json.Marshal(&h); err != nil { // with its new hash
			f.t.Error(err)
		}
	}
	return r, nil
}

// One bad moment of every endpoint, in which they show a block from the far
// future, bricks nothing: it is not believed, and what is true goes on. Only what
// they show for ten minutes is, since the device's own clock may be what is
// wrong; then reset-trust is the way back.
func TestOneBadMoment(t *testing.T) {
	t.Parallel()
	for name, forge := range map[string]func(*types.Header){
		"a huge block number": func(h *types.Header) { h.Number = new(big.Int).Lsh(big.NewInt(1), 40) },
		"the largest number":  func(h *types.Header) { h.Number = new(big.Int).SetUint64(1<<64 - 1) },
		"a far-future time":   func(h *types.Header) { h.Time += 75 * 365 * 24 * 3600 },
		"the end of time":     func(h *types.Header) { h.Time = 1<<64 - 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var f *forger
			r := follower.Enrolled(t, follower.Ticking, func(c *device.Config) {
				f = &forger{Fetcher: c.Fetcher, t: t}
				c.Fetcher = f
			})
			root := r.Granted("root", 5*time.Minute)
			r.Allowed("before", "root", root.Cert)
			before := r.Engine.Status("")

			f.forge.Store(&forge)
			r.Eventually(func(s device.Status) bool { return strings.Contains(s.Problem, "too far ahead") && s.Next != "" })
			if s := r.Engine.Status(""); s.Block > before.Block+1000 || s.Time > before.Time+1000 {
				t.Errorf("believed: block %d, time %d", s.Block, s.Time)
			}
			r.Allowed("in the bad moment", "root", root.Cert)
			f.forge.Store(nil)
			r.Eventually(func(s device.Status) bool { return s.Problem == "" && s.Block > before.Block })
			r.Allowed("after it", "root", root.Cert)
			r.Stop()
			r.Start(nil)
			r.Eventually(func(s device.Status) bool { return s.Problem == "" && s.Freshness == "fresh" })
			r.Allowed("after a restart", "root", root.Cert)
		})
	}
}

// The twin, and the last resort: what endpoints show for ten minutes is believed,
// and reset-trust leads back.
func TestTenBadMinutes(t *testing.T) {
	t.Parallel()
	var f *forger
	r := follower.Enrolled(t, follower.Ticking, func(c *device.Config) {
		f = &forger{Fetcher: c.Fetcher, t: t}
		c.Fetcher = f
	})
	alice := r.Granted("alice", 48*time.Hour)
	r.Allowed("before", "alice", alice.Cert)
	forge := func(h *types.Header) { h.Number = new(big.Int).Lsh(big.NewInt(1), 40) }
	f.forge.Store(&forge)
	r.Eventually(func(s device.Status) bool { return strings.Contains(s.Problem, "too far ahead") })
	r.Pass(device.Moment)
	r.Eventually(func(s device.Status) bool { return s.Block == 1<<40 })
	f.forge.Store(nil)
	r.Eventually(func(s device.Status) bool { return strings.Contains(s.Problem, "behind what was verified") })
	if err := r.Engine.ResetTrust(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Eventually(func(s device.Status) bool { return s.Problem == "" && s.Block != 0 && s.Block < 1<<40 && s.Grants == 1 })
	r.Allowed("after reset-trust", "alice", alice.Cert)
}

// A false revocation, shown in one bad moment and not final, holds until finality
// has passed where it stood, and no longer.
func TestFalseRevocation(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, devchain.Options{BlockTime: time.Second, HoldBack: 1000}, nil)
	alice := r.Granted("alice", time.Hour)
	r.Allowed("before", "alice", alice.Cert)
	base := r.Org.Chain.Number()
	r.Org.Revoke(r.Mailbox, alice.Grant)
	r.Eventually(func(s device.Status) bool { return s.Grants == 0 })
	if err := r.Org.Chain.Reorg(int(r.Org.Chain.Number()-base), false); err != nil {
		t.Fatal(err)
	}
	block := r.Engine.Status("").Block
	r.Eventually(func(s device.Status) bool { return s.Block > block+1 && s.Problem == "" })
	r.Refused("a moment later", "alice", alice.Cert, authkeys.GrantRevoked)
	r.Org.Chain.HoldBack(0)
	r.Eventually(func(s device.Status) bool { return s.Grants == 1 })
	r.Allowed("after finality", "alice", alice.Cert)
}

// A virtual machine that was paused for an hour, both clocks with it, and whose
// wall clock was then set right: nothing privileged until it has looked, and no
// break-glass without need.
func TestPausedMachine(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Ticking, nil)
	root, alice := r.Granted("root", 5*time.Minute), r.Granted("alice", time.Hour)
	r.Allowed("before", "root", root.Cert)
	r.Allowed("before", "alice", alice.Cert)
	r.Cut.Store(true)
	r.Wall.Add(int64(time.Hour))
	r.Refused("resumed, without network", "root", root.Cert, authkeys.NotFresh)
	r.Allowed("resumed, without network", "alice", alice.Cert)
	if v := r.Offer("root", root.Cert); v.Freshness != authkeys.Stale {
		t.Errorf("resumed: %v, want stale", v.Freshness)
	}
	// The twin: it looks, and what the chain says of the time counts.
	r.Cut.Store(false)
	r.Allowed("resumed, with network", "root", root.Cert)
}

// The helper is told a time that has passed, with the denied keys, at the start
// and as time goes on: never the wall clock's.
func TestTimeForTheHelper(t *testing.T) {
	t.Parallel()
	var told atomic.Int64
	org := fleet.New(t, follower.Ticking)
	r := follower.New(t, org)
	r.Start(func(c *device.Config) {
		c.Denied = func(at time.Time, _ iter.Seq[state.Word]) error { told.Store(at.Unix()); return nil }
	})
	r.Enrol("gate-7")
	first := told.Load()
	r.Wall.Store(int64(10 * 365 * 24 * time.Hour))
	r.Engine.Refresh(t.Context())
	if got := told.Load(); got > time.Now().Add(time.Minute).Unix() {
		t.Errorf("the wall clock's time was told: %d", got)
	}
	r.Boot.Add(int64(2 * time.Hour))
	r.Eventually(func(device.Status) bool { r.Engine.Refresh(t.Context()); return told.Load() >= first+7000 })
}
