package answer

import (
	"sync"
	"time"
)

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
