package answer

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"dpki/authkeys"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"
	"dpki/pam"
	"dpki/pam/cgroup"
	"dpki/pam/proc"
	"dpki/pam/session"
	"dpki/pam/sudo"
	"dpki/state"
)

// LoginsConfig is what Logins are made of.
type LoginsConfig struct {
	Door  *Door
	Audit *Audit
	Log   *slog.Logger
	File  string       // the register of sessions, in a folder that a reboot empties
	Tree  *cgroup.Tree // nil: sessions are held together by their monitors only
	// Governs reports whether dpki governs an account; nil: all.
	Governs func(account string) bool
	// Alone reports whether set-up left PAM alone for an account; nil: for none.
	Alone func(account string) bool
}

// Logins is package pam over an Engine: what PAM is answered, and the sessions
// that end when their grants do. A nil Logins has no sessions.
type Logins struct {
	c        LoginsConfig
	handler  *pam.Handler
	sessions *session.Manager

	mu        sync.Mutex
	verifiers map[state.Word]*sudo.Verifier // by device
}

// NewLogins makes Logins and takes up the sessions that an earlier daemon left.
func NewLogins(c LoginsConfig) (*Logins, error) {
	l := &Logins{c: c, verifiers: map[state.Word]*sudo.Verifier{}}
	l.sessions = &session.Manager{
		File: c.File, Tree: c.Tree, Now: l.now, Extent: l.extent,
		Audit: func(e session.Event) { l.audit(l.record(e)) },
		Logf:  func(format string, args ...any) { c.Log.Warn("session", "event", fmt.Sprintf(format, args...)) },
	}
	l.handler = &pam.Handler{
		Engine: judge{c.Door}, Sessions: l.sessions, Monitors: &pam.Monitors{}, Governs: c.Governs, Alone: c.Alone, Sudo: l.verify,
		Audit: func(r pam.Refusal) { l.audit(refusalRecordOf(r, c.Door.Engine.Clock().Wall())) },
	}
	return l, l.sessions.Restore()
}

// Run ends sessions when they are over, until ctx ends; then they go on.
func (l *Logins) Run(ctx context.Context) { l.sessions.Run(ctx) }

// Handle answers PAM.
func (l *Logins) Handle(ctx context.Context, peer serve.Peer, req socket.Request) socket.Answer {
	return l.handler.Handle(ctx, peer, req)
}

// Refresh looks at every session again, soon: the engine knows more.
func (l *Logins) Refresh() {
	if l != nil {
		l.sessions.Refresh()
	}
}

// Count is how many sessions live.
func (l *Logins) Count() int {
	if l == nil {
		return 0
	}
	return len(l.sessions.List())
}

// List describes the live sessions.
func (l *Logins) List() []SessionRecord {
	all := []SessionRecord{}
	if l == nil {
		return all
	}
	for _, s := range l.sessions.List() {
		all = append(all, l.record(session.Event{What: "session", Session: s, Seconds: l.now() - min(l.now(), s.Opened)}))
	}
	return all
}

// record names this device, once it has a place in the organisation.
func (l *Logins) record(e session.Event) SessionRecord {
	device := ""
	if v := l.c.Door.Engine.View(); v.State != nil && !v.State.Scopes.Mailbox.IsZero() {
		device = v.State.Scopes.Mailbox.String()
	}
	return sessionRecordOf(e, device, l.c.Door.Engine.Clock().Wall())
}

// offered notes what the helper of a monitor was answered. Of a refusal nothing
// but itself is kept: strangers offer what they like.
func (l *Logins) offered(monitor proc.Process, req authkeys.Request, allow bool) {
	o := pam.Offer{Allow: allow}
	if allow {
		o.Account, o.KeyType, o.Key = req.Account, req.KeyType, req.Key
	}
	l.handler.Offered(monitor, o)
}

func (l *Logins) now() uint64 {
	return l.c.Door.Engine.View().Now(l.c.Door.Engine.Clock().Read()).Time
}

// extent is until when a session may last. One that a break-glass key opened
// lasts as that key's line does.
func (l *Logins) extent(s session.Session) (uint64, authkeys.Reason) {
	v, now := l.c.Door.Engine.View(), l.now()
	if s.Mode != 0 {
		s.Superuser = superuser(s.Account)
		return session.Extent(v.State, now, s)
	}
	match, err := l.c.Door.emergency(s.Account, s.KeyType, s.Key, v, now)
	if err != nil {
		return 0, authkeys.Denied
	}
	return uint64(match.Expires.Unix()), authkeys.Accepted
}

// verify proves a session's key to sudo. The challenge names the device, which
// is another one after a move.
func (l *Logins) verify(ctx context.Context, s session.Session, p proc.Process) error {
	device := l.c.Door.Engine.View().State.Scopes.Mailbox
	l.mu.Lock()
	v := l.verifiers[device]
	if v == nil {
		v = &sudo.Verifier{Anchor: l.c.Door.Engine.Anchor().String(), Device: device}
		l.verifiers = map[state.Word]*sudo.Verifier{device: v}
	}
	l.mu.Unlock()
	return v.Verify(ctx, s, p)
}

func (l *Logins) audit(r line) {
	if err := l.c.Audit.Write(r); err != nil {
		l.c.Log.Error("the audit line could not be written", "error", err, "line", r.String())
	}
}

// judge is a Door as PAM asks it.
type judge struct{ door *Door }

func (j judge) Decide(ctx context.Context, req authkeys.Request) authkeys.Decision {
	req.Superuser = superuser(req.Account)
	return j.door.Decide(ctx, req).Decision
}
