package mirror

import (
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

	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"
	"dpki/internal/network"

	"golang.org/x/crypto/ssh"
)

// desk is an administrator, by the real commands, of an organisation whose network
// names an endpoint and a mirror.
type desk struct {
	*testing.T
	dir, sandbox string
}

func (d *desk) run(want int, program string, args ...string) string {
	d.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, harness.Bin(d, program), args...)
	cmd.Dir, cmd.Env = d.dir, []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + d.dir}
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		d.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); want >= 0 && got != want {
		d.Fatalf("%s %q: exit %d, want %d\n%s%s", program, args, got, want, out, exit.Stderr)
	}
	return string(out)
}

func (d *desk) dpki(want int, args ...string) string {
	d.Helper()
	return d.run(want, "dpki", append([]string{"--home", filepath.Join(d.dir, "home"), "--passphrase-file", filepath.Join(d.sandbox, "admin.passphrase")}, args...)...)
}

// ready waits until the device is said to be, or not, with these words.
func (d *desk) ready(want bool, words string) {
	d.Helper()
	harness.Eventually(d, 90*time.Second, func() error {
		var list []struct {
			Readiness struct {
				Ready bool
				Text  string
			}
		}
		out := d.dpki(-1, "device", "list", "--ready", "--json")
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			return err
		}
		if len(list) != 1 || list[0].Readiness.Ready != want || !strings.Contains(list[0].Readiness.Text, words) {
			return fmt.Errorf("want %v, %q: %s", want, words, out)
		}
		return nil
	})
}

// TestReadiness: an administrator learns from a mirror how far a device has come,
// and takes no answer for a good one.
func TestReadiness(t *testing.T) {
	harness.Need(t, harness.Namespace)
	d := &desk{T: t, dir: t.TempDir()}
	d.sandbox = filepath.Join(d.dir, "sandbox")
	harness.Start(t, harness.Command{
		Path: harness.Bin(t, "dpki-sandbox"), Args: []string{"--dir", d.sandbox, "--block-time", "1s"}, Ready: harness.Says("ready"),
	})
	s := &site{T: t, file: filepath.Join(d.sandbox, "network.toml"), dir: filepath.Join(d.dir, "mirror"), island: &island{}}
	s.start()
	n, err := network.Load(s.file)
	if err != nil {
		t.Fatal(err)
	}
	n.Mirrors = []string{"http://" + s.island.to}
	text, err := n.Marshal()
	if err == nil {
		err = os.WriteFile(filepath.Join(d.dir, "network.toml"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.dpki(0, "identity", "create", "--chain-key", filepath.Join(d.sandbox, "admin.json"))
	d.dpki(0, "network", "use", "network.toml")
	d.dpki(0, "org", "create", "acme")
	d.dpki(0, "zone", "create", "plant")
	var org struct{ Anchor string }
	if err := json.Unmarshal([]byte(d.dpki(0, "org", "show", "--json")), &org); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{"/etc/dpki", "/var/lib/dpki", "/run/dpki"} {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
	host := sshkey.New(t)
	if err := os.WriteFile(filepath.Join(d.dir, "host.pub"), ssh.MarshalAuthorizedKey(host.PublicKey()), 0o600); err != nil {
		t.Fatal(err)
	}
	d.run(0, "dpkid", "enroll", org.Anchor, "--name", "gate-7", "--host-key", "host.pub", "--network", "network.toml", "--out", "request.json")
	d.dpki(0, "device", "add", "request.json", "--yes")
	d.ready(false, "unknown")
	daemon := harness.Start(t, harness.Command{Path: harness.Bin(t, "dpkid"), Args: []string{"run"}})
	d.ready(true, "ready")
	d.dpki(0, "device", "list", "--ready")

	daemon.Stop()
	d.dpki(0, "ca", "create", "users")
	d.ready(false, "plant: 1 of 2 entries")
	d.dpki(3, "device", "list", "--ready")
	harness.Start(t, harness.Command{Path: harness.Bin(t, "dpkid"), Args: []string{"run"}})
	d.ready(true, "ready")

	// A receipt that somebody altered at the mirror is no receipt.
	files, err := filepath.Glob(filepath.Join(s.dir, "receipts", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("receipts: %v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err == nil {
		err = os.WriteFile(files[0], []byte(strings.Replace(string(b), `"seq":2`, `"seq":3`, 1)), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	d.ready(false, "unknown")
}
