package answer_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/authkeys/breakglass"
	"dpki/device"
	"dpki/device/answer"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"

	"golang.org/x/crypto/ssh"
)

// served is a rig behind its sockets.
type served struct {
	*follower.Rig
	sockets           *answer.Sockets
	authkeys, control string
	audit             bytes.Buffer
	syslog            []string
}

// serving starts the sockets; who may use them are this test's user, moved by the
// given numbers.
func serving(r *follower.Rig, helper, root uint32, store breakglass.Store) *served {
	r.Helper()
	dir := r.TempDir()
	s := &served{Rig: r, authkeys: filepath.Join(dir, "a"), control: filepath.Join(dir, "c")}
	s.sockets = &answer.Sockets{
		Door: answer.NewDoor(r.Engine, store), Log: r.Logger(), Version: "test",
		Helper: uint32(os.Geteuid()) + helper, Root: uint32(os.Geteuid()) + root, ExpiryTime: true,
		Audit: &answer.Audit{JSON: &s.audit, Syslog: func(line string, alarm bool) error {
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
	l := answer.Listeners{Authkeys: listen(s.authkeys), Control: listen(s.control)}
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
	r := follower.Enrolled(t, follower.Instant, nil)
	alice := r.Granted("alice", time.Hour)
	s := serving(r, 0, 0, breakglass.Store{})

	a, err := s.ask("alice", alice.Cert)
	if err != nil || a.Code != socket.Allow || !strings.HasPrefix(a.Text, `cert-authority,principals="g-`+alice.Grant.Subject.String()) || strings.Contains(a.Text, "\n") {
		t.Errorf("alice: %+v, %v", a, err)
	}
	a, err = s.ask("bob", alice.Cert)
	if err != nil || a.Code != socket.Deny || !strings.Contains(a.Text, "another account") {
		t.Errorf("bob: %+v, %v", a, err)
	}
	var status device.Status
	a, err = serve.Call(context.Background(), s.control, socket.NewRequest(socket.Status))
	if err != nil || json.Unmarshal([]byte(a.Text), &status) != nil || status.Name != "gate-7" || status.Version != "test" {
		t.Errorf("status: %+v, %v", a, err)
	}
	a, err = serve.Call(context.Background(), s.control, socket.NewRequest(socket.Explain, "bob", alice.Cert.Type(), base64.StdEncoding.EncodeToString(alice.Cert.Marshal())))
	var explained answer.Record
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
	var lines []answer.Record
	for d := json.NewDecoder(&s.audit); d.More(); {
		var rec answer.Record
		if err := d.Decode(&rec); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, rec)
	}
	if len(lines) != 2 || !lines[0].Allow || lines[1].Allow || lines[0].Fingerprint != ssh.FingerprintSHA256(alice.Key) ||
		lines[0].Grant != alice.Grant.Subject.String() || lines[0].Freshness != "fresh" || lines[0].Block == 0 || lines[1].Reason != "the grant is for another account" {
		t.Errorf("audit: %+v", lines)
	}
	all := strings.Join(s.syslog, "\n")
	if !strings.Contains(all, "would accept: ") || !strings.Contains(all, "denied: ") || strings.Contains(all, base64.StdEncoding.EncodeToString(alice.Key.Marshal())[40:]) {
		t.Errorf("syslog: %s", all)
	}
}

// Another user than the helper's gets nothing from its socket, and another than
// root nothing from the control socket; the twin is TestSockets.
func TestSocketsWrongPeer(t *testing.T) {
	t.Parallel()
	r := follower.New(t, fleet.New(t, follower.Instant))
	r.Start(nil)
	s := serving(r, 1, 1, breakglass.Store{})
	if a, err := s.ask("alice", r.Org.NewKey().PublicKey()); err == nil {
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
