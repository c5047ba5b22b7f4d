package device

import (
	"context"
	"time"
)

// RefreshBudget is how long a login on a device waits for a fresh look at the chain. The
// helper gives up after 2 s.
const RefreshBudget = 1200 * time.Millisecond

// refresh is one login that waits for a look that began after it asked.
type refresh struct {
	ctx  context.Context
	done chan struct{}
}

// Refresh asks for a look at the chain and waits for it, at most Config.Budget.
// Whoever asks while a look is under way shares the next one. It reports whether
// there was a look, not whether it succeeded: see the View.
func (e *Engine) Refresh(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, e.c.Budget)
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
func (e *Engine) budget(asked []*refresh) time.Duration {
	if len(asked) > 0 {
		return e.c.Budget
	}
	return tickBudget
}
