package faults

import (
	"os"
	"path/filepath"
	"testing"

	"dpki/internal/devchain"
	"dpki/internal/harness/machine"
)

// TestNothingInRun: what goes away with a reboot holds nothing that decides.
func TestNothingInRun(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	w.Daemon.Kill()
	entries, err := os.ReadDir("/run/dpki")
	w.Must(err)
	for _, e := range entries {
		w.Must(os.RemoveAll(filepath.Join("/run/dpki", e.Name())))
	}
	w.wire.cut()
	w.Run()
	w.in("without /run/dpki and without a network", w.alice)
	w.wire.mend()
}
