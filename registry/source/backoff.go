package source

import (
	"sync"
	"time"
)

const (
	firstBackOff = 500 * time.Millisecond
	lastBackOff  = time.Minute
)

// backoff remembers when an endpoint that failed may be asked again.
type backoff struct {
	now func() time.Time // nil = time.Now

	mu    sync.Mutex
	next  time.Duration // after the next failure
	until time.Time
}

func (b *backoff) clock() time.Time {
	if b.now != nil {
		return b.now()
	}
	return time.Now()
}

// wait is how long the endpoint is still left alone.
func (b *backoff) wait() time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	return max(0, b.until.Sub(b.clock()))
}

func (b *backoff) succeeded() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next, b.until = 0, time.Time{}
}

// failed doubles the wait; an endpoint may ask for a longer one.
func (b *backoff) failed(asked time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next = min(max(2*b.next, firstBackOff), lastBackOff)
	b.until = b.clock().Add(max(b.next, asked))
}
