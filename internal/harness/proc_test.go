package harness

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var errStill = errors.New("still there")

func shell(script string) Command {
	return Command{Path: "/bin/sh", Args: []string{"-c", script}}
}

func TestProcStopEndsTheWholeGroup(t *testing.T) {
	c := shell(`sh -c 'trap "" TERM; echo child $$; while :; do sleep 1; done' & wait`)
	c.Ready, c.Grace = Says("child "), 50*time.Millisecond
	p := Start(t, c)
	child := strings.Fields(p.Output())[1]
	p.Stop()
	Eventually(t, Patience, func() error {
		state, err := os.ReadFile(filepath.Join("/proc", child, "stat"))
		if err != nil || strings.Contains(string(state), ") Z ") {
			return nil
		}
		return errStill
	})
}

func TestProcWaitGivesTheExitCode(t *testing.T) {
	p := Start(t, shell("exit 3"))
	if code, err := p.Wait(Patience); code != 3 || err != nil {
		t.Errorf("Wait = %d, %v; want 3", code, err)
	}
	p = Start(t, shell("exec sleep 60"))
	if _, err := p.Wait(10 * time.Millisecond); !errors.Is(err, ErrStillRunning) {
		t.Errorf("Wait on a sleeper: %v, want ErrStillRunning", err)
	}
	p.Kill()
	if code, err := p.Wait(Patience); code != -1 || err != nil {
		t.Errorf("Wait after Kill = %d, %v; want -1", code, err)
	}
}

func TestProcEnvironmentIsNotInherited(t *testing.T) {
	t.Setenv("DPKI_CANARY", "leaked")
	p := Start(t, shell("env; echo done"))
	p.WaitOutput(t, "done", Patience)
	if strings.Contains(p.Output(), "leaked") {
		t.Errorf("environment reached the process:\n%s", p.Output())
	}
}

func TestAwaitSaysWhyAProcessIsNotReady(t *testing.T) {
	p := Start(t, shell("echo no; exit 1"))
	p.Wait(Patience)
	if err := p.await(Patience, Says("yes")); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("await on a dead process: %v", err)
	}
	p = Start(t, shell("exec sleep 60"))
	if err := p.await(20*time.Millisecond, Says("yes")); err == nil || !strings.Contains(err.Error(), `has not said "yes"`) {
		t.Errorf("await on a silent process: %v", err)
	}
	if err := p.Signal(syscall.SIGKILL); err != nil {
		t.Error(err)
	}
}
