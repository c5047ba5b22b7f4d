package mirror

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/sshkey"
	"dpki/internal/network"

	"golang.org/x/crypto/ssh"
)

// readiness is an administrator whose network names an endpoint and a mirror.
type readiness struct{ *desk.Desk }

// ready waits until the device is said to be, or not, with these words.
func (d readiness) ready(want bool, words string) {
	d.Helper()
	harness.Eventually(d, 90*time.Second, func() error {
		var list []struct {
			Readiness struct {
				Ready bool
				Text  string
			}
		}
		out := d.Dpki(-1, "device", "list", "--ready", "--json").Stdout
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
	s := &site{T: t, file: filepath.Join(t.TempDir(), "network.toml"), dir: filepath.Join(t.TempDir(), "mirror"), island: &island{}}
	d := readiness{desk.New(t, func(n *network.File) {
		text, err := n.Marshal()
		if err == nil {
			err = os.WriteFile(s.file, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		s.start()
		n.Mirrors = []string{"http://" + s.island.to}
	})}
	for _, p := range []string{"/etc/dpki", "/var/lib/dpki", "/run/dpki"} {
		d.Must(os.RemoveAll(p))
	}
	host := filepath.Join(d.Dir, "host.pub")
	d.Must(os.WriteFile(host, ssh.MarshalAuthorizedKey(sshkey.New(t).PublicKey()), 0o600))
	d.Run(0, d.Dir, harness.Bin(t, "dpkid"), "enroll", d.Anchor.String(), "--name", "gate-7", "--host-key", host, "--network", d.Network, "--out", "request.json")
	d.Dpki(0, "device", "add", "request.json", "--yes")
	d.ready(false, "unknown")
	daemon := harness.Start(t, harness.Command{Path: harness.Bin(t, "dpkid"), Args: []string{"run"}})
	d.ready(true, "ready")
	d.Dpki(0, "device", "list", "--ready")

	daemon.Stop()
	d.Dpki(0, "ca", "create", "users")
	d.ready(false, "plant: 1 of 2 entries")
	d.Dpki(3, "device", "list", "--ready")
	harness.Start(t, harness.Command{Path: harness.Bin(t, "dpkid"), Args: []string{"run"}})
	d.ready(true, "ready")

	// A receipt that somebody altered at the mirror is no receipt.
	files, err := filepath.Glob(filepath.Join(s.dir, "receipts", "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("receipts: %v, %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	d.Must(err)
	d.Must(os.WriteFile(files[0], []byte(strings.Replace(string(b), `"seq":2`, `"seq":3`, 1)), 0o644))
	d.ready(false, "unknown")
}
