package mirror

import (
	"net/netip"
	"sync"
	"time"
)

// maxAddresses bounds what is remembered of who asked.
const maxAddresses = 8192

// limiter gives each address so many questions a second, burst times as many at
// once, and maxBusy that are being answered: who reads slowly keeps nobody else
// from being served.
type limiter struct {
	rate float64 // a second

	mu      sync.Mutex
	buckets map[netip.Prefix]*bucket
}

type bucket struct {
	tokens float64
	at     time.Time
	busy   int // requests under way
}

const (
	burst   = 4
	maxBusy = 32
)

// enter takes a token of the address's; leave is called if there was one.
func (l *limiter) enter(remote string, now time.Time) bool {
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
	if b.tokens < 1 || b.busy == maxBusy {
		return false
	}
	b.tokens--
	b.busy++
	return true
}

// leave says that a request that entered has been answered.
func (l *limiter) leave(remote string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.buckets[addressOf(remote)]; b != nil && b.busy > 0 {
		b.busy--
	}
}

// forget drops those whose bucket is full again, and all that nothing is under way
// for if there are none: who has that many addresses is not held by a limit for
// each.
func (l *limiter) forget(now time.Time) {
	for _, patience := range []float64{burst, 0} {
		for who, b := range l.buckets {
			if b.busy == 0 && now.Sub(b.at).Seconds() >= patience {
				delete(l.buckets, who)
			}
		}
		if len(l.buckets) < maxAddresses {
			return
		}
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
