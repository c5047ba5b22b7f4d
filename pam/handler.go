package pam

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"dpki/authkeys"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"
	"dpki/pam/proc"
	"dpki/pam/session"
	"dpki/pam/sudo"

	"golang.org/x/sys/unix"
)

// Engine is what decides: the daemon's engine.
type Engine interface {
	// Decide answers like authkeys.Decide from the State of the moment, after a refresh where one is due. Break-glass keys, while
	// the device is offline, are its business too.
	Decide(ctx context.Context, req authkeys.Request) authkeys.Decision
}

// Handler answers the module. The zero value denies everything.
type Handler struct {
	Engine   Engine
	Sessions *session.Manager
	Monitors *Monitors

	// Governs reports whether dpki governs an account. nil: all of them. An account that it does not govern is let through,
	// unless the helper was asked about it in this connection.
	Governs func(account string) bool

	// Sudo proves a session's key to sudo: (*sudo.Verifier).Verify. nil denies.
	Sudo func(context.Context, session.Session, proc.Process) error

	Audit func(Refusal) // nil: nobody listens

	// Alone reports whether sshd does not ask PAM about an account: its sessions are seen by sshd's processes alone. nil: it asks.
	Alone func(account string) bool

	mu        sync.Mutex
	following map[proc.Process]bool // logins whose end is awaited, where Alone
	elevating map[proc.Process]int  // requests of sudo under way, by session
}

// Who may run sudo may run any number of them at once, and each may take its time. What they share with sshd is the number of exchanges
// that pam.sock has (serve.DefaultMaxConns): no session, and not all of them together, keeps others from logging in.
const (
	maxElevating        = serve.DefaultMaxConns / 2
	maxElevatingSession = 4
)

// Refusal is one line of the audit: what PAM was refused, and why.
type Refusal struct {
	Stage   authkeys.Stage
	Service string // foreign text, printable ASCII
	Account string // foreign text, printable ASCII
	Remote  string // foreign text, printable ASCII
	Monitor proc.Process
	Reason  string
}

// Refusals of this package; those of the decision are authkeys.Reason.
var (
	errNoOffer      = errors.New("no key was offered in this connection")
	errOfferDenied  = errors.New("the last key that was offered is not allowed")
	errOtherAccount = errors.New("the key was allowed for another account")
	errOtherKey     = errors.New("the login used another key than the one that was allowed")
	errNoKey        = errors.New("the login did not use exactly one public key")
	errNoSession    = errors.New("there is no session")
	errNoSudo       = errors.New("sudo by key is not set up")
	errManySudo     = errors.New("too many sudo at the same time")
)

// Handle answers one request of the module; it is a serve.Handler.
func (h *Handler) Handle(ctx context.Context, peer serve.Peer, req socket.Request) socket.Answer {
	q, err := parseQuestion(req)
	if err != nil {
		return socket.Answer{Code: socket.Error}
	}
	process, err := proc.Find(peer.PID)
	if err != nil || h.Engine == nil || h.Sessions == nil || h.Monitors == nil {
		return socket.Answer{Code: socket.Error}
	}
	if req.Type == socket.Sudo {
		return h.sudo(ctx, process, q)
	}
	ctx, cancel := context.WithTimeout(ctx, loginTimeout)
	defer cancel()
	switch req.Type {
	case socket.Account:
		if q.service == "sudo" || q.service == "sudo-i" {
			return h.sudoAccount(ctx, process, q)
		}
		return h.account(ctx, process, q)
	case socket.OpenSession:
		return h.open(ctx, process, q)
	case socket.CloseSession:
		return h.close(process)
	}
	return socket.Answer{}
}

// Offered notes what the helper of this monitor was answered. Call it for every answer, refusals too. The parent of a helper whose
// monitor has died is process 1, of which nothing is noted: only an sshd is a monitor.
func (h *Handler) Offered(monitor proc.Process, o Offer) {
	if !isSSHD(monitor) {
		return
	}
	h.Monitors.Note(monitor, o)
	switch {
	case !o.Allow || h.Sessions == nil:
	case h.Alone != nil && h.Alone(o.Account):
		h.follow(monitor)
	default:
		h.Sessions.Prepare(monitor)
	}
}

// login is what is known of a login in progress.
type login struct {
	monitor proc.Process
	offer   Offer
}

// find looks for the monitor: PAM runs in it or, for keyboard-interactive, in a child of it. Where the helper was never asked,
// the process itself stands for it.
func (h *Handler) find(p proc.Process) (login, bool) {
	if o, ok := h.Monitors.Last(p); ok {
		return login{p, o}, true
	}
	if parent, err := p.Parent(); err == nil {
		if o, ok := h.Monitors.Last(parent); ok {
			return login{parent, o}, true
		}
	}
	return login{monitor: p}, false
}

// theirs reports whether the login is none of dpki's: an account that it does not govern, and no key was asked about.
func (h *Handler) theirs(asked bool, account string) bool {
	return !asked && h.Governs != nil && !h.Governs(account)
}

// offered checks the last answer to the helper.
func (l login) offered(asked bool, account string) error {
	switch {
	case !asked:
		return errNoOffer
	case !l.offer.Allow:
		return errOfferDenied
	case l.offer.Account != account:
		return errOtherAccount
	}
	return nil
}

func (h *Handler) decide(ctx context.Context, stage authkeys.Stage, l login) (authkeys.Decision, error) {
	d := h.Engine.Decide(ctx, authkeys.Request{
		Stage: stage, Account: l.offer.Account, KeyType: l.offer.KeyType, Key: l.offer.Key,
		Monitor: authkeys.Monitor(l.monitor),
	})
	if !d.Allow {
		return d, &session.NotAllowed{Reason: d.Reason}
	}
	return d, nil
}

func (h *Handler) account(ctx context.Context, p proc.Process, q question) socket.Answer {
	l, asked := h.find(p)
	if h.theirs(asked, q.user) {
		return socket.Answer{Code: socket.Allow}
	}
	err := l.offered(asked, q.user)
	if err == nil {
		_, err = h.decide(ctx, authkeys.StageAccount, l)
	}
	if err != nil {
		return h.refuse(authkeys.StageAccount, q, l, err)
	}
	return socket.Answer{Code: socket.Allow}
}

func (h *Handler) open(ctx context.Context, p proc.Process, q question) socket.Answer {
	l, asked := h.find(p)
	if h.theirs(asked, q.user) {
		return socket.Answer{Code: socket.Allow}
	}
	s, err := h.enter(ctx, l, asked, q)
	h.Monitors.Forget(l.monitor)
	if err != nil {
		endLogin(l.monitor, p)
		return h.refuse(authkeys.StageSession, q, l, err)
	}
	return socket.Answer{Code: socket.Allow, Text: text("dpki: this session ends at " + session.Clock(s.Until))}
}

func (h *Handler) enter(ctx context.Context, l login, asked bool, q question) (session.Session, error) {
	if err := l.offered(asked, q.user); err != nil {
		return session.Session{}, err
	}
	keyType, key, err := parseAuthInfo(q.authInfo)
	if err != nil {
		return session.Session{}, errNoKey
	}
	if keyType != l.offer.KeyType || key != l.offer.Key {
		return session.Session{}, errOtherKey
	}
	d, err := h.decide(ctx, authkeys.StageSession, l)
	if err != nil {
		return session.Session{}, err
	}
	return h.Sessions.Open(session.Session{
		Monitor: l.monitor, Account: q.user, Service: q.service, Remote: q.remote,
		KeyType: keyType, Key: key, Hash: d.Key, CA: d.CA, Grant: d.Grant, Mode: d.Mode,
	})
}

// close has nothing to refuse: sshd closes whatever the answer is.
func (h *Handler) close(p proc.Process) socket.Answer {
	if !h.Sessions.Close(p) {
		if parent, err := p.Parent(); err == nil {
			h.Sessions.Close(parent)
		}
	}
	return socket.Answer{Code: socket.Allow}
}

// sudo asks for proof: the session's key, here and now.
func (h *Handler) sudo(ctx context.Context, p proc.Process, q question) socket.Answer {
	l, err := h.elevate(ctx, p, q, func(s session.Session) error {
		if h.Sudo == nil {
			return errNoSudo
		}
		return h.Sudo(ctx, s, p)
	})
	if err != nil {
		return h.refuse(authkeys.StageSudo, q, l, err)
	}
	return socket.Answer{Code: socket.Allow}
}

// sudoAccount is for sites whose sudo asks for a password: the session's grant must allow sudo all the same. It leaves alone
// who has no session here and whose account is not governed.
func (h *Handler) sudoAccount(ctx context.Context, p proc.Process, q question) socket.Answer {
	l, err := h.elevate(ctx, p, q, func(session.Session) error { return nil })
	if err != nil && !(errors.Is(err, errNoSession) && h.theirs(false, q.user)) {
		return h.refuse(authkeys.StageSudo, q, l, err)
	}
	return socket.Answer{Code: socket.Allow}
}

// elevate finds the session that the sudo process is in and decides whether its grant allows sudo; then comes what else is to be shown.
func (h *Handler) elevate(ctx context.Context, p proc.Process, q question, then func(session.Session) error) (login, error) {
	s, ok := h.Sessions.Of(p)
	if !ok {
		return login{monitor: p}, errNoSession
	}
	l := login{monitor: s.Monitor, offer: Offer{Account: s.Account, KeyType: s.KeyType, Key: s.Key, Allow: true}}
	if q.user != s.Account {
		return l, errOtherAccount
	}
	if !h.beginSudo(s.Monitor) {
		return l, errManySudo
	}
	defer h.endSudo(s.Monitor)
	if _, err := h.decide(ctx, authkeys.StageSudo, l); err != nil {
		return l, err
	}
	return l, then(s)
}

func (h *Handler) beginSudo(monitor proc.Process) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := 0
	for _, n := range h.elevating {
		all += n
	}
	if all >= maxElevating || h.elevating[monitor] >= maxElevatingSession {
		return false
	}
	if h.elevating == nil {
		h.elevating = map[proc.Process]int{}
	}
	h.elevating[monitor]++
	return true
}

func (h *Handler) endSudo(monitor proc.Process) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.elevating[monitor]--; h.elevating[monitor] == 0 {
		delete(h.elevating, monitor)
	}
}

// refuse answers what a user may know, and tells the audit the rest.
func (h *Handler) refuse(stage authkeys.Stage, q question, l login, why error) socket.Answer {
	if h.Audit != nil {
		h.Audit(Refusal{Stage: stage, Service: q.service, Account: q.user, Remote: q.remote, Monitor: l.monitor, Reason: why.Error()})
	}
	return socket.Answer{Code: socket.Deny, Text: text(fmt.Sprintf("dpki: %s. An administrator of this device's organisation can grant access.", userText(why)))}
}

// userText: whoever holds a key that was allowed in this connection learns what became of it; everybody else learns nothing
// about grants and keys.
func userText(why error) string {
	var reason *session.NotAllowed
	switch {
	case errors.As(why, &reason):
		return reason.Error()
	case errors.Is(why, errNoSudo), errors.Is(why, errManySudo), errors.Is(why, errNoSession), errors.Is(why, sudo.ErrBusy), errors.Is(why, sudo.ErrRefused), errors.Is(why, sudo.ErrWrong):
		return why.Error()
	case errors.Is(why, sudo.ErrNoAgent):
		return sudo.ErrNoAgent.Error()
	case errors.Is(why, errOfferDenied), errors.Is(why, errOtherAccount), errors.Is(why, errOtherKey), errors.Is(why, errNoKey), errors.Is(why, errNoOffer):
		return "this account needs a key that has been granted"
	}
	return "this device cannot open a session now"
}

// endLogin ends what sshd would keep connected after a refusal of open_session. The session's processes do not exist yet, so that the
// monitor is all there is. Only sshd is ended: in another stack PAM's refusal is enough.
func endLogin(processes ...proc.Process) {
	for _, p := range processes {
		if !isSSHD(p) {
			continue
		}
		if h, err := p.Open(); err == nil {
			h.Signal(unix.SIGTERM)
			go func() {
				defer h.Close()
				ctx, cancel := context.WithTimeout(context.Background(), session.DefaultGrace)
				defer cancel()
				if h.Wait(ctx) != nil {
					h.Signal(unix.SIGKILL)
				}
			}()
		}
	}
}

// isSSHD goes by the program's name: sshd, sshd-session since 9.8, sshd-auth since 10.0.
func isSSHD(p proc.Process) bool {
	exe, err := p.Exe()
	return err == nil && strings.HasPrefix(exe, "sshd")
}
