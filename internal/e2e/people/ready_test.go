package people

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/network"
)

// TestReady: what goes on looking receives what is delivered meanwhile, and the
// administrator learns from a mirror that it has arrived. No receipt is never ready.
func TestReady(t *testing.T) {
	harness.Need(t, harness.Namespace)
	const says = "serves network sandbox at "
	d := desk.New(t, func(n *network.File) {
		dir := t.TempDir()
		text, err := n.Marshal()
		if err = errors.Join(err, os.WriteFile(filepath.Join(dir, "network.toml"), text, 0o600)); err != nil {
			t.Fatal(err)
		}
		mirror := harness.Start(t, harness.Command{
			Path: harness.Bin(t, "dpki"), Args: []string{"mirror", "--network", filepath.Join(dir, "network.toml"), "--dir", filepath.Join(dir, "mirror"), "--listen", "127.0.0.1:0"},
			Ready: harness.Says(says),
		})
		_, rest, _ := strings.Cut(mirror.Output(), says)
		url, _, _ := strings.Cut(rest, "\n")
		n.Mirrors = []string{strings.TrimSpace(url)}
	})
	home, request := filepath.Join(d.Dir, "tess"), filepath.Join(d.Dir, "tess.request")
	d.Run(0, d.Dir, harness.Bin(t, "dpki"), "--home", home, "identity", "request", d.Anchor.String(), "--name", "tess", "--network", d.Network, "--as", "acme", "--out", request)
	d.Dpki(0, "person", "add", request, "--yes")
	d.Says(d.Dpki(3, "person", "list", "--ready").Stdout, "plant/tess", "unknown")
	watch := harness.Start(t, harness.Command{Path: harness.Bin(t, "dpki"), Args: []string{"--home", home, "receive", "--watch", "--every", "1s"},
		Ready: func(context.Context, *harness.Proc) error { return nil }})
	ready := func() {
		t.Helper()
		harness.Eventually(t, settled, func() error {
			if got := d.Dpki(-1, "person", "list", "--ready"); got.Code != 0 {
				return errors.New(got.Stdout + got.Stderr)
			}
			return nil
		})
	}
	ready()
	d.Must(os.WriteFile(filepath.Join(d.Dir, "note"), []byte("hello\n"), 0o600))
	began := time.Now()
	d.Dpki(0, "deliver", "files", "tess", "--name", "notes", "--path", filepath.Join(d.Dir, "note"))
	harness.Eventually(t, settled, func() error {
		_, err := os.Stat(filepath.Join(home, "received/acme/files/plant/notes/note"))
		return err
	})
	t.Logf("delivered to received, looking every second: %v", time.Since(began).Round(time.Millisecond))
	ready()
	watch.WaitOutput(t, "received files notes of zone plant", harness.Patience) // it says so once the file is there
	// A second one at once is told so, and does no harm.
	if got := d.Run(-1, d.Dir, harness.Bin(t, "dpki"), "--home", home, "receive"); got.Code != 0 && got.Code != 4 {
		t.Errorf("beside the one that looks: %+v", got)
	}
}
