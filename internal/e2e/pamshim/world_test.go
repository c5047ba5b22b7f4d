// Package pamshim tests the PAM module and the ends of sessions on real parts: sshd with UsePAM and a service of its own, libpam,
// the helper, cgroups. What stands for the daemon's engine is a table of grants that the test changes.
package pamshim

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/internal/harness"
	"dpki/internal/harness/sshd"
	"dpki/internal/harness/sshkey"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"
	"dpki/pam"
	"dpki/pam/cgroup"
	"dpki/pam/proc"
	"dpki/pam/session"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki-authkeys") }

// user is somebody with a key, as files and in memory. The credential is the plain key or, with a certificate, that.
type user struct {
	file        string // private key
	certificate string // file; empty: none
	signer      ssh.Signer
	keyType     string
	key         string // base64
}

func (u user) client(account string) sshd.Client {
	return sshd.Client{User: account, Key: u.file, Certificate: u.certificate}
}

func (u user) hash() state.Word {
	key := u.signer.PublicKey()
	if c, ok := key.(*ssh.Certificate); ok {
		key = c.Key
	}
	return sha256.Sum256(key.Marshal())
}

func newUser(t testing.TB, ca ssh.Signer) user {
	t.Helper()
	pair := sshkey.New(t)
	u := user{file: filepath.Join(t.TempDir(), "id"), signer: pair}
	pair.Save(t, u.file)
	if ca != nil {
		c := &ssh.Certificate{Key: pair.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"g-1"}, ValidBefore: ssh.CertTimeInfinity,
			Permissions: ssh.Permissions{Extensions: map[string]string{"permit-pty": "", "permit-port-forwarding": "", "permit-agent-forwarding": ""}}}
		err := c.SignCert(rand.Reader, ca)
		if err != nil {
			t.Fatal(err)
		}
		u.certificate = sshkey.SaveCertificate(t, u.file, c)
		if u.signer, err = ssh.NewCertSigner(c, pair); err != nil {
			t.Fatal(err)
		}
	}
	f := strings.Fields(string(ssh.MarshalAuthorizedKey(u.signer.PublicKey())))
	u.keyType, u.key = f[0], f[1]
	return u
}

func write(t testing.TB, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// grants is the engine's stand-in: who may be whom until when. It implements pam.Engine.
type grants struct {
	mu    sync.Mutex
	until map[string]uint64 // by account and key
	sudo  map[string]bool   // the same
	left  int               // decisions after which every grant is expired; 0: never
	asked atomic.Int64      // how often until when a session may last
}

// expireAfter lets n more decisions pass.
func (g *grants) expireAfter(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.left = n + 1
}

func index(account string, key state.Word) string { return account + " " + key.String() }

func (g *grants) set(account string, u user, until uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.until == nil {
		g.until = map[string]uint64{}
	}
	g.until[index(account, u.hash())] = until
}

// elevate lets a grant use sudo, and lower takes that back.
func (g *grants) elevate(account string, u user) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sudo == nil {
		g.sudo = map[string]bool{}
	}
	g.sudo[index(account, u.hash())] = true
}

func (g *grants) lower(account string, u user) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.sudo, index(account, u.hash()))
}

func (g *grants) revoke(account string, u user) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.until, index(account, u.hash()))
}

func (g *grants) revokeAll() {
	g.mu.Lock()
	defer g.mu.Unlock()
	clear(g.until)
}

func keyHash(keyType, key string) state.Word {
	pub, _, _, _, err := ssh.ParseAuthorizedKey([]byte(keyType + " " + key))
	if err != nil {
		return state.Word{}
	}
	if c, ok := pub.(*ssh.Certificate); ok {
		pub = c.Key
	}
	return sha256.Sum256(pub.Marshal())
}

func (g *grants) Decide(_ context.Context, req authkeys.Request) authkeys.Decision {
	d := authkeys.Decision{Key: keyHash(req.KeyType, req.Key), Reason: authkeys.GrantUnknown}
	g.mu.Lock()
	defer g.mu.Unlock()
	expired := g.left == 1
	if g.left > 1 {
		g.left--
	}
	if until, ok := g.until[index(req.Account, d.Key)]; ok {
		d.Allow, d.Reason, d.Until, d.Mode = until > now() && !expired, authkeys.GrantExpired, until, state.ModeGrantedKey
		if d.Allow && req.Stage == authkeys.StageSudo && !g.sudo[index(req.Account, d.Key)] {
			d.Allow, d.Reason = false, authkeys.NoSudo
		}
		if d.Allow {
			d.Reason = authkeys.Accepted
		}
	}
	return d
}

func (g *grants) extent(s session.Session) (uint64, authkeys.Reason) {
	g.asked.Add(1)
	g.mu.Lock()
	defer g.mu.Unlock()
	until, ok := g.until[index(s.Account, s.Hash)]
	if !ok {
		return 0, authkeys.GrantRevoked
	}
	return until, authkeys.Accepted
}

func now() uint64 { return uint64(time.Now().Unix()) }

const hour = 3600

// world is a device with everything but the engine.
type world struct {
	*grants
	t        testing.TB
	ca       ssh.Signer
	sshd     *sshd.Server
	sessions *session.Manager
	handler  *pam.Handler
	register string
	subtree  string // of cgroups: other runs of these tests on this machine see the same hierarchy
	mu       sync.Mutex
	events   []session.Event
	refusals []pam.Refusal
	stop     func() // the daemon ends, and leaves its sessions
}

type options struct {
	lines   []string // of sshd_config
	stack   string   // PAM's; empty: account and session by the module
	governs func(string) bool
	lesser  bool // no cgroups
	noPAM   bool
	down    bool          // no daemon
	grace   time.Duration // the manager's; 0: its own
}

const moduleDir = "/run/dpki-pam"

// module compiles pam_dpki.so as it is shipped, once.
var moduleOnce = sync.OnceValues(func() (string, error) {
	path := moduleDir + "/pam_dpki.so"
	if err := os.MkdirAll(moduleDir, 0o755); err != nil {
		return "", err
	}
	out, err := exec.Command("make", "-s", "-C", filepath.Join(harness.RepoRoot(), "pam/shim"), "OUT="+moduleDir, path).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("make: %w\n%s", err, out)
	}
	return path, err
})

func module(t testing.TB) string {
	t.Helper()
	if *underSystemd {
		return moduleDir + "/pam_dpki.so" // made before the system was started
	}
	harness.Need(t, harness.Namespace, harness.Gcc, harness.PamHeaders)
	path, err := moduleOnce()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// secret is the password of alice and bob in a world; its hash is `openssl passwd -6 -salt dpkitest secret`.
const (
	secret     = "secret"
	secretHash = "$6$dpkitest$LB5.4UIdL450Sp.iTh8.RKUYC3jtKYULvulzXNaWvsZofTngbkiyCJsJpelxCKITN62k2f6mHPzPXxsRw7GGB/"
)

func newWorld(t testing.TB, o options) *world {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	w := &world{grants: &grants{}, t: t, ca: sshkey.New(t), register: filepath.Join(harness.RootDir(t), "sessions.json"), subtree: "dpki-test-" + rand.Text()}
	setPasswords(t)
	if err := os.MkdirAll("/run/dpki", 0o755); err != nil {
		t.Fatal(err)
	}
	if !o.down {
		w.startDaemon(o)
	}
	lines := o.lines
	if o.noPAM {
		lines = append(lines, "UsePAM no")
	}
	path := ""
	if o.noPAM && *otherRoot != "" {
		path = program(t, "")
	}
	if !o.noPAM {
		stack := o.stack
		if stack == "" {
			stack = "account required pam_dpki.so\nsession required pam_dpki.so\n"
			if *underSystemd {
				stack = "session required pam_systemd.so\n" + stack
			}
		}
		stack = "auth required pam_unix.so\naccount required pam_permit.so\nsession required pam_permit.so\n" + stack
		path = program(t, strings.ReplaceAll(stack, "pam_dpki.so", module(t)))
		lines = append(lines, "UsePAM yes")
	}
	w.sshd = sshd.Start(t, sshd.Config{Path: path, Command: harness.Bin(t, "dpki-authkeys") + " %u %t %k", Lines: lines})
	return w
}

func setPasswords(t testing.TB) {
	t.Helper()
	b, err := os.ReadFile("/etc/shadow")
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	for _, name := range []string{"alice", "bob"} {
		text = strings.Replace(text, "\n"+name+":*:", "\n"+name+":"+secretHash+":", 1)
	}
	write(t, "/etc/shadow", text, 0o640)
}

// startDaemon serves both sockets and runs the manager until the test, or stop, ends it.
func (w *world) startDaemon(o options) {
	t := w.t
	t.Helper()
	var tree *cgroup.Tree
	if !o.lesser {
		harness.Need(t, harness.Cgroup2)
		var err error
		if tree, err = cgroup.Find(w.subtree); err != nil {
			t.Fatal(err)
		}
	}
	w.sessions = &session.Manager{
		File: w.register, Tree: tree, Grace: o.grace, Now: now, Extent: w.extent, Logf: t.Logf,
		Audit: func(e session.Event) { w.mu.Lock(); w.events = append(w.events, e); w.mu.Unlock() },
	}
	w.handler = &pam.Handler{
		Engine: w.grants, Sessions: w.sessions, Monitors: &pam.Monitors{}, Governs: o.governs,
		Audit: func(r pam.Refusal) { w.mu.Lock(); w.refusals = append(w.refusals, r); w.mu.Unlock() },
		Alone: func(string) bool { return o.noPAM },
	}
	if err := w.sessions.Restore(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.sessions.Run(ctx) })
	for _, s := range []struct {
		options serve.Options
		server  serve.Server
	}{
		{serve.Options{Path: "/run/dpki/pam.sock", Mode: 0o600, UID: 0, GID: 0},
			serve.Server{Handler: w.handler.Handle, Types: pam.Types, Allow: pam.AllowPeer, Timeout: pam.Timeout, Logf: t.Logf}},
		{serve.Options{Path: "/run/dpki/authkeys.sock", Mode: 0o660, UID: 0, GID: 6004},
			serve.Server{Handler: w.authkeys, Types: []socket.Type{socket.Authkeys}, Allow: func(p serve.Peer) bool { return p.UID == 6004 }, Logf: t.Logf}},
	} {
		l, err := serve.Listen(s.options)
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { s.server.Serve(ctx, l) })
	}
	w.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		os.Remove("/run/dpki/pam.sock")
		os.Remove("/run/dpki/authkeys.sock")
	})
	t.Cleanup(func() {
		if t.Failed() {
			w.mu.Lock()
			for _, e := range w.events {
				t.Logf("audit: %s: %s of process %d after %d s", e.What, e.Reason, e.Session.Monitor.PID, e.Seconds)
			}
			for _, r := range w.refusals {
				t.Logf("audit: refused at stage %d, process %d: %s", r.Stage, r.Monitor.PID, r.Reason)
			}
			w.mu.Unlock()
		}
		w.end(t)
		if tree != nil {
			harness.Eventually(t, harness.Patience, func() error {
				if groups, err := tree.Own(); err != nil || len(groups) > 0 {
					return fmt.Errorf("groups are left: %v, %v", groups, err)
				}
				return nil
			})
		}
		w.stop()
		if tree != nil {
			if err := os.Remove(harness.CgroupDir(t, w.subtree)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("cgroups are left: %v", err)
			}
		}
	})
}

// end ends all sessions.
func (w *world) end(t testing.TB) {
	t.Helper()
	w.revokeAll()
	w.sessions.Refresh()
	w.none(t)
}

// authkeys answers the helper as the daemon will: a line or a refusal, noted under the monitor.
func (w *world) authkeys(ctx context.Context, peer serve.Peer, req socket.Request) socket.Answer {
	helper, err := proc.Find(peer.PID)
	if err != nil || len(req.Fields) != 3 {
		return socket.Answer{}
	}
	monitor, err := helper.Parent()
	if err != nil {
		return socket.Answer{}
	}
	o := pam.Offer{Account: string(req.Fields[0]), KeyType: string(req.Fields[1]), Key: string(req.Fields[2])}
	d := w.Decide(ctx, authkeys.Request{Stage: authkeys.StageOffer, Account: o.Account, KeyType: o.KeyType, Key: o.Key})
	o.Allow = d.Allow
	w.handler.Offered(monitor, o)
	if !d.Allow {
		return socket.Answer{Text: d.Text()}
	}
	line := fmt.Sprintf("restrict,pty,port-forwarding,agent-forwarding %s %s", o.KeyType, o.Key)
	if strings.Contains(o.KeyType, "-cert-") {
		line = fmt.Sprintf(`cert-authority,principals="g-1",restrict,pty,port-forwarding,agent-forwarding %s`, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(w.ca.PublicKey()))))
	}
	return socket.Answer{Code: socket.Allow, Text: line}
}

// happened returns the events of a kind so far.
func (w *world) happened(what session.What) (list []session.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.events {
		if e.What == what {
			list = append(list, e)
		}
	}
	return list
}

func (w *world) refused() []pam.Refusal {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]pam.Refusal{}, w.refusals...)
}

// one waits for the only session.
func (w *world) one(t testing.TB) session.Session {
	t.Helper()
	var s session.Session
	harness.Eventually(t, harness.Patience, func() error {
		list := w.sessions.List()
		if len(list) != 1 {
			return fmt.Errorf("%d sessions, want 1", len(list))
		}
		s = list[0]
		return nil
	})
	return s
}

// reviewed waits until the only session has been looked at by somebody who began after this was asked.
func (w *world) reviewed(t testing.TB) {
	t.Helper()
	before := w.asked.Load()
	harness.Eventually(t, harness.Patience, func() error {
		if n := w.asked.Load() - before; n < 2 { // the first may have been under way
			return fmt.Errorf("the session was looked at %d times", n)
		}
		return nil
	})
}

func (w *world) none(t testing.TB) {
	t.Helper()
	harness.Eventually(t, harness.Patience, func() error {
		if n := len(w.sessions.List()); n != 0 {
			return fmt.Errorf("%d sessions are left", n)
		}
		return nil
	})
}
