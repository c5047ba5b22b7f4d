package mirror

import (
	"net/netip"
	"sync"
	"time"
)

// maxAddresses bounds what is remembered of who asked.
const maxAddresses = 8192

// limiter gives each address so many questions a second, and burst times as many
// at once.
type limiter struct {
	rate float64 // a second

	mu      sync.Mutex
	buckets map[netip.Prefix]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

const burst = 4

// allow takes a token of the address's.
func (l *limiter) allow(remote string, now time.Time) bool {
	who := addressOf(remote)
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.buckets[who]
	if b == nil {
		if len(l.buckets) >= maxAddresses {
			l.forget(now)
		}
		if l.buckets == nil {
			l.buckets = map[netip.Prefix]*bucket{}
		}
		b = &bucket{tokens: burst * l.rate, at: now}
		l.buckets[who] = b
	}
	b.tokens = min(burst*l.rate, b.tokens+now.Sub(b.at).Seconds()*l.rate)
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// forget drops those whose bucket is full again, and all if there are none: who
// has that many addresses is not held by a limit for each.
func (l *limiter) forget(now time.Time) {
	for who, b := range l.buckets {
		if now.Sub(b.at).Seconds() >= burst {
			delete(l.buckets, who)
		}
	}
	if len(l.buckets) >= maxAddresses {
		clear(l.buckets)
	}
}

// addressOf is the address of HOST:PORT; of IPv6 the /64, which one machine has
// to itself. What is no address shares one bucket.
func addressOf(remote string) netip.Prefix {
	ap, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	a := ap.Addr().Unmap()
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
