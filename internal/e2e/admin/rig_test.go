package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/sshd"
	"dpki/internal/network"
)

// rig is an organisation with one device, gate-7, and its administrator.
type rig struct {
	*testing.T
	dir     string // the administrator's
	sandbox string
	network string // the network file that both sides use
	sshd    *sshd.Server
	anchor  string
}

// result is how a command ended.
type result struct {
	code           int
	stdout, stderr string
}

// newRig makes a rig whose content lies in the sandbox, or in the stores given.
func newRig(t *testing.T, stores ...network.Store) *rig {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh, harness.SshKeygen)
	r := &rig{T: t, dir: t.TempDir()}
	r.sandbox = filepath.Join(r.dir, "sandbox")
	harness.Start(t, harness.Command{
		Path: harness.Bin(t, "dpki-sandbox"), Args: []string{"--dir", r.sandbox, "--block-time", "1s"}, Ready: harness.Says("ready"),
	})
	r.network = filepath.Join(r.sandbox, "network.toml")
	if len(stores) > 0 {
		n, err := network.Load(r.network)
		r.must(err)
		n.Stores = stores
		text, err := n.Marshal()
		r.must(err)
		r.network = filepath.Join(r.dir, "network.toml")
		r.must(os.WriteFile(r.network, text, 0o600))
	}
	r.dpki(0, "identity", "create", "--chain-key", filepath.Join(r.sandbox, "admin.json"))
	r.dpki(0, "network", "use", r.network)
	r.dpki(0, "org", "create", "acme")
	r.dpki(0, "zone", "create", "plant")
	r.dpki(0, "ca", "create", "users")
	var org struct{ Anchor string }
	r.decode(r.dpki(0, "org", "show", "--json"), &org)
	r.anchor = org.Anchor
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
			r.must(os.RemoveAll(filepath.Join(dir, e.Name())))
		}
	}
	r.sshd = sshd.Start(r.T, sshd.Config{Command: "/usr/lib/dpki/dpki-authkeys %u %t %k", Lines: []string{"AllowAgentForwarding yes"}})
	host := filepath.Join(r.dir, "host.pub")
	r.must(os.WriteFile(host, ssh.MarshalAuthorizedKey(r.sshd.Host), 0o600))
	request := filepath.Join(r.dir, "gate-7.request")
	var enrolled struct{ Fingerprint string }
	r.decode(r.run(0, harness.Bin(r.T, "dpkid"), "enroll", r.anchor, "--name", "gate-7", "--host-key", host,
		"--network", r.network, "--out", request, "--json"), &enrolled)
	harness.Start(r.T, harness.Command{Path: harness.Bin(r.T, "dpkid"), Args: []string{"run"}})
	r.dpki(0, "device", "add", request, "--address", r.sshd.Addr(), "--fingerprint", enrolled.Fingerprint)
	harness.Eventually(r.T, 20*time.Second, func() error {
		if got := r.run(-1, harness.Bin(r.T, "dpkid"), "status"); got.code != 0 {
			return fmt.Errorf("dpkid status: %+v", got)
		}
		return nil
	})
}

// dpki runs the administrator's command and wants a status; -1 wants none.
func (r *rig) dpki(want int, args ...string) result {
	r.Helper()
	return r.run(want, harness.Bin(r.T, "dpki"), append([]string{"--home", filepath.Join(r.dir, "home"), "--passphrase-file", filepath.Join(r.sandbox, "admin.passphrase")}, args...)...)
}

func (r *rig) run(want int, program string, args ...string) result {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = r.dir
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + r.dir, "TMPDIR=" + os.TempDir()}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.Fatalf("%s %q: %v", filepath.Base(program), args, err)
	}
	got := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	if want >= 0 && got.code != want {
		r.Fatalf("%s %q ended with %d, want %d\n%s%s", filepath.Base(program), args, got.code, want, got.stdout, got.stderr)
	}
	return got
}

// says fails the test unless the text holds all the words.
func (r *rig) says(text string, words ...string) {
	r.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			r.Errorf("no %q in\n%s", w, text)
		}
	}
}

func (r *rig) decode(got result, v any) {
	r.Helper()
	r.must(json.Unmarshal([]byte(got.stdout), v))
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// live is the number of grants that live.
func (r *rig) live() int {
	r.Helper()
	var list []any
	r.decode(r.dpki(0, "grant", "list", "--json"), &list)
	return len(list)
}
