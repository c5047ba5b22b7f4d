package session

import (
	"context"
	"errors"
	"os"
	"slices"
	"sync"
	"time"

	"dpki/authkeys"
	"dpki/pam/cgroup"
	"dpki/pam/proc"

	"golang.org/x/sys/unix"
)

const (
	// DefaultGrace is what sshd gets to close its PAM session before the rest is killed.
	DefaultGrace = 200 * time.Millisecond
	// MaxSessions bounds the register.
	MaxSessions = 4096
	// WarnBefore is how long before its end a session is warned, in seconds.
	WarnBefore = 60

	logoutGrace = 2 * time.Second // for the monitor to end after it closed its session
	killWithin  = 2 * time.Second
	tick        = time.Second
)

// Errors of Open. Each of them denies the session.
var (
	ErrTooMany = errors.New("session: too many sessions")
	ErrTwice   = errors.New("session: this process has a session already")
	ErrVital   = errors.New("session: process 1 and the daemon itself are nobody's session")
	ErrOver    = errors.New("session: nobody watches over sessions any more") // Run has ended
)

// NotAllowed is the error where the decision, or Extent, does not accept a session.
type NotAllowed struct{ Reason authkeys.Reason }

func (e *NotAllowed) Error() string { return e.Reason.String() }

// Manager keeps the sessions. Its fields are set before Restore and not changed after; the zero value of Extent ends every
// session at once.
type Manager struct {
	File  string        // the register, in a folder that root alone may write to and that a reboot empties
	Tree  *cgroup.Tree  // nil: the lesser form
	Grace time.Duration // 0: DefaultGrace

	Now func() uint64 // the engine's time, Unix seconds
	// Extent says until when a session may last, or why it may not: whatever is not Accepted ends it. It must not call back.
	Extent func(Session) (until uint64, why authkeys.Reason)
	Audit  func(Event)                      // nil: nobody listens. It must not call back
	Logf   func(format string, args ...any) // faults

	mu       sync.Mutex
	live     map[proc.Process]*entry
	prepared map[proc.Process]*prepared
	ctx      context.Context // ends with Run: then the watchers stop, and the sessions go on
	stop     context.CancelFunc
	wake     chan struct{}
	workers  sync.WaitGroup
}

type entry struct {
	Session
	handle *proc.Handle
	ending bool
	warned uint64         // the end that the session was warned of
	family []proc.Process // the lesser form: everybody met so far
}

func (m *Manager) init() {
	if m.live == nil {
		m.live = map[proc.Process]*entry{}
		m.prepared = map[proc.Process]*prepared{}
		m.wake = make(chan struct{}, 1)
		m.ctx, m.stop = context.WithCancel(context.Background())
	}
}

// Open enters a session whose monitor still has nothing running but itself, and returns it as it is entered. On error there is no
// session, and PAM must deny it.
func (m *Manager) Open(s Session) (Session, error) {
	if s.Monitor.PID <= 1 || int(s.Monitor.PID) == os.Getpid() {
		return Session{}, ErrVital
	}
	if m.over() {
		return Session{}, ErrOver
	}
	group := m.place(s.Monitor) // may take its time: other sessions do not wait for it
	m.mu.Lock()
	defer m.mu.Unlock()
	m.init()
	if m.ctx.Err() != nil {
		return Session{}, ErrOver
	}
	if len(m.live) >= MaxSessions {
		return Session{}, ErrTooMany
	}
	if m.live[s.Monitor] != nil {
		return Session{}, ErrTwice
	}
	h, err := s.Monitor.Open()
	if err != nil {
		return Session{}, err
	}
	s.Opened = m.now()
	until, why := m.extent(s)
	if why == authkeys.Accepted && until <= s.Opened {
		why = authkeys.GrantExpired
	}
	if why != authkeys.Accepted {
		h.Close()
		return Session{}, &NotAllowed{why}
	}
	s.Until, s.Group = until, group
	m.claim(s.Monitor)
	e := &entry{Session: s, handle: h}
	if until < s.Opened+WarnBefore {
		e.warned = until // the text at the start has said it
	}
	m.live[s.Monitor] = e
	if err := m.save(); err != nil {
		// Without a record a restarted daemon would not know of it, and in a scope it would have no end.
		m.start(e, NotRecorded)
		return Session{}, err
	}
	m.watch(e)
	m.audit(Event{What: Opened, Session: s})
	m.poke()
	return s, nil
}

// Close is told by PAM that sshd closes the session: what it leaves behind is ended when the monitor has. It reports whether there
// was such a session.
func (m *Manager) Close(monitor proc.Process) bool {
	return m.end(monitor, Logout)
}

// Refresh asks Extent again for every session, soon. The daemon calls it whenever it has a new State.
func (m *Manager) Refresh() {
	m.mu.Lock()
	m.init()
	m.mu.Unlock()
	m.poke()
}

func (m *Manager) poke() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// List is a copy of the sessions, oldest first.
func (m *Manager) List() []Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list()
}

func (m *Manager) list() []Session {
	list := make([]Session, 0, len(m.live))
	for _, e := range m.live {
		list = append(list, e.Session)
	}
	slices.SortFunc(list, func(a, b Session) int {
		if a.Monitor.Start != b.Monitor.Start {
			if a.Monitor.Start < b.Monitor.Start {
				return -1
			}
			return 1
		}
		return int(a.Monitor.PID) - int(b.Monitor.PID)
	})
	return list
}

// Of is the session that a process belongs to: by its group or, in the lesser form, because it descends from the monitor.
func (m *Manager) Of(p proc.Process) (Session, bool) {
	var in cgroup.Group
	if m.Tree != nil {
		in, _ = m.Tree.Of(p) // none: it is in no session's group
	}
	family := ancestors(p)
	for _, s := range m.List() {
		if !m.lesser(s) && in.Within(s.Group) || m.lesser(s) && slices.Contains(family, s.Monitor) {
			return s, true
		}
	}
	return Session{}, false
}

// over reports whether Run has ended. The register is the next Manager's then, and so is whoever logs in: in the same process,
// where the device follows its organisation.
func (m *Manager) over() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.init()
	return m.ctx.Err() != nil
}

// Run watches over the sessions until ctx ends, and leaves them running then.
func (m *Manager) Run(ctx context.Context) {
	m.mu.Lock()
	m.init()
	m.mu.Unlock()
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			m.mu.Lock() // whoever is entering or ending a session now is done before
			m.stop()
			m.mu.Unlock()
			m.workers.Wait()
			return
		case <-m.wake:
		case <-t.C:
		}
		// Without a session there is nothing to wait for but the next one.
		if next := m.review(); next > 0 {
			t.Reset(next)
		}
	}
}

// review asks for each session whether it may go on. It returns when to ask again; 0 where there is no session.
func (m *Manager) review() (next time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for _, e := range m.live {
		if e.ending {
			continue
		}
		if next == 0 {
			next = tick
		}
		if m.lesser(e.Session) {
			e.meet()
		}
		until, why := m.extent(e.Session)
		switch {
		case why != authkeys.Accepted:
			m.start(e, why.String())
			continue
		case until <= now:
			m.start(e, authkeys.GrantExpired.String())
			continue
		}
		e.Until = until
		if until-now <= 1 {
			next = tick / 10 // the clock counts whole seconds: do not add one of our own
		}
		if until-now <= WarnBefore && e.warned != until {
			e.warned = until
			s := e.Session
			m.workers.Go(func() { m.warn(s, now) })
		}
	}
	return next
}

// end begins the end of a session.
func (m *Manager) end(monitor proc.Process, why string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.live[monitor]
	if e == nil || m.ctx.Err() != nil {
		return false
	}
	m.start(e, why)
	return true
}

// start needs mu. A session ends once, for the first reason.
func (m *Manager) start(e *entry, why string) {
	if e.ending {
		return
	}
	e.ending = true
	s := e.Session
	m.audit(m.event(Ending, s, why))
	rest := m.remains(e)
	m.workers.Go(func() { m.finish(e, rest, why) })
}

// finish ends the processes. It does not give up: a process that cannot be killed yet, waiting for a dead disk, is tried again.
func (m *Manager) finish(e *entry, rest remains, why string) {
	s := e.Session
	grace := m.Grace
	if grace <= 0 {
		grace = DefaultGrace
	}
	if why == Logout {
		grace = logoutGrace // sshd is about to end by itself
	} else if err := e.handle.Signal(unix.SIGTERM); err != nil && !errors.Is(err, proc.ErrGone) {
		m.logf("session: process %d: %v", s.Monitor.PID, err)
	}
	waitFor(s.Monitor, grace)
	for stuck := false; ; stuck = true {
		err := rest.kill()
		if err == nil {
			break
		}
		if !stuck {
			m.logf("session: process %d: %v", s.Monitor.PID, err)
			m.audit(m.event(Stuck, s, why))
		}
		select {
		case <-m.ctx.Done():
			return // the record stays: the next daemon goes on
		case <-time.After(tick):
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e.handle.Close()
	delete(m.live, s.Monitor)
	if err := m.save(); err != nil {
		m.logf("session: register: %v", err)
	}
	m.audit(m.event(Ended, s, why))
}

func waitFor(p proc.Process, within time.Duration) {
	for deadline := time.Now().Add(within); p.Alive() && time.Now().Before(deadline); {
		time.Sleep(2 * time.Millisecond)
	}
}

// watch ends what is left when the monitor ends without a word.
func (m *Manager) watch(e *entry) {
	monitor, h, why := e.Monitor, e.handle, MonitorGone
	if e.Alone {
		why = Logout
	}
	m.workers.Go(func() {
		if h.Wait(m.ctx) == nil {
			m.end(monitor, why)
		}
	})
}

func (m *Manager) event(what What, s Session, why string) Event {
	return Event{What: what, Session: s, Reason: why, Seconds: max(m.now(), s.Opened) - s.Opened}
}

func (m *Manager) now() uint64 {
	if m.Now == nil {
		return 0
	}
	return m.Now()
}

func (m *Manager) extent(s Session) (uint64, authkeys.Reason) {
	if m.Extent == nil {
		return 0, authkeys.Undecided
	}
	return m.Extent(s)
}

func (m *Manager) audit(e Event) {
	if m.Audit != nil {
		m.Audit(e)
	}
}

func (m *Manager) logf(format string, args ...any) {
	if m.Logf != nil {
		m.Logf(format, args...)
	}
}
