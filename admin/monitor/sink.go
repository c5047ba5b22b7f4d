package monitor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/syslog"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// Sink is where alerts go.
type Sink struct {
	Name    string
	Type    string   // exec, json or syslog
	On      []string // kinds; none = all
	Argv    []string // exec: the program, absolute, and its arguments; the alert comes on standard input
	Timeout time.Duration
	Path    string // json: a file that lines are appended to, "-" = standard output
}

// Wants reports whether alerts of a kind go there.
func (s *Sink) Wants(kind string) bool { return len(s.On) == 0 || slices.Contains(s.On, kind) }

// deliver tells one alert; nil means that it was taken.
func (s *Sink) deliver(ctx context.Context, a *Alert, stdout io.Writer) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	line = append(line, '\n')
	switch s.Type {
	case "exec":
		return s.run(ctx, line)
	case "json":
		if s.Path == "-" {
			_, err := stdout.Write(line)
			return err
		}
		return appendLine(s.Path, line)
	case "syslog":
		return toSyslog(a)
	}
	return fmt.Errorf("sink of type %.20q", s.Type)
}

// run starts a program with an environment that holds nothing of ours.
func (s *Sink) run(ctx context.Context, line []byte) error {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.Argv[0], s.Argv[1:]...)
	cmd.Stdin = bytes.NewReader(line)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // what it started too
	cmd.WaitDelay = time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", s.Argv[0], err)
	}
	return nil
}

// appendLine writes a whole line or says that it did not.
func appendLine(path string, line []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	if e := f.Sync(); err == nil && e != nil && e != syscall.EINVAL { // a pipe cannot
		if pe, ok := e.(*os.PathError); !ok || pe.Err != syscall.EINVAL {
			err = e
		}
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

func toSyslog(a *Alert) error {
	w, err := syslog.New(syslog.LOG_AUTHPRIV|syslog.LOG_WARNING, "dpki-monitor")
	if err != nil {
		return err
	}
	defer w.Close()
	return w.Warning(a.Line())
}

// Line is the alert for people and logs: one line.
func (a *Alert) Line() string {
	ended := ""
	if a.Ended {
		ended = "over: "
	}
	text := fmt.Sprintf("%s: %s%q id=%s", a.Kind, ended, a.Text, a.ID)
	if a.Entry != nil {
		text += fmt.Sprintf(" scope=%s seq=%d block=%d subject=%s", a.Entry.Scope, a.Entry.Seq, a.Entry.Block, a.Entry.Subject)
	}
	return text
}
