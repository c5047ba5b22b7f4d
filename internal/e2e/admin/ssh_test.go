package admin

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
)

// TestSSH is `dpki ssh` on a real device: it logs in at once, has ssh's own
// output and status, and leaves no grant.
func TestSSH(t *testing.T) {
	r := newRig(t)

	t.Run("root", func(t *testing.T) {
		got := r.Dpki(0, "ssh", "gate-7", "--", "id -un; echo to stderr >&2")
		if got.Stdout != "root\n" {
			t.Errorf("stdout %q, want root and nothing else", got.Stdout)
		}
		r.Says(got.Stderr, "to stderr", "root on plant/gate-7 until", "revoked")
	})
	t.Run("unprivileged", func(t *testing.T) {
		if got := r.Dpki(0, "ssh", "--account", "alice", "gate-7", "--", "id", "-un"); got.Stdout != "alice\n" {
			t.Errorf("stdout %q, want alice", got.Stdout)
		}
	})
	t.Run("status", func(t *testing.T) { r.Dpki(7, "ssh", "gate-7", "--account", "alice", "--", "exit 7") })
	if n := r.live(); n != 0 {
		t.Fatalf("%d grants live after the sessions, want 0", n)
	}

	// What the grant does not allow, sshd does not give; its twin does.
	t.Run("agent forwarding", func(t *testing.T) {
		const look = `test -n "$SSH_AUTH_SOCK" && ssh-add -l`
		r.Dpki(1, "ssh", "gate-7", "--account", "alice", "--", "-A", look)
		r.Says(r.Dpki(0, "ssh", "gate-7", "--account", "alice", "--agent-forwarding", "--", "-A", look).Stdout, "dpki d-")
	})
	t.Run("from elsewhere", func(t *testing.T) {
		got := r.Dpki(255, "ssh", "gate-7", "--account", "alice", "--from", "192.0.2.0/24", "--", "true")
		r.Says(got.Stderr, "Permission denied", "not for want of a grant", "revoked")
		r.Dpki(0, "ssh", "gate-7", "--account", "alice", "--from", "127.0.0.0/8", "--", "true")
	})

	// A host with another key is not gate-7, whatever its address.
	t.Run("another host key", func(t *testing.T) {
		other := newOtherHost(t)
		got := r.Dpki(255, "ssh", "gate-7", "--address", other, "--account", "alice", "--", "true")
		r.Says(got.Stderr, "Host key verification failed", "revoked")
	})

	// With a host CA in the zone ssh asks about certificates too, and the key of the
	// enrolment still counts.
	t.Run("host CA", func(t *testing.T) {
		r.Dpki(0, "ca", "create", "hosts", "--host")
		if got := r.Dpki(0, "ssh", "gate-7", "--account", "alice", "--", "id -un"); got.Stdout != "alice\n" {
			t.Errorf("stdout %q, want alice", got.Stdout)
		}
		got := r.Dpki(255, "ssh", "gate-7", "--address", newOtherHost(t), "--account", "alice", "--", "true")
		r.Says(got.Stderr, "Host key verification failed", "revoked")
	})

	// The zone's rules change: the refusal is explained from the log.
	t.Run("explained", func(t *testing.T) {
		r.Dpki(0, "zone", "policy", "plant", "--mode", "certificate-only")
		got := r.Dpki(255, "ssh", "gate-7", "--account", "alice", "--", "true")
		r.Says(got.Stderr, "Permission denied", "plant/gate-7 would refuse: ", "dpki: hint: ")
		r.Dpki(0, "zone", "policy", "plant", "--mode", "granted-key")
		if got := r.Dpki(0, "ssh", "gate-7", "--account", "alice", "--", "id -un"); got.Stdout != "alice\n" {
			t.Errorf("a granted plain key: %q, want alice", got.Stdout)
		}
		r.Dpki(0, "zone", "policy", "plant", "--mode", "certificate-and-grant")
		r.Dpki(0, "ssh", "gate-7", "--account", "alice", "--", "true")
	})

	t.Run("keep", func(t *testing.T) {
		r.Dpki(0, "ssh", "gate-7", "--account", "alice", "--keep", "--for", "1h", "--", "true")
		if n := r.live(); n != 1 {
			t.Errorf("%d grants live after --keep, want 1", n)
		}
	})
	if left, err := filepath.Glob(filepath.Join(os.TempDir(), "dpki-ssh-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestTechnician: the certificate works with plain ssh until the grant, the
// device, the CA or the key is taken back; each time the twin is accepted.
func TestTechnician(t *testing.T) {
	r := newRig(t)
	r.run(0, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(r.Dir, "tech"))
	// The device sees what was written within seconds: the status may be another until then.
	login := func(want int) (got desk.Result) {
		t.Helper()
		host, port, _ := strings.Cut(r.sshd.Addr(), ":")
		harness.Eventually(t, harness.Patience, func() error {
			got = r.run(-1, "ssh", "-F", "none", "-i", "tech", "-o", "CertificateFile=cert.pub", "-o", "IdentitiesOnly=yes",
				"-o", "UserKnownHostsFile="+r.sshd.KnownHosts, "-p", port, "alice@"+host, "id -un")
			if got.Code != want {
				return fmt.Errorf("ssh ended with %d, want %d\n%s", got.Code, want, got.Stderr)
			}
			return nil
		})
		return got
	}
	grant := func(target string, more ...string) string {
		t.Helper()
		var out struct {
			Grants []struct{ ID, Certificate string }
		}
		args := append([]string{"grant", target, "--account", "alice", "--for", "5m", "--key", "tech.pub", "--out", "cert.pub", "--json"}, more...)
		r.Decode(r.Dpki(0, args...), &out)
		return out.Grants[0].ID
	}
	refused := func(reason string) {
		t.Helper()
		r.Says(login(255).Stderr, "Permission denied")
		r.Says(r.Dpki(3, "explain", "gate-7", "--account", "alice", "--cert", "cert.pub").Stdout, reason)
	}

	id := grant("gate-7")
	if got := login(0); got.Stdout != "alice\n" {
		t.Errorf("%q, want alice", got.Stdout)
	}
	r.Dpki(0, "revoke", id)
	refused("the grant is revoked")

	grant("zone:plant")
	login(0)
	var denied struct{ IDs []string }
	r.Decode(r.Dpki(0, "deny", "tech.pub", "--json"), &denied)
	refused("denied")
	r.Dpki(0, "revoke", denied.IDs[0], "--yes")
	login(0)

	r.Dpki(0, "ca", "create", "second")
	r.Dpki(0, "ca", "revoke", "users", "--yes")
	refused("authority is revoked")
	grant("gate-7")
	login(0)

	r.Dpki(0, "device", "retire", "gate-7", "--yes")
	r.Says(login(255).Stderr, "Permission denied")
}
