package desk

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"dpki/internal/harness"
	"dpki/internal/network"
)

// Mirror starts a mirror of a network and has everybody know it who uses the file
// from now on: devices hand in their receipts there. It is for New's change.
func Mirror(t *testing.T, n *network.File) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "upstream.toml")
	text, err := n.Marshal()
	if err == nil {
		err = os.WriteFile(file, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
	harness.Start(t, harness.Command{
		Path: harness.Bin(t, "dpki"), Args: []string{"mirror", "--network", file, "--dir", t.TempDir(), "--listen", address, "--rate", "1000"},
		Ready: harness.Says("at http://" + address),
	})
	n.Mirrors = []string{"http://" + address}
}
