package helper

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/internal/harness"
	"dpki/internal/harness/sshd"
	"dpki/internal/harness/sshkey"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"
	"dpki/sshca/profile"
	"dpki/state"
)

const (
	socketPath = "/run/dpki/authkeys.sock"
	helperUser = 6004 // dpki-authkeys in the harness's machine
)

// site is one device: sshd, the helper, and a daemon that decides from facts that the test gives.
type site struct {
	t      *testing.T
	scopes state.Scopes
	ca     ssh.Signer
	sshd   *sshd.Server
	log    *harness.Syslog

	mu    sync.Mutex
	facts *state.Facts
	seq   uint64
	said  map[state.Word]profile.Terms // of the grants in the mailbox, by subject
}

func word(s string) state.Word { return state.Keccak256([]byte(s)) }

// newSite starts everything but the daemon.
func newSite(t *testing.T) *site {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	s := &site{t: t, scopes: state.Scopes{Org: word("org"), Zone: word("zone"), Mailbox: word("device")}, facts: state.NewFacts(), said: map[state.Word]profile.Terms{}}
	s.ca = sshkey.New(t)
	s.add(state.Entry{Kind: state.KindCAUser, Subject: word("ca"), Data: payload(t, state.CA{Key: profile.Hash(s.ca.PublicKey())})}, s.scopes.Zone)
	s.log = harness.StartSyslog(t)
	if err := os.MkdirAll("/run/dpki", 0o755); err != nil {
		t.Fatal(err)
	}
	os.Remove(socketPath)
	s.sshd = sshd.Start(t, sshd.Config{Command: harness.Bin(t, "dpki-authkeys") + " %u %t %k"})
	return s
}

// daemon serves until the test ends or stop is called.
func (s *site) daemon() (stop func()) {
	s.t.Helper()
	l, err := serve.Listen(serve.Options{Path: socketPath, Mode: 0o660, UID: 0, GID: helperUser})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	server := &serve.Server{Types: []socket.Type{socket.Authkeys}, Allow: func(p serve.Peer) bool { return p.UID == helperUser },
		Handler: func(_ context.Context, _ serve.Peer, r socket.Request) socket.Answer { return s.answer(r) }}
	go func() { defer close(done); server.Serve(ctx, l) }()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	s.t.Cleanup(stop)
	return stop
}

func (s *site) answer(r socket.Request) socket.Answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := uint64(time.Now().Unix())
	d := authkeys.Decide(authkeys.Request{
		Stage: authkeys.StageOffer, Account: string(r.Fields[0]), KeyType: string(r.Fields[1]), Key: string(r.Fields[2]), ExpiryTime: true,
	}, &state.State{Scopes: s.scopes, Name: "gate-7", Head: state.Head{Number: 9, Time: now}, Safe: 9, Confirmed: s.facts}, authkeys.Now{Time: now})
	if d.Allow {
		return socket.Answer{Code: socket.Allow, Text: d.Line}
	}
	return socket.Answer{Code: socket.Deny, Text: d.Text()}
}

type clear struct{}

func (clear) Open(_ state.Word, e *state.Entry) ([]byte, error) { return e.Data, nil }

func payload(t testing.TB, p interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// add enters a fact; a window that is zero is from an hour ago to in an hour.
func (s *site) add(e state.Entry, scope state.Word) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	now := uint64(time.Now().Unix())
	e.Seq, e.Block, e.Time, e.Authors = s.seq, 1, now-3600, []state.Address{{19: 1}}
	if e.Action == 0 {
		e.Action = state.ActionPut
	}
	if e.Action == state.ActionPut && e.Until == 0 {
		e.From, e.Until = now-3600, now+3600
	}
	s.facts.Apply(s.scopes, scope, &e, clear{})
	if g, err := state.ParseGrant(e.Data); err == nil && (e.Kind == state.KindGrant || e.Kind == state.KindGrantPriv) {
		s.said[e.Subject] = profile.Terms{Zone: s.scopes.Zone, Device: "gate-7", Kind: e.Kind, Grant: g}
	}
}

// terms are what a certificate for a grant is issued for.
func (s *site) terms(subject state.Word) profile.Terms {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.said[subject]
}

// user is somebody with a key in files, as ssh wants it.
type user struct {
	signer ssh.Signer
	path   string
}

func newUser(t testing.TB) user {
	t.Helper()
	pair := sshkey.New(t)
	u := user{pair, filepath.Join(t.TempDir(), "id")}
	pair.Save(t, u.path)
	return u
}

// certificate writes a certificate beside the key and returns its path.
func (u user) certificate(t testing.TB, c *ssh.Certificate) string {
	t.Helper()
	return sshkey.SaveCertificate(t, u.path, c)
}

// grant enters a grant and returns its subject.
func (s *site) grant(u user, name string, g state.Grant) state.Word {
	s.t.Helper()
	g.Key = profile.Hash(u.signer.PublicKey())
	kind := state.KindGrant
	if g.Account == "root" {
		kind = state.KindGrantPriv
	}
	s.add(state.Entry{Kind: kind, Subject: word(name), Data: payload(s.t, g)}, s.scopes.Mailbox)
	return word(name)
}

func (s *site) login(u user, account, certificate string, command ...string) sshd.Result {
	s.t.Helper()
	return s.sshd.Login(s.t, sshd.Client{User: account, Key: u.path, Certificate: certificate}, command...)
}

// present logs in by exactly this certificate with a client that does not look at it.
func (s *site) present(u user, account string, c *ssh.Certificate) error {
	s.t.Helper()
	signer, err := ssh.NewCertSigner(c, u.signer)
	if err != nil {
		s.t.Fatal(err)
	}
	conn, err := ssh.Dial("tcp", s.sshd.Addr(), &ssh.ClientConfig{
		User: account, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(s.sshd.Host), Timeout: 10 * time.Second,
	})
	if err == nil {
		conn.Close()
	}
	return err
}

func installBreakGlass(t *testing.T, account, line string, denied ...[32]byte) {
	t.Helper()
	for path, mode := range map[string]os.FileMode{breakglass.Folder: 0o755, filepath.Dir(breakglass.DeniedFile): 0o711} {
		if err := os.MkdirAll(path, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(breakglass.Folder, account+"@test.keys"), []byte(line+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := breakglass.WriteDenied(breakglass.DeniedFile, time.Now(), func(yield func([32]byte) bool) {
		for _, k := range denied {
			if !yield(k) {
				return
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
}
