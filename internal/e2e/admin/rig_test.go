package admin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/sshd"
	"dpki/internal/network"
)

// rig is an administrator and one device, gate-7.
type rig struct {
	*desk.Desk
	sshd *sshd.Server
}

// newRig makes a rig whose content lies in the sandbox, or in the stores given.
func newRig(t *testing.T, stores ...network.Store) *rig {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh, harness.SshKeygen)
	var change func(*network.File)
	if len(stores) > 0 {
		change = func(n *network.File) { n.Stores = stores }
	}
	r := &rig{Desk: desk.New(t, change)}
	r.Dpki(0, "ca", "create", "users")
	r.device()
	return r
}

// device enrols this namespace's machine and starts its sshd and its daemon.
func (r *rig) device() {
	r.Helper()
	for _, dir := range []string{"/var/lib/dpki", "/etc/dpki", "/run/dpki"} {
		entries, err := os.ReadDir(dir)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			r.Fatal(err)
		}
		for _, e := range entries {
			r.Must(os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	r.sshd = sshd.Start(r.T, sshd.Config{Command: "/usr/lib/dpki/dpki-authkeys %u %t %k", Lines: []string{"AllowAgentForwarding yes"}})
	host := filepath.Join(r.Dir, "host.pub")
	r.Must(os.WriteFile(host, ssh.MarshalAuthorizedKey(r.sshd.Host), 0o600))
	request := filepath.Join(r.Dir, "gate-7.request")
	var enrolled struct{ Fingerprint string }
	r.Decode(r.run(0, harness.Bin(r.T, "dpkid"), "enroll", r.Anchor.String(), "--name", "gate-7", "--host-key", host,
		"--network", r.Network, "--out", request, "--json"), &enrolled)
	harness.Start(r.T, harness.Command{Path: harness.Bin(r.T, "dpkid"), Args: []string{"run"}})
	r.Dpki(0, "device", "add", request, "--address", r.sshd.Addr(), "--fingerprint", enrolled.Fingerprint)
	harness.Eventually(r.T, 20*time.Second, func() error {
		if got := r.run(-1, harness.Bin(r.T, "dpkid"), "status"); got.Code != 0 {
			return fmt.Errorf("dpkid status: %+v", got)
		}
		return nil
	})
}

// run runs a program whose home is the test's folder.
func (r *rig) run(want int, program string, args ...string) desk.Result {
	r.Helper()
	return r.Run(want, r.Dir, program, args...)
}

// live is the number of grants that live.
func (r *rig) live() int {
	r.Helper()
	var list []any
	r.Decode(r.Dpki(0, "grant", "list", "--json"), &list)
	return len(list)
}
