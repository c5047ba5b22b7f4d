package proc

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func self(t *testing.T) Process {
	t.Helper()
	p, err := Find(int32(os.Getpid()))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestSelf(t *testing.T) {
	p := self(t)
	if !p.Alive() {
		t.Error("the test does not run")
	}
	parent, err := p.Parent()
	if err != nil || parent.PID != int32(os.Getppid()) {
		t.Errorf("parent = %v, %v; want pid %d", parent, err, os.Getppid())
	}
	if exe, err := p.Exe(); err != nil || exe != "proc.test" {
		t.Errorf("exe = %q, %v", exe, err)
	}
}

// The same id with another start time is another process.
func TestStartTimeTellsProcessesApart(t *testing.T) {
	p := self(t)
	other := Process{PID: p.PID, Start: p.Start + 1}
	if other.Alive() {
		t.Error("another start time is alive")
	}
	if _, err := other.Stat(); !errors.Is(err, ErrGone) {
		t.Errorf("stat: %v, want ErrGone", err)
	}
	if _, err := other.Open(); !errors.Is(err, ErrGone) {
		t.Errorf("open: %v, want ErrGone", err)
	}
	if (Process{}).Alive() {
		t.Error("the zero process is alive")
	}
}

func TestEnvironIsThatOfTheStart(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	cmd.Env = []string{"A=1", "SSH_AUTH_SOCK=/tmp/agent", "SSH_AUTH_SOCKET=x"}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	p, err := Find(int32(cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	// exec(2) has happened, but the kernel may not have laid out the new image yet.
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if _, ok, _ := p.Environ("A"); ok {
			break
		}
	}
	if v, ok, err := p.Environ("SSH_AUTH_SOCK"); v != "/tmp/agent" || !ok || err != nil {
		t.Errorf("SSH_AUTH_SOCK = %q, %v, %v", v, ok, err)
	}
	if v, ok, err := p.Environ("SSH"); v != "" || ok || err != nil {
		t.Errorf("SSH = %q, %v, %v", v, ok, err)
	}
}

func TestHandleWaitsAndSignals(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p, err := Find(int32(cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	h, err := p.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := h.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("wait for a process that runs: %v", err)
	}
	if err := h.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := h.Wait(context.Background()); err != nil {
		t.Errorf("wait: %v", err)
	}
	cmd.Wait()
	if err := h.Signal(unix.SIGTERM); !errors.Is(err, ErrGone) {
		t.Errorf("signal to a process that ended: %v, want ErrGone", err)
	}
	if p.Alive() {
		t.Error("alive after its end")
	}
}

func TestParseStatWithAHostileName(t *testing.T) {
	line := "17 (a) R 1 1 1 0) S 42 17 17 34817 17 4194560 0 0 0 0 0 0 0 0 20 0 1 0 987654 0 0 0\n"
	got, err := ParseStat([]byte(line))
	want := Stat{State: 'S', Parent: 42, Session: 17, Terminal: 34817, Start: 987654}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	for _, bad := range []string{"", "17 (a", "17 (a) S", "17 (a) S x 17 17 0 17 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0", "17 (a) SS 1 17 17 0 17 0 0 0 0 0 0 0 0 0 20 0 1 0 1 0"} {
		if _, err := ParseStat([]byte(bad)); !errors.Is(err, ErrStat) {
			t.Errorf("%q: %v, want ErrStat", bad, err)
		}
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add([]byte("17 (a) R 1 1 1 0) S 42 17 17 34817 17 4194560 0 0 0 0 0 0 0 0 20 0 1 0 987654 0 0 0\n"))
	f.Add([]byte(")))"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStat(b)
		if err != nil && s != (Stat{}) {
			t.Errorf("%+v with %v", s, err)
		}
		if err == nil && !bytes.ContainsRune(b, ')') {
			t.Errorf("%q accepted", b)
		}
	})
}
