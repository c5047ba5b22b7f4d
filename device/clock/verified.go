package clock

import "time"

// Verified is what is known of the time. It is a value: Accept gives a new one.
// The zero value knows nothing.
type Verified struct {
	Block uint64        // time of the newest verified block
	Rose  time.Duration // when Block last rose, since boot
	Seen  time.Duration // when a tip was last accepted, since boot
	Live  bool          // a tip was accepted since boot: the fields above and the estimate count

	estimate   uint64        // verified time at estimateAt
	estimateAt time.Duration // since boot

	floor   uint64        // time that an earlier boot had reached
	carried time.Duration // age that an earlier boot had reached

	seenWall uint64 // the wall clock when a tip was last accepted; 0 = not since boot
}

// catchUp is how much of the elapsed time an estimate that runs ahead of the
// chain may give back: one part in a thousand covers any oscillator.
const catchUp = 1000

// Accept notes a verified tip.
func (v Verified) Accept(block uint64, r Reading) Verified {
	next := v
	next.Live, next.Seen, next.seenWall = true, r.Boot, r.Wall
	switch {
	case block > v.Block:
		next.Rose = r.Boot
	case !v.Live: // the tip that an earlier boot knew is no news
		next.Rose = -v.carried
	}
	next.Block = max(v.Block, block)
	next.estimate, next.estimateAt = max(block, v.floor), r.Boot
	if running := v.running(r); v.Live && running > block {
		// Ahead of the chain, by its latency or by an oscillator that runs
		// fast. Where not a whole second is to be given back yet, the old
		// point stays, so that the fraction is not lost.
		if back := seconds(r.Boot-v.estimateAt) / catchUp; back > 0 {
			next.estimate = max(block, running-back)
		} else {
			next.estimate, next.estimateAt = v.estimate, v.estimateAt
		}
	}
	return next
}

// running is verified time carried on by the boot clock.
func (v Verified) running(r Reading) uint64 {
	return v.estimate + seconds(r.Boot-v.estimateAt)
}

// Now is the time. Zero means unknown.
func (v Verified) Now(r Reading) uint64 {
	if !v.Live {
		if v.Block == 0 {
			return 0 // a device that has never verified anything has nothing to decide on
		}
		return max(v.Block, v.floor, r.Wall)
	}
	now := v.running(r)
	if r.Wall > now && r.Wall-now <= uint64(WallTolerance/time.Second) {
		return r.Wall
	}
	return now
}

// Floor is a time that has passed for certain, as far as blocks and the boot
// clock tell: never the wall clock, whoever set it would set the floor.
func (v Verified) Floor(r Reading) uint64 {
	if v.Live {
		return max(v.floor, v.running(r))
	}
	return max(v.floor, v.Block)
}

// Explains reports whether a block of a time is what the clocks lead one to
// expect, or earlier: no more than some tolerance ahead of verified time carried
// on, or of the wall clock, which may be right where a machine was off or paused.
func (v Verified) Explains(block uint64, r Reading, tolerance time.Duration) bool {
	expected := v.Floor(r)
	if !v.Live {
		expected += seconds(r.Boot)
	}
	return block <= max(expected, r.Wall)+seconds(tolerance)
}

// Jumped reports that the wall clock has run ahead of the boot clock since the
// last tip: the machine stood still with both, as a virtual machine does that is
// paused, and has been told the time since. Or somebody has set it; a look at
// the chain tells.
func (v Verified) Jumped(r Reading) bool {
	return v.Live && v.seenWall != 0 && r.Wall > v.seenWall+seconds(r.Boot-v.Seen)+jumpTolerance
}

// jumpTolerance is what NTP may step a clock by, in seconds.
const jumpTolerance = 30

// Age is how long ago the verified block time last rose, at least. Before the
// first verification since boot it counts what was known before, the time since
// boot and what the wall clock adds: never less than what passed, as far as
// anybody can tell. Whether that is enough for a privileged login is not a
// question of age then: see Live.
func (v Verified) Age(r Reading) time.Duration {
	behind := func(now uint64) time.Duration { return time.Duration(now-min(now, v.Block)) * time.Second }
	if !v.Live {
		return max(v.carried+r.Boot, behind(max(v.floor, r.Wall)))
	}
	return max(r.Boot-v.Rose, behind(v.running(r))-WallTolerance, 0)
}

// Since is how long ago a tip was last accepted.
func (v Verified) Since(r Reading) time.Duration {
	if !v.Live {
		return v.Age(r)
	}
	return max(r.Boot-v.Seen, 0)
}

func seconds(d time.Duration) uint64 {
	if d < 0 {
		return 0
	}
	return uint64(d / time.Second)
}
