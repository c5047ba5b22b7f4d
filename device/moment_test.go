package device

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
	"dpki/internal/devchain"
	"dpki/internal/harness/fleet"
	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/core/types"
)

// forger is a Fetcher whose only endpoint makes up headers over a true state:
// they hash as they say, and every proof holds.
type forger struct {
	Fetcher
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
			r := enrolled(t, ticking, func(c *Config) {
				f = &forger{Fetcher: c.Fetcher, t: t}
				c.Fetcher = f
			})
			root := r.granted("root", 5*time.Minute)
			r.allowed("before", "root", root.cert)
			before := r.engine.Status("")

			f.forge.Store(&forge)
			r.eventually(func(s Status) bool { return strings.Contains(s.Problem, "too far ahead") && s.Next != "" })
			if s := r.engine.Status(""); s.Block > before.Block+1000 || s.Time > before.Time+1000 {
				t.Errorf("believed: block %d, time %d", s.Block, s.Time)
			}
			r.allowed("in the bad moment", "root", root.cert)
			f.forge.Store(nil)
			r.eventually(func(s Status) bool { return s.Problem == "" && s.Block > before.Block })
			r.allowed("after it", "root", root.cert)
			r.stop()
			r.start(nil)
			r.eventually(func(s Status) bool { return s.Problem == "" && s.Freshness == "fresh" })
			r.allowed("after a restart", "root", root.cert)
		})
	}
}

// The twin, and the last resort: what endpoints show for ten minutes is believed,
// and reset-trust leads back.
func TestTenBadMinutes(t *testing.T) {
	t.Parallel()
	var f *forger
	r := enrolled(t, ticking, func(c *Config) {
		f = &forger{Fetcher: c.Fetcher, t: t}
		c.Fetcher = f
	})
	alice := r.granted("alice", 48*time.Hour)
	r.allowed("before", "alice", alice.cert)
	forge := func(h *types.Header) { h.Number = new(big.Int).Lsh(big.NewInt(1), 40) }
	f.forge.Store(&forge)
	r.eventually(func(s Status) bool { return strings.Contains(s.Problem, "too far ahead") })
	r.pass(moment)
	r.eventually(func(s Status) bool { return s.Block == 1<<40 })
	f.forge.Store(nil)
	r.eventually(func(s Status) bool { return strings.Contains(s.Problem, "behind what was verified") })
	if err := r.engine.ResetTrust(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.eventually(func(s Status) bool { return s.Problem == "" && s.Block != 0 && s.Block < 1<<40 && s.Grants == 1 })
	r.allowed("after reset-trust", "alice", alice.cert)
}

// A false revocation, shown in one bad moment and not final, holds until finality
// has passed where it stood, and no longer.
func TestFalseRevocation(t *testing.T) {
	t.Parallel()
	r := enrolled(t, devchain.Options{BlockTime: time.Second, HoldBack: 1000}, nil)
	alice := r.granted("alice", time.Hour)
	r.allowed("before", "alice", alice.cert)
	base := r.org.Chain.Number()
	r.org.Revoke(r.mailbox, alice.grant)
	r.eventually(func(s Status) bool { return s.Grants == 0 })
	if err := r.org.Chain.Reorg(int(r.org.Chain.Number()-base), false); err != nil {
		t.Fatal(err)
	}
	block := r.engine.Status("").Block
	r.eventually(func(s Status) bool { return s.Block > block+1 && s.Problem == "" })
	r.refused("a moment later", "alice", alice.cert, authkeys.GrantRevoked)
	r.org.Chain.HoldBack(0)
	r.eventually(func(s Status) bool { return s.Grants == 1 })
	r.allowed("after finality", "alice", alice.cert)
}

// A virtual machine that was paused for an hour, both clocks with it, and whose
// wall clock was then set right: nothing privileged until it has looked, and no
// break-glass without need.
func TestPausedMachine(t *testing.T) {
	t.Parallel()
	r := enrolled(t, ticking, nil)
	root, alice := r.granted("root", 5*time.Minute), r.granted("alice", time.Hour)
	r.allowed("before", "root", root.cert)
	r.allowed("before", "alice", alice.cert)
	r.cut.Store(true)
	r.wall.Add(int64(time.Hour))
	r.refused("resumed, without network", "root", root.cert, authkeys.NotFresh)
	r.allowed("resumed, without network", "alice", alice.cert)
	if v := r.offer("root", root.cert); v.Freshness != authkeys.Stale {
		t.Errorf("resumed: %v, want stale", v.Freshness)
	}
	// The twin: it looks, and what the chain says of the time counts.
	r.cut.Store(false)
	r.allowed("resumed, with network", "root", root.cert)
}

// A clock pushed by ten years, either way, opens no break-glass, and takes none
// away from a machine that is offline.
func TestBreakGlassAndTheWallClock(t *testing.T) {
	t.Parallel()
	const tenYears = 10 * 365 * 24 * time.Hour
	r := enrolled(t, ticking, nil)
	emergency := r.org.NewKey().PublicKey()
	door := NewDoor(r.engine, glassUntil(t, time.Now().AddDate(5, 0, 0), "root", emergency))
	lets := func(when string, want bool) {
		t.Helper()
		if v := door.Decide(t.Context(), offerOf("root", emergency)); v.Allow != want {
			t.Errorf("%s: allowed %v, %v (%v, age %v)", when, v.Allow, v.Reason, v.Freshness, v.Now.Age)
		}
	}
	lets("online", false)
	r.cut.Store(true)
	for _, push := range []time.Duration{tenYears, -tenYears} {
		r.wall.Store(int64(push))
		lets("clock pushed "+push.String(), false)
	}
	r.boot.Add(int64(25 * time.Hour))
	for _, push := range []time.Duration{0, tenYears, -tenYears} {
		r.wall.Store(int64(push))
		lets("offline, clock pushed "+push.String(), true)
	}
}

// The helper is told a time that has passed, with the denied keys, at the start
// and as time goes on: never the wall clock's.
func TestTimeForTheHelper(t *testing.T) {
	t.Parallel()
	var told atomic.Int64
	org := fleet.New(t, ticking)
	r := newRig(t, org)
	r.start(func(c *Config) {
		c.Denied = func(at time.Time, _ iter.Seq[state.Word]) error { told.Store(at.Unix()); return nil }
	})
	r.enrol("gate-7")
	first := told.Load()
	r.wall.Store(int64(10 * 365 * 24 * time.Hour))
	r.engine.Refresh(t.Context())
	if got := told.Load(); got > time.Now().Add(time.Minute).Unix() {
		t.Errorf("the wall clock's time was told: %d", got)
	}
	r.boot.Add(int64(2 * time.Hour))
	r.eventually(func(Status) bool { r.engine.Refresh(t.Context()); return told.Load() >= first+7000 })
}
