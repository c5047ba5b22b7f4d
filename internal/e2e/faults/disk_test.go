package faults

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/device"
	"dpki/internal/harness/devchain"
	"dpki/internal/harness/machine"
	"dpki/state"
)

// TestFullDisk: on a full disk what was there stays, what restricts counts, and a restart knows as much as the disk did.
func TestFullDisk(t *testing.T) {
	const folder = "/var/lib/dpki"
	w := newWorld(t, devchain.Options{}, machine.Options{Prepare: func(m *machine.Machine) {
		m.Must(os.MkdirAll(folder, 0o711))
		m.Must(syscall.Mount("tmpfs", folder, "tmpfs", 0, "mode=0711,size=8m"))
		m.Cleanup(func() { syscall.Unmount(folder, syscall.MNT_DETACH) })
	}})
	gone := w.grant("alice")
	w.in("granted", gone)
	fill := filepath.Join(folder, "fill")
	f, err := os.OpenFile(fill, os.O_CREATE|os.O_WRONLY, 0o600)
	w.Must(err)
	for size := 1 << 16; size > 0; {
		if _, err := f.Write(make([]byte, size)); err != nil {
			size /= 2
		}
	}
	w.Must(f.Close())

	w.Org.Revoke(w.ID, gone.grant)
	// More entries than any slack of the file takes.
	for range 40 {
		w.Org.Write(w.Org.Zone, w.Org.GrantEntry(w.Org.Zone, state.KindGrant, "alice", w.Org.NewKey().PublicKey(), time.Hour))
		if s, err := w.Status(); err == nil && s.Journal != "" {
			break
		}
	}
	w.until("revoked on a full disk", gone, false, 10*time.Second)
	w.in("on a full disk", w.alice)
	late := w.grant("alice")
	w.until("granted on a full disk", late, true, 10*time.Second)
	s := w.Eventually("the daemon says so", 30*time.Second, func(s device.Status) bool { return s.Journal != "" })
	if !strings.Contains(s.Next, "room") {
		t.Errorf("status on a full disk: %q, next %q", s.Journal, s.Next)
	}

	w.Daemon.Kill()
	w.Run()
	w.in("started anew on a full disk", w.alice)
	w.until("started anew on a full disk", gone, false, 10*time.Second)
	w.Must(os.Remove(fill))
	w.Eventually("room again", 60*time.Second, func(s device.Status) bool { return s.Journal == "" && s.Problem == "" })
	w.Daemon.Kill()
	w.wire.cut()
	w.Run() // knows by its journal alone
	w.in("started anew, by the journal", late)
	w.out("started anew, by the journal", gone)
	w.wire.mend()
}

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
