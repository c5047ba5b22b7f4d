package device

import (
	"errors"
	"time"

	"dpki/device/clock"
	"dpki/registry/verify"
)

const (
	// leapTolerance is how far ahead of all clocks a block may be. Less than
	// that passes by itself, whoever made it up.
	leapTolerance = time.Hour
	// moment is for how long endpoints must go on showing a head that no clock
	// explains until it is believed: that of a machine that was off, has no clock
	// of its own and no NTP. Without it one bad moment of the endpoints would be
	// for ever: after a block number or time from the far future every true one
	// looks old.
	moment = 10 * time.Minute
	// blocksPerSecond is more than any chain makes.
	blocksPerSecond = 20
	spareBlocks     = 10_000
)

// leaping is what the engine knows of heads that no clock explains.
type leaping struct {
	now   clock.Reading // of the look that is under way
	shown bool          // the last looks found nothing else
	since time.Duration // since boot: when the first of them was
}

// note takes the outcome of a look.
func (l *leaping) note(err error) {
	switch {
	case !errors.Is(err, verify.ErrLeap):
		l.shown = l.shown && err != nil // one that failed otherwise says nothing
	case !l.shown:
		l.shown, l.since = true, l.now.Boot
	}
}

// leaps implements verify.Config.Leaps. Its state does not change during a look.
func (e *Engine) leaps(last, next verify.Head) bool {
	if last.Number == 0 {
		return false // a device that knows nothing has nothing to lose
	}
	if e.leaping.shown && e.leaping.now.Boot-e.leaping.since >= moment {
		return false
	}
	elapsed := next.Time - min(next.Time, last.Time)
	return !e.time.Explains(next.Time, e.leaping.now, leapTolerance) ||
		next.Number > last.Number+blocksPerSecond*elapsed+spareBlocks
}
