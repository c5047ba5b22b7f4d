package device

import (
	"testing"
	"time"
)

// looksIn is how many looks hints make that come every so often for a while, the
// engine's own timer included.
func looksIn(t *turns, began, every, during time.Duration) (looks int) {
	var due time.Duration // when a look is to be made that had to wait; 0 = none
	for now := began; now < began+during; now += every {
		switch wait := t.wait(now); {
		case due != 0 && now >= due, wait <= 0:
			t.take(now)
			looks, due = looks+1, 0
		case due == 0:
			due = now + wait
		}
	}
	return looks
}

// An endpoint that floods a device with hints makes it look as often as one that
// does so a few times a second, and one look more.
func TestFloodOfHints(t *testing.T) {
	const during = time.Minute
	most := int(during/hintSpacing) + hintBurst
	for _, every := range []time.Duration{time.Microsecond * 100, time.Millisecond, 7 * time.Millisecond, 299 * time.Millisecond} {
		if n := looksIn(new(turns), time.Hour, every, during); n > most {
			t.Errorf("a hint every %v: %d looks in %v, at most %d", every, n, during, most)
		}
	}
	if n := looksIn(new(turns), time.Hour, time.Second, during); n != 60 {
		t.Errorf("a hint a second: %d looks in a minute", n)
	}
}

// A block right after another is looked at at once, a third in its turn; and what
// logins have made the engine look at keeps no hint waiting for longer.
func TestTurns(t *testing.T) {
	var due turns
	boot := time.Hour
	for i := range hintBurst {
		if wait := due.wait(boot); wait > 0 {
			t.Errorf("hint %d waits %v", i+1, wait)
		}
		due.take(boot)
	}
	if wait := due.wait(boot); wait != hintSpacing {
		t.Errorf("one more waits %v", wait)
	}
	due = 0
	due.take(boot)
	due.lose(boot)
	if wait := due.wait(boot); wait != hintSpacing {
		t.Errorf("after a look that failed it waits %v", wait)
	}
	for range 100 {
		due.take(boot)
	}
	if wait := due.wait(boot); wait != hintSpacing {
		t.Errorf("after 100 looks for logins it waits %v", wait)
	}
	if wait := due.wait(boot + hintSpacing); wait > 0 {
		t.Errorf("a turn later it waits %v", wait)
	}
}
