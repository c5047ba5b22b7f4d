package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"dpki/internal/harness"
)

// terminal is the far end of a pseudo-terminal: what a person sees and types.
type terminal struct {
	*testing.T
	master *os.File
	seen   strings.Builder
}

func newTerminal(t *testing.T) (term *terminal, near *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	near, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return &terminal{T: t, master: master}, near
}

// await reads until the text was shown, and checks that what is typed now would
// not be.
func (t *terminal) await(text string) {
	t.Helper()
	buf := make([]byte, 1024)
	for !strings.Contains(t.seen.String(), text) {
		n, err := t.master.Read(buf)
		if err != nil {
			t.Fatalf("%v, waiting for %q after %q", err, text, t.seen.String())
		}
		t.seen.Write(buf[:n])
	}
	deadline := time.Now().Add(30 * time.Second)
	for { // the question stands a moment before the echo is off
		mode, err := unix.IoctlGetTermios(int(t.master.Fd()), unix.TCGETS)
		if err != nil {
			t.Fatal(err)
		}
		if mode.Lflag&unix.ECHO == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %q what is typed would be shown", text)
		}
		time.Sleep(time.Millisecond)
	}
}

// TestAskSecret: a passphrase is asked for on the terminal, without echo, and
// the terminal is as before when the command ends, interrupted or not.
func TestAskSecret(t *testing.T) {
	bin := harness.Build(t, "./cmd/dpki")
	start := func(t *testing.T) (*terminal, *exec.Cmd, *os.File) {
		t.Helper()
		term, near := newTerminal(t)
		cmd := exec.Command(bin, "--home", filepath.Join(t.TempDir(), "home"), "identity", "create")
		cmd.Stdin, cmd.Stdout, cmd.Stderr = near, near, near
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = cmd.Process.Kill(); near.Close() })
		return term, cmd, near
	}
	echoes := func(t *testing.T, near *os.File) {
		t.Helper()
		mode, err := unix.IoctlGetTermios(int(near.Fd()), unix.TCGETS)
		if err != nil || mode.Lflag&unix.ECHO == 0 {
			t.Errorf("the terminal is left without echo (%v)", err)
		}
	}
	t.Run("typed", func(t *testing.T) {
		term, cmd, near := start(t)
		for _, question := range []string{"New passphrase for the chain key: ", "The same again: "} {
			term.await(question)
			fmt.Fprintln(term.master, passphrase)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v\n%s", err, term.seen.String())
		}
		echoes(t, near)
		near.Close()
		for buf := make([]byte, 1024); ; {
			n, err := term.master.Read(buf)
			term.seen.Write(buf[:n])
			if err != nil {
				break
			}
		}
		if out := term.seen.String(); strings.Contains(out, passphrase) || !strings.Contains(out, "account") {
			t.Errorf("the terminal shows the passphrase, or not the account:\n%s", out)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		term, cmd, near := start(t)
		term.await("New passphrase for the chain key: ")
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("ended with %v, want status 1", err)
		}
		echoes(t, near)
	})
}
