package pam

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"dpki/authkeys"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"
	"dpki/pam/proc"
	"dpki/pam/session"
)

// scripted allows what it is told to, and remembers what it was asked.
type scripted struct {
	allow map[authkeys.Stage]bool
	asked []authkeys.Request
}

func (s *scripted) Decide(_ context.Context, req authkeys.Request) authkeys.Decision {
	s.asked = append(s.asked, req)
	if s.allow[req.Stage] {
		return authkeys.Decision{Allow: true, Reason: authkeys.Accepted}
	}
	return authkeys.Decision{Reason: authkeys.GrantRevoked}
}

// fixture is a handler asked by a process that stands for sshd's monitor.
type fixture struct {
	*Handler
	engine  *scripted
	peer    serve.Peer
	monitor proc.Process
	refused []Refusal
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	p, err := proc.Find(int32(cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{
		engine:  &scripted{allow: map[authkeys.Stage]bool{authkeys.StageAccount: true, authkeys.StageSession: true, authkeys.StageSudo: true}},
		peer:    serve.Peer{PID: p.PID},
		monitor: p,
	}
	sessions := &session.Manager{
		File: filepath.Join(t.TempDir(), "sessions.json"), Now: func() uint64 { return 1000 },
		Extent: func(session.Session) (uint64, authkeys.Reason) { return 5000, authkeys.Accepted },
	}
	f.Handler = &Handler{Engine: f.engine, Sessions: sessions, Monitors: &Monitors{}, Audit: func(r Refusal) { f.refused = append(f.refused, r) }}
	return f
}

func (f *fixture) ask(typ socket.Type, fields ...string) socket.Answer {
	return f.Handle(context.Background(), f.peer, socket.NewRequest(typ, fields...))
}

func (f *fixture) account(user string) socket.Answer {
	return f.ask(socket.Account, "sshd", user, "192.0.2.1", "ssh")
}

func (f *fixture) open(user, info string) socket.Answer {
	return f.ask(socket.OpenSession, "sshd", user, "192.0.2.1", "ssh", info)
}

var offer = Offer{Account: "alice", KeyType: "ssh-ed25519", Key: "AAAA", Allow: true}

const used = "publickey ssh-ed25519 AAAA\n"

func TestAccount(t *testing.T) {
	refused := offer
	refused.Allow = false
	for _, c := range []struct {
		name   string
		user   string
		change func(*fixture)
		want   socket.Code
		reason string
	}{
		{"the twin", "alice", func(*fixture) {}, socket.Allow, ""},
		{"no offer", "alice", func(f *fixture) { f.Monitors.Forget(f.monitor) }, socket.Deny, errNoOffer.Error()},
		{"a refused offer", "alice", func(f *fixture) { f.Monitors.Note(f.monitor, refused) }, socket.Deny, errOfferDenied.Error()},
		{"another account", "root", func(*fixture) {}, socket.Deny, errOtherAccount.Error()},
		{"the decision has changed", "alice", func(f *fixture) { delete(f.engine.allow, authkeys.StageAccount) }, socket.Deny, "the grant is revoked"},
		{"not governed", "carol", func(f *fixture) {
			f.Monitors.Forget(f.monitor)
			f.Governs = func(a string) bool { return a != "carol" }
		}, socket.Allow, ""},
		{"not governed, but the helper was asked", "carol", func(f *fixture) { f.Governs = func(a string) bool { return a != "carol" } }, socket.Deny, errOtherAccount.Error()},
		{"no engine", "alice", func(f *fixture) { f.Engine = nil }, socket.Error, ""},
		{"no sessions", "alice", func(f *fixture) { f.Sessions = nil }, socket.Error, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.Monitors.Note(f.monitor, offer)
			c.change(f)
			got := f.account(c.user)
			if got.Code != c.want {
				t.Errorf("got %+v, want code %d", got, c.want)
			}
			if c.reason != "" && (len(f.refused) != 1 || f.refused[0].Reason != c.reason || f.refused[0].Stage != authkeys.StageAccount) {
				t.Errorf("audit: %+v, want %q", f.refused, c.reason)
			}
			if c.want != socket.Allow && strings.Contains(got.Text, "AAAA") {
				t.Errorf("the text shows a key: %q", got.Text)
			}
		})
	}
	var zero Handler
	if got := zero.Handle(context.Background(), serve.Peer{PID: int32(os.Getpid())}, socket.NewRequest(socket.Account, "sshd", "alice", "", "")); got.Code == socket.Allow {
		t.Errorf("the zero Handler: %+v", got)
	}
}

func TestOpenSession(t *testing.T) {
	for _, c := range []struct {
		name, info, reason string
		change             func(*fixture)
	}{
		{name: "the twin", info: used},
		{name: "a second factor beside it", info: used + "keyboard-interactive/pam\n"},
		{name: "a password", info: "password\n", reason: errNoKey.Error()},
		{name: "nothing", info: "", reason: errNoKey.Error()},
		{name: "another key", info: "publickey ssh-ed25519 BBBB\n", reason: errOtherKey.Error()},
		{name: "another type", info: "publickey ssh-rsa AAAA\n", reason: errOtherKey.Error()},
		{name: "the key and another", info: used + "publickey ssh-ed25519 BBBB\n", reason: errNoKey.Error()},
		{name: "the start of the key", info: "publickey ssh-ed25519 AAA\n", reason: errOtherKey.Error()},
		{name: "no offer", info: used, reason: errNoOffer.Error(), change: func(f *fixture) { f.Monitors.Forget(f.monitor) }},
		{name: "the decision has changed", info: used, reason: "the grant is revoked", change: func(f *fixture) { delete(f.engine.allow, authkeys.StageSession) }},
		{name: "no time left", info: used, reason: "the grant has expired", change: func(f *fixture) {
			f.Sessions.Extent = func(session.Session) (uint64, authkeys.Reason) { return 1000, authkeys.Accepted }
		}},
		{name: "no extent", info: used, reason: "no decision", change: func(f *fixture) { f.Sessions.Extent = nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.Monitors.Note(f.monitor, offer)
			if c.change != nil {
				c.change(f)
			}
			got := f.open("alice", c.info)
			if c.reason == "" {
				if got.Code != socket.Allow || !strings.Contains(got.Text, "ends at 01:23:20 UTC") {
					t.Errorf("got %+v", got)
				}
				if list := f.Sessions.List(); len(list) != 1 || list[0].Monitor != f.monitor || list[0].Account != "alice" || list[0].Until != 5000 {
					t.Errorf("sessions: %+v", list)
				}
			} else {
				if got.Code != socket.Deny || len(f.refused) != 1 || f.refused[0].Reason != c.reason {
					t.Errorf("got %+v, audit %+v; want %q", got, f.refused, c.reason)
				}
				if n := len(f.Sessions.List()); n != 0 {
					t.Errorf("%d sessions", n)
				}
			}
			if _, ok := f.Monitors.Last(f.monitor); ok {
				t.Error("the answer may be used twice")
			}
		})
	}
}

func TestSudoNeedsASessionAndItsKey(t *testing.T) {
	proved := 0
	prove := func(context.Context, session.Session, proc.Process) error { proved++; return nil }
	for _, c := range []struct {
		name   string
		change func(*fixture)
		user   string
		want   socket.Code
	}{
		{"the twin", func(f *fixture) { f.Sudo = prove }, "alice", socket.Allow},
		{"not set up", func(*fixture) {}, "alice", socket.Deny},
		{"another user", func(f *fixture) { f.Sudo = prove }, "root", socket.Deny},
		{"a grant without sudo", func(f *fixture) { f.Sudo = prove; delete(f.engine.allow, authkeys.StageSudo) }, "alice", socket.Deny},
		{"no proof", func(f *fixture) {
			f.Sudo = func(context.Context, session.Session, proc.Process) error { return context.DeadlineExceeded }
		}, "alice", socket.Deny},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			f.Monitors.Note(f.monitor, offer)
			if got := f.open("alice", used); got.Code != socket.Allow {
				t.Fatalf("open: %+v", got)
			}
			proved = 0
			c.change(f)
			if got := f.ask(socket.Sudo, "sudo", c.user, "", ""); got.Code != c.want {
				t.Errorf("got %+v, want code %d", got, c.want)
			}
			if proved > 0 && c.want != socket.Allow {
				t.Error("the agent was asked in vain")
			}
		})
	}
	f := newFixture(t)
	f.Sudo = prove
	if got := f.ask(socket.Sudo, "sudo", "alice", "", ""); got.Code != socket.Deny {
		t.Errorf("without a session: %+v", got)
	}
}

func TestSudoAccount(t *testing.T) {
	f := newFixture(t)
	f.Governs = func(account string) bool { return account != "carol" }
	ask := func(user string) socket.Code { return f.ask(socket.Account, "sudo", user, "", "").Code }
	if ask("alice") != socket.Deny || ask("carol") != socket.Allow {
		t.Error("without a session: only who is not governed may pass")
	}
	f.Monitors.Note(f.monitor, offer)
	f.open("alice", used)
	if ask("alice") != socket.Allow {
		t.Error("a session under a grant with sudo is refused")
	}
	if ask("carol") != socket.Deny {
		t.Error("another user in the session passes")
	}
	delete(f.engine.allow, authkeys.StageSudo)
	if ask("alice") != socket.Deny {
		t.Error("a session under a grant without sudo passes")
	}
}

// The parent of a helper whose sshd has died is process 1. It must never be taken for a monitor: its session would be everything.
func TestOnlySSHDIsAMonitor(t *testing.T) {
	f := newFixture(t)
	for _, pid := range []int32{1, int32(os.Getpid()), f.peer.PID} {
		p, err := proc.Find(pid)
		if err != nil {
			t.Fatal(err)
		}
		f.Offered(p, offer)
		if _, ok := f.Monitors.Last(p); ok {
			t.Errorf("process %d is noted", pid)
		}
		if pid == f.peer.PID {
			continue
		}
		if _, err := f.Sessions.Open(session.Session{Monitor: p}); err == nil {
			t.Errorf("process %d has a session", pid)
		}
	}
}

func TestCloseOfNothing(t *testing.T) {
	f := newFixture(t)
	if got := f.ask(socket.CloseSession, "sshd", "alice", "", ""); got.Code != socket.Allow {
		t.Errorf("got %+v", got)
	}
}

func TestUserTextIsBounded(t *testing.T) {
	if got := text(strings.Repeat("é", 2000) + "\x1b"); len(got) != maxText || !printable(got) {
		t.Errorf("%d bytes", len(got))
	}
}

// stalling decides about sudo when it is told to.
type stalling struct {
	running chan struct{} // one for each that waits
	release chan struct{}
}

func (s *stalling) Decide(_ context.Context, req authkeys.Request) authkeys.Decision {
	if req.Stage == authkeys.StageSudo {
		s.running <- struct{}{}
		<-s.release
	}
	return authkeys.Decision{Allow: true, Reason: authkeys.Accepted}
}

// A user who runs sudo a hundred times at once, while each takes its time, takes a few of pam.sock's exchanges and no more: a colleague
// still logs in. Whoever waits for his own goes on as ever.
func TestCrowdOfSudoIsBounded(t *testing.T) {
	f := newFixture(t)
	engine := &stalling{running: make(chan struct{}, 100), release: make(chan struct{})}
	f.Engine, f.Audit = engine, nil
	f.Sudo = func(context.Context, session.Session, proc.Process) error { return nil }
	f.Monitors.Note(f.monitor, offer)
	if got := f.open("alice", used); got.Code != socket.Allow {
		t.Fatalf("session: %+v", got)
	}
	answers := make(chan socket.Answer, 100)
	for range 100 {
		go func() { answers <- f.ask(socket.Sudo, "sudo", "alice", "", "pts/0") }()
	}
	for range 100 - maxElevatingSession {
		if got := <-answers; got.Code != socket.Deny || !strings.Contains(got.Text, errManySudo.Error()) {
			t.Errorf("one too many: %+v", got)
		}
	}
	if n := len(engine.running); n != maxElevatingSession {
		t.Errorf("%d are decided at once, want %d", n, maxElevatingSession)
	}
	// sudo that asks for a password is counted too.
	if got := f.ask(socket.Account, "sudo", "alice", "", "pts/0"); got.Code != socket.Deny {
		t.Errorf("sudo's account: %+v", got)
	}
	f.Monitors.Note(f.monitor, offer)
	if got := f.account("alice"); got.Code != socket.Allow {
		t.Errorf("a login meanwhile: %+v", got)
	}
	close(engine.release)
	for range maxElevatingSession {
		if got := <-answers; got.Code != socket.Allow {
			t.Errorf("one of the few: %+v", got)
		}
	}
	if got := f.ask(socket.Sudo, "sudo", "alice", "", "pts/0"); got.Code != socket.Allow {
		t.Errorf("the twin, afterwards: %+v", got)
	}
	// However many sessions there are, half of the exchanges are sshd's.
	for i := range int32(2 * maxElevating) {
		f.beginSudo(proc.Process{PID: 100000 + i})
	}
	if n := len(f.elevating); n != maxElevating {
		t.Errorf("%d of all sessions, want %d", n, maxElevating)
	}
}
