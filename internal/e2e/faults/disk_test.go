package faults

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"
)

const stateFolder = "/var/lib/dpki"

// onSmallDisk moves the device's state to a disk of its own.
func (w *world) onSmallDisk() {
	w.Helper()
	w.Daemon.Stop()
	kept := w.TempDir()
	w.Must(exec.Command("cp", "-a", stateFolder+"/.", kept).Run())
	w.Must(syscall.Mount("tmpfs", stateFolder, "tmpfs", 0, "size=2m,mode=0711"))
	w.Cleanup(func() {
		w.Daemon.Stop()
		w.Must(syscall.Unmount(stateFolder, 0))
	})
	w.Must(exec.Command("cp", "-a", kept+"/.", stateFolder).Run())
	w.Run()
	w.in("on a small disk", w.alice)
}

// fill leaves no byte on the disk.
func (w *world) fill() {
	w.Helper()
	f, err := os.OpenFile(filepath.Join(stateFolder, "fill"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	w.Must(err)
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		w.Fatal(err)
	}
}

// crowd writes entries until the journal has no page left for them.
func (w *world) crowd() {
	w.Helper()
	for range 60 {
		w.fill()
		w.grant("bob")
		block := w.Org.Chain.Number()
		if s := w.Eventually("read", harness.Patience, func(s device.Status) bool { return s.Block >= block || s.Journal != "" }); s.Journal != "" {
			return
		}
	}
	w.Fatal("the journal took everything")
}

// TestReorganisedOnAFullDisk: a revocation that is seen while the disk is full,
// and then reorganised away, restricts as any other: at once, while the disk is
// full, and after it, across kill -9.
func TestReorganisedOnAFullDisk(t *testing.T) {
	w := newWorld(t, devchain.Options{HoldBack: 1000}, machine.Options{})
	gone := w.grant("alice")
	w.in("granted", gone)
	w.onSmallDisk()
	w.crowd()
	block := w.Org.Chain.Number()
	w.Org.Revoke(w.ID, gone.grant)
	w.until("revoked", gone, false, harness.Patience)
	w.Must(w.Org.Chain.Reorg(int(w.Org.Chain.Number()-block), false))
	above := w.Org.Chain.Number()
	w.Eventually("a look after the reorganisation", 30*time.Second, func(s device.Status) bool { return s.Block > above+1 && s.Problem == "" })
	if s, err := w.Status(); err != nil || s.Journal == "" {
		t.Fatalf("the disk has room: the test shows nothing: %+v, %v", s, err)
	}
	w.denied("reorganised away, on a full disk", gone, authkeys.GrantRevoked)
	w.in("not concerned", w.alice)

	w.Must(os.Remove(filepath.Join(stateFolder, "fill")))
	w.Eventually("room", 30*time.Second, func(s device.Status) bool { return s.Journal == "" && s.Problem == "" })
	w.Daemon.Kill()
	w.Run()
	w.denied("reorganised away, written once there was room, killed", gone, authkeys.GrantRevoked)
	w.in("the twin: not concerned", w.alice)
}

// TestReserve: on a disk that somebody has filled there is room for a revocation
// still, so that it outlives a kill even if the chain forgets it.
func TestReserve(t *testing.T) {
	w := newWorld(t, devchain.Options{HoldBack: 1000}, machine.Options{})
	gone := w.grant("alice")
	w.in("granted", gone)
	w.onSmallDisk()
	reserved := func() bool { _, err := os.Stat(filepath.Join(stateFolder, "journal.reserve")); return err == nil }
	if !reserved() {
		t.Fatal("nothing is reserved")
	}
	for n := 0; reserved(); n++ {
		if n == 60 {
			t.Fatal("the reserve was never needed")
		}
		w.fill()
		w.grant("bob")
		block := w.Org.Chain.Number()
		w.Eventually("read", 15*time.Second, func(s device.Status) bool { return s.Block >= block })
	}
	block := w.Org.Chain.Number()
	w.Org.Revoke(w.ID, gone.grant)
	w.until("revoked", gone, false, harness.Patience)
	w.Eventually("written", 15*time.Second, func(s device.Status) bool { return s.Journal == "" })
	w.Daemon.Kill()
	w.fill()
	w.Must(w.Org.Chain.Reorg(int(w.Org.Chain.Number()-block), false))
	w.Run()
	above := w.Org.Chain.Number()
	w.Eventually("a look", 30*time.Second, func(s device.Status) bool { return s.Block > above })
	w.denied("reorganised away, on a full disk, killed", gone, authkeys.GrantRevoked)
	w.in("not concerned", w.alice)
}

// TestReadOnlyDisk: what was known stands, what is new counts in memory, and all
// of it is on disk once that can be written again.
func TestReadOnlyDisk(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	gone := w.grant("alice")
	w.in("granted", gone)
	w.onSmallDisk()
	journal := filepath.Join(stateFolder, "journal")
	before, err := os.ReadFile(journal)
	w.Must(err)
	remount := func(flags uintptr) {
		t.Helper()
		w.Must(syscall.Mount("", stateFolder, "", syscall.MS_REMOUNT|flags, ""))
	}
	// A mount with a file open for writing cannot be made read-only: the disk of a
	// daemon that is being started can.
	w.Daemon.Kill()
	remount(syscall.MS_RDONLY)
	p := harness.Start(t, harness.Command{Path: harness.Bin(t, "dpkid"), Args: []string{"run"}})
	code, err := p.Wait(harness.Patience)
	if err != nil || code == 0 || !strings.Contains(p.Output(), "dpkid: error:") || !strings.Contains(p.Output(), "read-only") {
		t.Errorf("started on a read-only disk: exit %d, %v:\n%s", code, err, p.Output())
	}
	w.out("read-only", w.alice)
	if after, err := os.ReadFile(journal); err != nil || !bytes.Equal(before, after) && len(after) < len(before) {
		t.Errorf("the journal has %d bytes, had %d, %v", len(after), len(before), err)
	}
	w.Org.Revoke(w.ID, gone.grant)
	remount(0)
	w.Run()
	w.in("writable again", w.alice)
	w.until("revoked while it was read-only", gone, false, harness.Patience)
}

// TestJournalLost: a journal that is gone or cut short is not made anew, because
// an empty one believes any history; local root says so, or it is put back.
func TestJournalLost(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	w.Daemon.Stop()
	journal := filepath.Join(stateFolder, "journal")
	whole, err := os.ReadFile(journal)
	w.Must(err)
	for _, row := range []struct {
		name string
		do   func() error
		want string
	}{
		{"deleted", func() error { return os.Remove(journal) }, "missing"},
		{"empty", func() error { return os.Truncate(journal, 0) }, "damaged"},
		{"cut short", func() error { return os.Truncate(journal, int64(len(whole)/2)) }, "damaged"},
		{"another's bytes", func() error { return os.WriteFile(journal, bytes.Repeat([]byte("x"), len(whole)), 0o600) }, "damaged"},
	} {
		w.Must(row.do())
		p := harness.Start(t, harness.Command{Path: harness.Bin(t, "dpkid"), Args: []string{"run"}})
		code, err := p.Wait(harness.Patience)
		if err != nil || code == 0 || !strings.Contains(p.Output(), row.want) || !strings.Contains(p.Output(), "reset-trust") {
			t.Errorf("%s: exit %d, %v, want %q in:\n%s", row.name, code, err, row.want, p.Output())
		}
		w.out(row.name, w.alice)
		w.Must(os.WriteFile(journal, whole, 0o600))
	}
	// What can be made again is: the list for the helper, the reserve, what a crash
	// left behind.
	for _, name := range []string{"denied", "journal.reserve"} {
		w.Must(os.Remove(filepath.Join(stateFolder, name)))
	}
	w.Run()
	w.in("put back", w.alice)
	for _, name := range []string{"denied", "journal.reserve"} {
		if _, err := os.Stat(filepath.Join(stateFolder, name)); err != nil {
			t.Errorf("%s was not made anew: %v", name, err)
		}
	}
}
