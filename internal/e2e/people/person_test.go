package people

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/internal/harness/sshd"
)

// uids of the accounts that the namespace has.
const (
	alice = 6001
	bob   = 6002
)

// TestPerson is a technician's way: asked for, enrolled, given a login, which plain
// ssh uses without a prompt; then revoked, and a laptop lost.
func TestPerson(t *testing.T) {
	r := newRig(t)
	r.Dpki(0, "deliver", "host-cert", "gate-7", "--each", "1h", "--ahead", "1")
	tess := r.newLaptop("bob", bob)
	request := tess.ask("tess")
	r.Says(tess.dpki(4, "receive").Stderr, "you are not enrolled in this organisation yet")
	r.Dpki(0, "person", "add", request, "--yes")
	r.Says(r.Dpki(0, "person", "add", request, "--yes").Stdout, "was enrolled before")
	began := time.Now()
	r.Dpki(0, "deliver", "ca", "tess")
	r.Dpki(0, "deliver", "user-key", "tess", "--on", "gate-7", "--account", "alice", "--for", "1h")
	r.Says(tess.dpki(0, "receive").Stdout, "received user key gate-7-alice of zone plant", "received CA dpki of zone plant")
	t.Logf("delivered over two IPFS nodes, received, checked: %v", time.Since(began).Round(time.Millisecond))
	tess.include()
	if got := tess.ssh(0); got.Stdout != "alice\n" {
		t.Errorf("%q, want alice", got.Stdout)
	}
	// Nobody but she and her organisation is asked: no key of hers is on the device, none of the zone's with her.
	for _, path := range []string{"chain-key.json", "ca"} {
		if _, err := os.Stat(filepath.Join(tess.home, ".config/dpki", path)); err == nil {
			t.Errorf("she has %s", path)
		}
	}

	// Somebody else at the device's address is not gate-7.
	impostor := sshd.Start(t, sshd.Config{})
	got := tess.ssh(255, "-o", "Port="+strings.TrimPrefix(impostor.Addr(), "127.0.0.1:"))
	r.Says(got.Stderr, "Host key verification failed")
	tess.ssh(0)

	t.Run("another key, made for her", func(t *testing.T) {
		r.Dpki(0, "deliver", "user-key", "tess", "--on", "gate-7", "--account", "bob", "--for", "1h", "--make-key")
		r.Says(tess.dpki(0, "receive").Stdout, "received user key gate-7-bob")
		for _, account := range []string{"alice", "bob"} {
			if got := tess.ssh(0, "-l", account); got.Stdout != account+"\n" {
				t.Errorf("%q, want %s", got.Stdout, account)
			}
		}
		out, err := exec.Command("grep", "-rlE", "OPENSSH PRIVATE KEY", r.Dir, tess.home).Output()
		r.Must(err)
		for _, file := range strings.Fields(string(out)) {
			if !strings.HasPrefix(file, tess.home) && !strings.Contains(file, "/ca/") {
				t.Errorf("a private key in %s", file)
			}
		}
	})
	t.Run("a laptop lost", func(t *testing.T) { r.lost(tess) })
	t.Run("a CA revoked", func(t *testing.T) { r.caRevoked(r.newLaptop("alice", alice)) })
}

// lost: the laptop that was taken lets nobody in, the new one does, with the same
// accounts, and nobody has to remember which.
func (r *rig) lost(tess *laptop) {
	stolen := filepath.Join(r.TempDir(), "stolen")
	r.Must(exec.Command("cp", "-a", tess.home, stolen).Run())
	second := r.newLaptop("bob", bob) // an empty machine, for the same person
	request := second.ask("tess")
	r.Says(r.Dpki(0, "person", "replace", "tess", request, "--yes").Stdout, "delivered user key gate-7-alice", "delivered user key gate-7-bob", "delivered CA dpki")
	r.Says(second.dpki(0, "receive").Stdout, "received user key gate-7-alice", "received user key gate-7-bob")
	second.include()
	for _, account := range []string{"alice", "bob"} {
		if got := second.ssh(0, "-l", account); got.Stdout != account+"\n" {
			r.Errorf("%q, want %s", got.Stdout, account)
		}
	}
	thief := &laptop{rig: r, uid: bob, home: stolen}
	keys := filepath.Join(stolen, ".config/dpki/received/acme/keys/plant")
	for account, key := range map[string]string{"alice": filepath.Join(stolen, ".config/dpki/login_key"), "bob": filepath.Join(keys, "gate-7-bob/id")} {
		c := sshd.Client{User: account, Key: key, Certificate: filepath.Join(keys, "gate-7-"+account, "id-cert.pub")}
		if got := r.sshd.Login(r.T, c, "id", "-un"); got.Code != 255 {
			r.Errorf("who has the lost laptop gets in as %s: %+v", account, got)
		}
	}
	r.Must(os.Chmod(filepath.Dir(stolen), 0o755))
	r.Must(os.Chmod(filepath.Dir(filepath.Dir(stolen)), 0o755))
	r.Says(thief.dpki(3, "receive").Stderr, "you were retired")
	r.Dpki(0, "person", "retire", "tess", "--yes", "--grants")
	second.ssh(255, "-l", "alice")
	r.Says(second.dpki(3, "receive").Stderr, "you were retired")
}

// caRevoked: what was certified by a CA that is revoked is taken away, and what its
// successor certifies is taken.
func (r *rig) caRevoked(ada *laptop) {
	r.Dpki(0, "person", "add", ada.ask("ada"), "--yes")
	r.Dpki(0, "deliver", "ca", "ada")
	r.Dpki(0, "deliver", "user-key", "ada", "--on", "gate-7", "--account", "alice", "--for", "1h")
	ada.dpki(0, "receive")
	ada.include()
	ada.ssh(0)
	r.Dpki(0, "ca", "create", "second")
	r.Dpki(0, "ca", "revoke", "users", "--yes")
	got := ada.dpki(3, "receive")
	r.Says(got.Stdout, "user key gate-7-alice of zone plant was taken away")
	r.Says(got.Stderr, "its CA is revoked")
	ada.ssh(255)
	r.Dpki(0, "deliver", "user-key", "ada", "--on", "gate-7", "--account", "alice", "--for", "1h")
	r.Says(ada.dpki(0, "receive").Stdout, "received user key gate-7-alice")
	ada.ssh(0)
	// The host CA too: a device that it has certified is not known by it any more.
	r.Dpki(0, "ca", "revoke", "hosts", "--yes")
	r.Says(ada.dpki(3, "receive").Stderr, "its CA is revoked")
}
