package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness/sshkey"
	"dpki/sshca/profile"
)

const refused = 255

// TestHosts: the first connection asks nothing and is to the right host; an
// impostor and a revoked host are refused, and each has a twin that is not.
func TestHosts(t *testing.T) {
	r := newRig(t)
	keyFile := filepath.Join(r.Dir, "host_key")
	host := sshkey.New(t)
	host.Save(t, keyFile)
	plain := r.serve(keyFile, nil) // no certificate yet
	device := r.enrol("gate-7", host.PublicKey(), plain.Addr())
	other := r.enrol("gate-8", sshkey.New(t).PublicKey(), "127.0.0.1:1")
	r.Says(r.Dpki(0, "ssh-config").Stdout, "Include "+filepath.Join(r.Dir, "home/ssh_config"))
	if t.Failed() {
		return
	}

	t.Run("the key of the enrolment", func(t *testing.T) {
		r.T = t
		for _, name := range []string{"gate-7", "plant/gate-7"} {
			r.ssh(0, name, nil)
		}
		r.Says(r.ssh(refused, "gate-7", r.serve("", nil)).Stderr, "Host key verification failed")
	})
	t.Run("a certificate", func(t *testing.T) {
		r.T = t
		// Another key than the enrolled one: only the certificate speaks for it.
		r.ssh(0, "gate-7", r.serve("", r.certified(r.ca, device)))
		r.Says(r.ssh(refused, "gate-7", r.serve("", r.certified(r.ca, other))).Stderr, "it is of device "+other.String()[:12], "Host key verification failed")
		r.Says(r.ssh(refused, "gate-7", r.serve("", r.certified(sshkey.New(t), device))).Stderr, "its authority is unknown", "Host key verification failed")
		// A user CA's word is none about hosts.
		r.Dpki(0, "ca", "create", "users")
		r.Says(r.ssh(refused, "gate-7", r.serve("", r.certified(r.CA("users"), device))).Stderr, "its authority is unknown")
	})
	t.Run("the command alone", func(t *testing.T) {
		r.T = t
		// Any host may have it: what is not ours has no answer, and takes nothing away.
		if got := r.Dpki(0, "known-hosts", "github.com", "ssh-ed25519", "AAAA"); got.Stdout != "" {
			t.Errorf("an answer for a foreign host: %q", got.Stdout)
		}
		r.Dpki(3, "known-hosts", profile.HostPrincipal(r.Anchor.Org))
		alias := profile.HostPrincipal(device)
		got := r.Dpki(0, "known-hosts", alias, host.PublicKey().Type(), strings.Fields(string(ssh.MarshalAuthorizedKey(host.PublicKey())))[1])
		if want := alias + " " + string(ssh.MarshalAuthorizedKey(host.PublicKey())); got.Stdout != want {
			t.Errorf("%q, want %q", got.Stdout, want)
		}
		r.Dpki(3, "known-hosts", alias, "ssh-ed25519", "AAAA")
	})
	t.Run("denied", func(t *testing.T) {
		r.T = t
		pub := filepath.Join(r.Dir, "host.pub")
		r.Must(os.WriteFile(pub, ssh.MarshalAuthorizedKey(host.PublicKey()), 0o644))
		certified := r.serve(keyFile, r.certified(r.ca, device))
		r.ssh(0, "gate-7", certified)
		var denial struct{ IDs []string }
		r.Decode(r.Dpki(0, "deny", pub, "--json"), &denial)
		r.Says(r.ssh(refused, "gate-7", certified).Stderr, "its host key is denied", "REVOKED")
		r.Says(r.ssh(refused, "gate-7", nil).Stderr, "its host key is denied")
		r.ssh(0, "gate-7", r.serve("", r.certified(r.ca, device))) // the device with a new key
		r.Dpki(0, "revoke", denial.IDs[0], "--yes")
		r.ssh(0, "gate-7", certified)
	})
	t.Run("the CA revoked", func(t *testing.T) {
		r.T = t
		certified := r.serve("", r.certified(r.ca, device))
		r.ssh(0, "gate-7", certified)
		next := r.newCA("second")
		r.Dpki(0, "ca", "revoke", "hosts", "--yes")
		r.Says(r.ssh(refused, "gate-7", certified).Stderr, "its authority is revoked", "Host key verification failed")
		r.ssh(0, "gate-7", r.serve("", r.certified(next, device)))
		r.ssh(0, "gate-7", nil) // by the key of the enrolment
		r.ca = next
	})
	t.Run("no endpoint", func(t *testing.T) {
		r.T = t
		r.ssh(0, "gate-7", nil)
		r.Must(r.Sandbox.Signal(syscall.SIGSTOP))
		defer func() { r.Must(r.Sandbox.Signal(syscall.SIGCONT)) }()
		r.age(device, time.Minute) // what was just read answers for ten seconds
		got := r.ssh(0, "gate-7", nil)
		r.Says(got.Stderr, "is judged by what was read")
		t.Logf("an endpoint that says nothing costs %v", got.Took.Round(time.Millisecond))
		if limit := 30 * time.Second; got.Took > limit {
			t.Errorf("the login took %v, at most %v", got.Took, limit)
		}
		r.age(device, 25*time.Hour)
		r.Says(r.ssh(refused, "gate-7", nil).Stderr, "is 1d1h old, and the zone allows 1d")
		// A device of which nothing was read is not known.
		r.Must(os.RemoveAll(filepath.Join(r.Dir, "home/state", r.Anchor.Org.String(), "seen")))
		r.ssh(refused, "gate-7", nil)
	})
	t.Run("retired", func(t *testing.T) {
		r.T = t
		certified := r.serve(keyFile, r.certified(r.ca, device))
		r.ssh(0, "gate-7", certified)
		r.Dpki(0, "device", "retire", "gate-7", "--yes")
		r.Says(r.ssh(refused, "gate-7", certified).Stderr, "the device was retired", "REVOKED")
	})
	t.Run("time", func(t *testing.T) {
		r.T = t
		var took []string
		for range 5 {
			took = append(took, fmt.Sprint(r.Dpki(0, "known-hosts", profile.HostPrincipal(other)).Took.Round(time.Millisecond)))
		}
		t.Logf("known-hosts, the first after a while and four within ten seconds: %s", strings.Join(took, ", "))
	})
}
