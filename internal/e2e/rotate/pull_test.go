package rotate

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/sshd"
)

// TestPull: a device makes a new host key when it is asked to, its identity signs
// it, and only a certificate travels. Who has the old key is not the device any more.
func TestPull(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh, harness.SshKeygen)
	d := desk.New(t, overHTTP)
	d.Dpki(0, "ca", "create", "users")
	m := newReal(d, "gate-7")
	m.run(d)
	d.Dpki(0, "device", "add", "--yes", "--address", m.sshd.Addr(), m.request)
	harness.Eventually(t, time.Minute, func() error {
		if got := d.Dpki(-1, "ssh", "gate-7", "--account", "alice", "--", "true"); got.Code != 0 {
			return errors.New(got.Stderr)
		}
		return nil
	})
	key := func() string {
		t.Helper()
		text, err := os.ReadFile(m.sshd.HostKeyFile)
		d.Must(err)
		return string(text)
	}
	stolen, before := filepath.Join(harness.RootDir(t), "stolen"), key()
	d.Must(os.WriteFile(stolen, []byte(before), 0o600))
	pull := func(want int, more ...string) desk.Result {
		t.Helper()
		return d.Dpki(want, append([]string{"rotate", "--pull", "gate-7", "--each", "1h", "--ahead", "2"}, more...)...)
	}
	file := "--host-key-file=" + m.sshd.HostKeyFile

	// Nobody to certify it; another file than the key that is known; a request that
	// another identity has signed: the key stays.
	d.Says(pull(1, file).Stderr, "no live host CA")
	d.Dpki(0, "ca", "create", "hosts", "--host")
	d.Says(pull(2, "--host-key-file=relative").Stderr, "cannot be a host key's file")
	d.Must(os.WriteFile(stolen+".pub", []byte("ssh-ed25519 AAAA\n"), 0o644))
	d.Says(pull(1, "--host-key-file="+stolen).Stderr, "is not the host key that is known")
	other, err := bundle.GenerateIdentity()
	d.Must(err)
	identity := filepath.Join(m.dir, "var", "identity")
	d.Must(os.Rename(identity, identity+".own"))
	d.Must(other.Save(identity))
	d.Says(pull(1, file).Stderr, "the request is not signed by the identity of plant/gate-7")
	d.Must(os.Rename(identity+".own", identity))
	if key() != before {
		t.Fatal("the host key has changed")
	}

	d.Says(pull(0, file).Stdout, "delivered host certificate host to plant/gate-7")
	if key() == before {
		t.Error("the host key is the old one")
	}
	if left, err := filepath.Glob(m.sshd.HostKeyFile + ".next*"); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	harness.Eventually(t, time.Minute, func() error { // until sshd has been told
		if got := d.Dpki(-1, "ssh", "gate-7", "--account", "alice", "--", "true"); got.Code != 0 {
			return errors.New(got.Stderr)
		}
		return nil
	})
	// By the certificate, for who asks for one alone.
	presented := sshPresents(t, m.sshd.Addr())
	cert, ok := presented.(*ssh.Certificate)
	if !ok || string(cert.SignatureKey.Marshal()) != string(d.CA("hosts").PublicKey().Marshal()) {
		t.Errorf("sshd presents %s", presented.Type())
	}
	impostor := sshd.Start(t, sshd.Config{HostKeyFile: stolenKey(d, stolen, before)})
	d.Says(d.Dpki(255, "ssh", "gate-7", "--account", "alice", "--address", impostor.Addr(), "--", "true").Stderr, "Host key verification failed")

	// Once more, from the new key on.
	second := key()
	pull(0, file)
	if key() == second {
		t.Error("the host key is the second one")
	}
}

// stolenKey puts a private key where an sshd takes it.
func stolenKey(d *desk.Desk, path, text string) string {
	d.Helper()
	s, err := ssh.ParsePrivateKey([]byte(text))
	d.Must(err)
	d.Must(os.WriteFile(path+".pub", ssh.MarshalAuthorizedKey(s.PublicKey()), 0o644))
	return path
}

// sshPresents is the host key of a client that takes certificates alone.
func sshPresents(t *testing.T, address string) (shown ssh.PublicKey) {
	t.Helper()
	seen := errors.New("seen")
	conn, err := ssh.Dial("tcp", address, &ssh.ClientConfig{
		HostKeyAlgorithms: []string{ssh.CertAlgoED25519v01}, Timeout: 10 * time.Second,
		HostKeyCallback: ssh.HostKeyCallback(func(_ string, _ net.Addr, key ssh.PublicKey) error { shown = key; return seen }),
	})
	if err == nil {
		conn.Close()
	}
	if shown == nil {
		t.Fatalf("no host key: %v", err)
	}
	return shown
}
