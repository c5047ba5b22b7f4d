package device

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/internal/harness/fleet"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// served is a rig behind its sockets.
type served struct {
	*rig
	sockets           *Sockets
	authkeys, control string
	audit             bytes.Buffer
	syslog            []string
}

// serve starts the sockets; who may use them are this test's user, moved by the
// given numbers.
func (r *rig) serve(helper, root uint32, store breakglass.Store) *served {
	r.Helper()
	dir := r.TempDir()
	s := &served{rig: r, authkeys: filepath.Join(dir, "a"), control: filepath.Join(dir, "c")}
	s.sockets = &Sockets{
		Door: NewDoor(r.engine, store), Log: r.log(), Version: "test",
		Helper: uint32(os.Geteuid()) + helper, Root: uint32(os.Geteuid()) + root, ExpiryTime: true,
		Audit: &Audit{JSON: &s.audit, Syslog: func(line string, alarm bool) error {
			s.syslog = append(s.syslog, fmt.Sprint(alarm, " ", line))
			return nil
		}},
	}
	listen := func(path string) *net.UnixListener {
		l, err := serve.Listen(serve.Options{Path: path, Mode: 0o600, UID: -1, GID: -1})
		if err != nil {
			r.Fatal(err)
		}
		return l
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	l := Listeners{Authkeys: listen(s.authkeys), Control: listen(s.control)}
	go func() { done <- s.sockets.Serve(ctx, l) }()
	r.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.Errorf("sockets: %v", err)
		}
	})
	return s
}

func (s *served) ask(account string, key ssh.PublicKey) (socket.Answer, error) {
	return serve.Call(context.Background(), s.authkeys, socket.NewRequest(socket.Authkeys, account, key.Type(), base64.StdEncoding.EncodeToString(key.Marshal())))
}

func TestSockets(t *testing.T) {
	t.Parallel()
	r := enrolled(t, instant, nil)
	alice := r.granted("alice", time.Hour)
	s := r.serve(0, 0, breakglass.Store{})

	a, err := s.ask("alice", alice.cert)
	if err != nil || a.Code != socket.Allow || !strings.HasPrefix(a.Text, `cert-authority,principals="g-`+alice.grant.Subject.String()) || strings.Contains(a.Text, "\n") {
		t.Errorf("alice: %+v, %v", a, err)
	}
	a, err = s.ask("bob", alice.cert)
	if err != nil || a.Code != socket.Deny || !strings.Contains(a.Text, "another account") {
		t.Errorf("bob: %+v, %v", a, err)
	}
	var status Status
	a, err = serve.Call(context.Background(), s.control, socket.NewRequest(socket.Status))
	if err != nil || json.Unmarshal([]byte(a.Text), &status) != nil || status.Name != "gate-7" || status.Version != "test" {
		t.Errorf("status: %+v, %v", a, err)
	}
	a, err = serve.Call(context.Background(), s.control, socket.NewRequest(socket.Explain, "bob", alice.cert.Type(), base64.StdEncoding.EncodeToString(alice.cert.Marshal())))
	var explained Record
	if err != nil || json.Unmarshal([]byte(a.Text), &explained) != nil || explained.Allow || explained.Event != "explain" || explained.Next == "" {
		t.Errorf("explain: %+v, %v", a, err)
	}
	// Each socket serves its own types, and fields are counted.
	for what, c := range map[string]struct {
		path string
		req  socket.Request
	}{
		"status on the helper's socket":      {s.authkeys, socket.NewRequest(socket.Status)},
		"reset-trust on the helper's socket": {s.authkeys, socket.NewRequest(socket.ResetTrust)},
		"a line from root's socket":          {s.control, socket.NewRequest(socket.Authkeys, "alice", "x", "y")},
		"sudo on root's socket":              {s.control, socket.NewRequest(socket.Sudo)},
		"too few fields":                     {s.authkeys, socket.NewRequest(socket.Authkeys, "alice")},
		"too many fields":                    {s.authkeys, socket.NewRequest(socket.Authkeys, "alice", "x", "y", "z")},
	} {
		if a, err := serve.Call(context.Background(), c.path, c.req); err == nil && a.Code != socket.Deny {
			t.Errorf("%s: %+v", what, a)
		}
	}

	// Audit: one line a question of sshd's, with reason and fingerprint, and no key.
	var lines []Record
	for d := json.NewDecoder(&s.audit); d.More(); {
		var rec Record
		if err := d.Decode(&rec); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, rec)
	}
	if len(lines) != 2 || !lines[0].Allow || lines[1].Allow || lines[0].Fingerprint != ssh.FingerprintSHA256(alice.key) ||
		lines[0].Grant != alice.grant.Subject.String() || lines[0].Freshness != "fresh" || lines[0].Block == 0 || lines[1].Reason != "the grant is for another account" {
		t.Errorf("audit: %+v", lines)
	}
	all := strings.Join(s.syslog, "\n")
	if !strings.Contains(all, "would accept: ") || !strings.Contains(all, "denied: ") || strings.Contains(all, base64.StdEncoding.EncodeToString(alice.key.Marshal())[40:]) {
		t.Errorf("syslog: %s", all)
	}
}

// Another user than the helper's gets nothing from its socket, and another than
// root nothing from the control socket; the twin is TestSockets.
func TestSocketsWrongPeer(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.New(t, instant))
	r.start(nil)
	s := r.serve(1, 1, breakglass.Store{})
	if a, err := s.ask("alice", r.org.NewKey().PublicKey()); err == nil {
		t.Errorf("the helper's socket answered a stranger: %+v", a)
	}
	for _, typ := range []socket.Type{socket.Status, socket.ResetTrust} {
		if a, err := serve.Call(context.Background(), s.control, socket.NewRequest(typ)); err == nil {
			t.Errorf("the control socket answered a stranger: %+v", a)
		}
	}
	if s.audit.Len() > 0 {
		t.Errorf("audit: %s", s.audit.String())
	}
}

// Break-glass keys let in while the device is offline and at no other time;
// every DENY that was seen applies to them.
func TestBreakGlass(t *testing.T) {
	t.Parallel()
	org := fleet.New(t, instant)
	r := newRig(t, org)
	org.NewCA()
	emergency, denied := org.NewKey(), org.NewKey()
	store := glass(t, "root", emergency.PublicKey(), denied.PublicKey())
	var last atomic.Pointer[map[state.Word]bool]
	r.start(func(c *Config) {
		c.Denied = func(_ time.Time, keys iter.Seq[state.Word]) error {
			list := map[state.Word]bool{}
			for k := range keys {
				list[k] = true
			}
			last.Store(&list)
			return nil
		}
	})
	r.enrol("gate-7")
	hash := authkeys.Decide(offerOf("root", denied.PublicKey()), nil, authkeys.Now{}).Key
	payload, err := state.Deny{Key: hash, Before: state.Never}.Marshal()
	org.Write(org.Zone, org.Seal(org.Zone, state.KindDeny, payload, err, 48*time.Hour))
	clear := org.NewKey() // another one, denied in the clear
	r.eventually(func(s Status) bool { return r.engine.View().State.Denied(hash, 1, s.Time) })
	s := r.serve(0, 0, store)

	ask := func(what, account string, key ssh.PublicKey, want bool) {
		t.Helper()
		if a, err := s.ask(account, key); err != nil || (a.Code == socket.Allow) != want {
			t.Errorf("%s: %+v, %v", what, a, err)
		}
	}
	ask("online", "root", emergency.PublicKey(), false)
	r.cut.Store(true)
	r.boot.Add(int64(25 * time.Hour)) // beyond the offline period
	ask("offline", "root", emergency.PublicKey(), true)
	ask("offline, another account", "alice", emergency.PublicKey(), false)
	ask("offline, a denied key", "root", denied.PublicKey(), false)
	ask("offline, a key that is not in the folder", "root", clear.PublicKey(), false)
	all := strings.Join(s.syslog, "\n")
	if !strings.Contains(all, "true BREAK-GLASS would accept") {
		t.Errorf("not logged loudly: %s", all)
	}
	if list := *last.Load(); !list[hash] || len(list) != 1 {
		t.Errorf("the list for the helper: %v", list)
	}
}

// glass makes a break-glass folder of this user's.
func glass(t *testing.T, account string, keys ...ssh.PublicKey) breakglass.Store {
	t.Helper()
	return glassUntil(t, time.Now().AddDate(50, 0, 0), account, keys...)
}

func glassUntil(t *testing.T, expires time.Time, account string, keys ...ssh.PublicKey) breakglass.Store {
	t.Helper()
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "keys"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for i, k := range keys {
		line := `from="192.0.2.0/24",expiry-time="` + expires.UTC().Format("20060102150405Z") + `",restrict,pty ` + string(ssh.MarshalAuthorizedKey(k))
		if err := os.WriteFile(filepath.Join(root, "keys", fmt.Sprintf("%s@%d.keys", account, i)), []byte(line), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return breakglass.Store{Root: root, Owner: uint32(os.Geteuid()), Folder: "/keys"}
}

// Who asks is not an sshd's child here: there is no monitor to remember.
func TestMonitorIsAnSshd(t *testing.T) {
	if p, ok := monitorOf(int32(os.Getpid())); ok {
		t.Errorf("the go tool is taken for sshd: %+v", p)
	}
	if _, ok := monitorOf(1 << 22); ok {
		t.Error("a process that does not exist has a monitor")
	}
}

// Foreign text cannot break a line of syslog.
func TestAuditQuotes(t *testing.T) {
	r := Record{Account: "a\nb\" c", Reason: "x"}
	if s := r.String(); strings.ContainsAny(s, "\n") || !strings.Contains(s, `account="a\nb\" c"`) {
		t.Errorf("%q", s)
	}
}
