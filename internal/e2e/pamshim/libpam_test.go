//go:build pam

package pamshim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"

	pamapp "github.com/msteinert/pam/v2"
	"golang.org/x/sys/unix"
)

const pamSocket = "/run/dpki/pam.sock"

// stack is one PAM transaction of an application, with the module as its only one.
type stack struct {
	*pamapp.Transaction
	said []string
}

// start begins a transaction. control is the control word of the PAM line, and options what follows the module in it.
func start(t testing.TB, user, control, options string) *stack {
	t.Helper()
	dir := t.TempDir()
	line := fmt.Sprintf(" %s %s %s\n", control, module(t), options)
	write(t, dir+"/dpki-test", "auth"+line+"account"+line+"session"+line, 0o644)
	s := &stack{}
	tx, err := pamapp.StartConfDir("dpki-test", user, pamapp.ConversationFunc(func(_ pamapp.Style, text string) (string, error) {
		s.said = append(s.said, text)
		return "", nil
	}), dir)
	if err != nil {
		t.Fatal(err)
	}
	s.Transaction = tx
	t.Cleanup(func() { tx.End() })
	if err := tx.PutEnv("SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA\n"); err != nil {
		t.Fatal(err)
	}
	return s
}

// results runs the four hooks.
func (s *stack) results() [4]error {
	return [4]error{s.Authenticate(0), s.AcctMgmt(0), s.OpenSession(0), s.CloseSession(0)}
}

func same(got, want [4]error) bool {
	for i := range got {
		if !errors.Is(got[i], want[i]) || (want[i] == nil) != (got[i] == nil) {
			return false
		}
	}
	return true
}

var (
	allowed    [4]error
	denied     = [4]error{pamapp.ErrAuth, pamapp.ErrPermDenied, pamapp.ErrSession, pamapp.ErrSession}
	noDaemon   = [4]error{pamapp.ErrAuthinfoUnavail, pamapp.ErrAuthinfoUnavail, pamapp.ErrAuthinfoUnavail, pamapp.ErrAuthinfoUnavail}
	everything = []socket.Type{socket.Account, socket.OpenSession, socket.CloseSession, socket.Sudo}
)

// daemon answers every request alike, through the product's own server.
func daemon(t testing.TB, h serve.Handler, allow func(serve.Peer) bool) {
	t.Helper()
	if err := os.MkdirAll("/run/dpki", 0o755); err != nil {
		t.Fatal(err)
	}
	l, err := serve.Listen(serve.Options{Path: pamSocket, Mode: 0o600})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		(&serve.Server{Handler: h, Allow: allow, Types: everything, Logf: t.Logf}).Serve(ctx, l)
	})
	t.Cleanup(func() { cancel(); running.Wait(); os.Remove(pamSocket) })
}

func always(a socket.Answer) serve.Handler {
	return func(context.Context, serve.Peer, socket.Request) socket.Answer { return a }
}

func root(p serve.Peer) bool { return p.UID == 0 }

func TestLibpamThroughEveryAnswer(t *testing.T) {
	module(t)
	for _, c := range []struct {
		name   string
		answer serve.Handler
		allow  func(serve.Peer) bool
		want   [4]error
	}{
		{"allow", always(socket.Answer{Code: socket.Allow}), root, allowed},
		{"deny", always(socket.Answer{Code: socket.Deny}), root, denied},
		{"error", always(socket.Answer{Code: socket.Error}), root, denied},
		{"a daemon that does not know us", always(socket.Answer{Code: socket.Allow}), func(serve.Peer) bool { return false }, denied},
		{"a daemon that panics", func(context.Context, serve.Peer, socket.Request) socket.Answer { panic("test") }, root, denied},
		{"a text that does not fit", always(socket.Answer{Code: socket.Allow, Text: strings.Repeat("x", 1025)}), root, denied},
	} {
		t.Run(c.name, func(t *testing.T) {
			daemon(t, c.answer, c.allow)
			if got := start(t, "alice", "required", "").results(); !same(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestLibpamWithoutDaemon(t *testing.T) {
	module(t)
	os.Remove(pamSocket)
	if got := start(t, "alice", "required", "").results(); !same(got, noDaemon) {
		t.Errorf("required: got %v, want %v", got, noDaemon)
	}
	// The documented line for sites with break-glass keys. The module stands with pam_permit, for a stack that ignores all is denied.
	s := start(t, "alice", "[success=ok authinfo_unavail=ignore default=bad]", "\naccount required pam_permit.so\nsession required pam_permit.so")
	if err := errors.Join(s.AcctMgmt(0), s.OpenSession(0)); err != nil {
		t.Errorf("the line for break-glass: %v", err)
	}
	s = start(t, "alice", "[success=ok authinfo_unavail=ignore default=bad]", "\naccount required pam_permit.so\nsession required pam_permit.so")
	s.PutEnv("SSH_AUTH_INFO_0=password\n")
	if err := s.OpenSession(0); !errors.Is(err, pamapp.ErrSession) {
		t.Errorf("the line for break-glass, after a password: %v", err)
	}
}

func TestLibpamSlowDaemon(t *testing.T) {
	module(t)
	daemon(t, func(ctx context.Context, _ serve.Peer, _ socket.Request) socket.Answer {
		<-ctx.Done() // the server's own deadline closes the connection
		time.Sleep(500 * time.Millisecond)
		return socket.Answer{Code: socket.Allow}
	}, root)
	const waits = 2 * time.Second // of the module
	began := time.Now()
	if err := start(t, "alice", "required", "").AcctMgmt(0); !errors.Is(err, pamapp.ErrPermDenied) || time.Since(began) > 5*waits {
		t.Errorf("%v after %v", err, time.Since(began))
	}
}

// A process of alice listens where the daemon should.
func TestLibpamWrongPeer(t *testing.T) {
	module(t)
	if err := os.MkdirAll("/run/dpki", 0o755); err != nil {
		t.Fatal(err)
	}
	asked := make(chan struct{}, 10)
	listen := func(uid int) net.Listener {
		os.Remove(pamSocket)
		if err := os.Chown("/run/dpki", uid, uid); err != nil {
			t.Fatal(err)
		}
		type made struct {
			l   net.Listener
			err error
		}
		result := make(chan made)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends, with its uid, when the goroutine does
			if _, _, e := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), 0); e != 0 {
				result <- made{nil, e}
				return
			}
			l, err := net.Listen("unix", pamSocket)
			result <- made{l, err}
		}()
		m := <-result
		if m.err != nil {
			t.Fatal(m.err)
		}
		go func() {
			for {
				c, err := m.l.Accept()
				if err != nil {
					return
				}
				asked <- struct{}{}
				b, _ := socket.Answer{Code: socket.Allow}.Marshal()
				c.SetDeadline(time.Now().Add(harness.Patience))
				socket.ReadRequest(c)
				c.Write(b)
				c.Close()
			}
		}()
		return m.l
	}
	t.Cleanup(func() { os.Chown("/run/dpki", 0, 0); os.Remove(pamSocket) })
	for _, c := range []struct {
		uid  int
		want [4]error
	}{{6001, denied}, {0, allowed}} {
		l := listen(c.uid)
		if got := start(t, "alice", "required", "").results(); !same(got, c.want) {
			t.Errorf("uid %d: got %v, want %v", c.uid, got, c.want)
		}
		// The module may be done with a stranger before the stranger is done accepting.
		select {
		case <-asked:
		case <-time.After(harness.Patience):
			t.Errorf("uid %d: nobody connected", c.uid)
		}
		l.Close()
	}
}

func TestLibpamUserChanges(t *testing.T) {
	module(t)
	daemon(t, always(socket.Answer{Code: socket.Allow}), root)
	s := start(t, "alice", "required", "")
	if err := s.AcctMgmt(0); err != nil {
		t.Fatalf("the twin: %v", err)
	}
	if err := s.SetItem(pamapp.User, "root"); err != nil {
		t.Fatal(err)
	}
	if got, want := s.results(), denied; !same(got, want) {
		t.Errorf("another user: got %v, want %v", got, want)
	}
	if err := s.SetItem(pamapp.User, "alice"); err != nil {
		t.Fatal(err)
	}
	if err := s.OpenSession(0); err != nil {
		t.Errorf("the same user again: %v", err)
	}
}

func TestLibpamUnknownArgument(t *testing.T) {
	module(t)
	daemon(t, always(socket.Answer{Code: socket.Allow}), root)
	for _, argument := range []string{"debug", "socket=/tmp/x", "=", "nullok"} {
		if got := start(t, "alice", "required", argument).results(); !same(got, denied) {
			t.Errorf("%q: got %v, want %v", argument, got, denied)
		}
	}
	if got := start(t, "alice", "required", "").results(); !same(got, allowed) {
		t.Errorf("the twin: got %v", got)
	}
}

func TestLibpamConversation(t *testing.T) {
	module(t)
	daemon(t, always(socket.Answer{Text: "dpki: the grant has expired."}), root)
	s := start(t, "alice", "required", "")
	s.AcctMgmt(0)
	if got := fmt.Sprint(s.said); got != "[dpki: the grant has expired.]" {
		t.Errorf("said %s", got)
	}
	s = start(t, "alice", "required", "")
	if s.AcctMgmt(pamapp.Silent); len(s.said) != 0 {
		t.Errorf("silent, but said %q", s.said)
	}
}

// A module that hangs in one of many transactions would hang sshd.
func TestLibpamLatency(t *testing.T) {
	module(t)
	daemon(t, always(socket.Answer{Code: socket.Allow}), root)
	const rounds = 200
	began := time.Now()
	for range rounds {
		if err := start(t, "alice", "required", "").AcctMgmt(0); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%v for a transaction with account", time.Since(began)/rounds)
}
