package device

import (
	"context"
	"sync"
	"time"
)

// RefreshBudget is how long a login waits for a fresh look at the chain. The
// helper gives up after 2 s.
const RefreshBudget = 1200 * time.Millisecond

// refresh is one login that waits for a look that began after it asked.
type refresh struct {
	ctx  context.Context
	done chan struct{}
}

// Refresh asks for a look at the chain and waits for it, at most RefreshBudget.
// Whoever asks while a look is under way shares the next one. It reports whether
// there was a look, not whether it succeeded: see the View.
func (e *Engine) Refresh(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, RefreshBudget)
	defer cancel()
	r := &refresh{ctx: ctx, done: make(chan struct{})}
	select {
	case e.refreshes <- r:
	default:
		return false // so many wait already that one more look is certain
	}
	select {
	case <-r.done:
		return true
	case <-ctx.Done():
		return false
	}
}

// waiting joins all who wait to one look, and lets go of those who gave up.
func (e *Engine) waiting(asked []*refresh) []*refresh {
	for {
		select {
		case r := <-e.refreshes:
			asked = append(asked, r)
		default:
			live := asked[:0]
			for _, r := range asked {
				if r.ctx.Err() == nil {
					live = append(live, r)
				}
			}
			return live
		}
	}
}

// budget is how long a look may take: for logins, no longer than they wait.
func budget(asked []*refresh) time.Duration {
	if len(asked) > 0 {
		return RefreshBudget
	}
	return tickBudget
}

// bucket is a token bucket. The zero value is empty for ever.
type bucket struct {
	every time.Duration // one token
	burst int

	mu     sync.Mutex
	tokens int
	last   time.Duration
	begun  bool
}

// take takes a token, if there is one. now is the time since boot.
func (b *bucket) take(now time.Duration) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.begun {
		b.tokens, b.last, b.begun = b.burst, now, true
	}
	if n := int((now - b.last) / max(b.every, 1)); n > 0 && b.every > 0 {
		b.tokens = min(b.burst, b.tokens+n)
		b.last += time.Duration(n) * b.every
	}
	if b.tokens == 0 {
		return false
	}
	b.tokens--
	return true
}
