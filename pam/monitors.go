package pam

import (
	"sync"
	"time"

	"dpki/pam/proc"
)

const (
	// maxMonitors bounds the register; sshd itself admits 100 unauthenticated connections by default (MaxStartups).
	maxMonitors = 1024
	// offerAge is how long an answer waits for its login: LoginGraceTime is two minutes by default, and a second factor takes time.
	offerAge = 10 * time.Minute
)

// Offer is what the daemon answered when sshd asked it about a key.
type Offer struct {
	Account      string
	KeyType, Key string // as sshd gave them; Monitors keeps those of an allow only
	Allow        bool
}

// Monitors keeps, for every sshd monitor, the last answer that was given to its helper. The zero value is ready to use.
type Monitors struct {
	mu   sync.Mutex
	last map[proc.Process]noted
	now  func() time.Time // nil: time.Now, for its monotonic reading
}

type noted struct {
	Offer
	at time.Time
}

// Note records the answer to the helper whose parent is this monitor. A refusal replaces an allow. Nothing is kept of what strangers
// offer: sshd asks about certificates of 24 KB, as often as they connect, and a daemon that ran out of memory would count as absent.
func (m *Monitors) Note(monitor proc.Process, o Offer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = map[proc.Process]noted{}
	}
	if !o.Allow {
		o = Offer{}
	}
	if _, known := m.last[monitor]; !known && len(m.last) >= maxMonitors {
		m.makeRoom()
	}
	m.last[monitor] = noted{o, m.time()}
}

// makeRoom forgets processes that have ended, or else the oldest: a crowd of strangers costs at most old logins in progress.
func (m *Monitors) makeRoom() {
	var oldest proc.Process
	for p, n := range m.last {
		if !p.Alive() || m.time().Sub(n.at) > offerAge {
			delete(m.last, p)
			continue
		}
		if o, ok := m.last[oldest]; !ok || n.at.Before(o.at) {
			oldest = p
		}
	}
	if len(m.last) >= maxMonitors {
		delete(m.last, oldest)
	}
}

// Last is the last answer for this monitor, if it is recent enough to be of a login in progress.
func (m *Monitors) Last(monitor proc.Process) (Offer, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n, ok := m.last[monitor]
	if !ok || m.time().Sub(n.at) > offerAge {
		return Offer{}, false
	}
	return n.Offer, true
}

// Forget drops the answer, when its session has opened or was refused.
func (m *Monitors) Forget(monitor proc.Process) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.last, monitor)
}

func (m *Monitors) time() time.Time {
	if m.now == nil {
		return time.Now()
	}
	return m.now()
}
