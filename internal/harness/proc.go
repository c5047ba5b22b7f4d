package harness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Command describes a process that lives for a test.
type Command struct {
	Path  string
	Args  []string // without the name of the program
	Env   []string // the whole environment; nil is PATH and HOME=/nonexistent only: nothing of the tester's leaks in
	Dir   string
	Stdin io.Reader

	// Ready is asked every few milliseconds until it returns nil; nil means ready at once.
	Ready func(context.Context, *Proc) error
	// Within bounds Ready; zero means a minute.
	Within time.Duration
	// Grace is how long a stop waits after SIGTERM before SIGKILL; zero means 5 s.
	Grace time.Duration
	// Attr changes how the process is started (credentials); its process group is always its own.
	Attr *syscall.SysProcAttr
}

// A Proc is a running process in a process group of its own. The test's clean-up stops it.
type Proc struct {
	name   string
	cmd    *exec.Cmd
	grace  time.Duration
	out    output
	exited chan struct{} // closed when the process has been waited for
}

// ErrStillRunning is returned by Wait when the process outlives the given time.
var ErrStillRunning = errors.New("still running")

// Start starts the process, waits until it is ready, and stops it and its group by their ids when the test ends.
func Start(t testing.TB, c Command) *Proc {
	t.Helper()
	p := &Proc{name: filepath.Base(c.Path), cmd: exec.Command(c.Path, c.Args...), grace: c.Grace, exited: make(chan struct{})}
	if p.grace == 0 {
		p.grace = 5 * time.Second
	}
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdin = c.Env, c.Dir, c.Stdin
	if p.cmd.Env == nil {
		p.cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nonexistent"}
	}
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	p.cmd.WaitDelay = time.Second // a grandchild may hold the pipe open for ever
	p.cmd.SysProcAttr = &syscall.SysProcAttr{}
	if c.Attr != nil {
		attr := *c.Attr
		p.cmd.SysProcAttr = &attr
	}
	p.cmd.SysProcAttr.Setpgid = true
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	go func() { p.cmd.Wait(); close(p.exited) }()
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("output of %s (pid %d):\n%s", p.name, p.Pid(), p.out.tail(16<<10))
		}
	})
	if c.Ready != nil {
		within := c.Within
		if within == 0 {
			within = time.Minute
		}
		if err := p.await(within, c.Ready); err != nil {
			t.Fatalf("%s is not ready: %v", p.name, err)
		}
	}
	return p
}

func (p *Proc) await(within time.Duration, ready func(context.Context, *Proc) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx, p)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.exited:
			if ready(ctx, p) == nil { // it may have become so between the question and its end
				return nil
			}
			return fmt.Errorf("it exited: %v", p.cmd.ProcessState)
		case <-ctx.Done():
			return fmt.Errorf("after %v: %w", within, err)
		}
	}
}

// Pid is the process id, which stays valid as a number after the process has ended.
func (p *Proc) Pid() int { return p.cmd.Process.Pid }

// Output is what the process has written so far to stdout and stderr, together.
func (p *Proc) Output() string { return p.out.String() }

// Signal sends to the process only, not to its group.
func (p *Proc) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Wait waits for the end of the process and returns its exit code, or -1 if a signal ended it.
func (p *Proc) Wait(within time.Duration) (code int, err error) {
	select {
	case <-p.exited:
		return p.cmd.ProcessState.ExitCode(), nil
	case <-time.After(within):
		return 0, fmt.Errorf("%s (pid %d): %w after %v", p.name, p.Pid(), ErrStillRunning, within)
	}
}

// Running says whether the process has not ended yet.
func (p *Proc) Running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// Kill ends the process as a crash would: SIGKILL, to the process alone.
func (p *Proc) Kill() {
	p.cmd.Process.Kill()
	<-p.exited
}

// Stop asks the process to end, then makes what is left of its group end.
func (p *Proc) Stop() {
	p.cmd.Process.Signal(syscall.SIGTERM) // no error if it has been waited for: os.Process then refuses to signal
	select {
	case <-p.exited:
	case <-time.After(p.grace):
	}
	// A group keeps its id while a member lives; an empty one is ESRCH, unless the id came round again within this test.
	if err := syscall.Kill(-p.Pid(), syscall.SIGKILL); err == nil || p.Running() {
		<-p.exited
	}
}

// Await waits until the output holds the text, and is an error where the process ended or took too long.
func (p *Proc) Await(text string, within time.Duration) error { return p.await(within, Says(text)) }

// WaitOutput waits until the output holds the text.
func (p *Proc) WaitOutput(t testing.TB, text string, within time.Duration) {
	t.Helper()
	if err := p.Await(text, within); err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
}

// Says is ready when the output holds the text.
func Says(text string) func(context.Context, *Proc) error {
	return func(_ context.Context, p *Proc) error {
		if strings.Contains(p.Output(), text) {
			return nil
		}
		return fmt.Errorf("it has not said %q", text)
	}
}

// output is a growing buffer that may be read while a process writes.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (o *output) tail(n int) string {
	s := o.String()
	return s[max(0, len(s)-n):]
}
