package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// stage is where the story plays: a folder, the processes that it started, and
// the printing.
type stage struct {
	dir     string
	out     io.Writer
	start   time.Time
	running []*process
	tech    technician
}

type process struct {
	name string
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(s.out, format, args...) }

// title prints when a step began and what it is.
func (s *stage) title(what string) {
	s.say("\n%5.1f s  %s\n", time.Since(s.start).Seconds(), what)
}

// note prints a finding under a step.
func (s *stage) note(format string, args ...any) { s.say("         "+format+"\n", args...) }

// run runs a command, shows it as it would be typed and the lines of its output
// that keep lets through, and returns the whole output.
func (s *stage) run(ctx context.Context, keep func(line string) bool, name string, args ...string) (string, error) {
	s.note("$ %s", typed(name, args))
	out, err := s.quiet(ctx, name, args...)
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if keep == nil || err != nil || keep(line) {
			s.note("%s", line)
		}
	}
	return out, err
}

// quiet runs a command without showing anything.
func (s *stage) quiet(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = s.dir
	cmd.Env = s.env()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w", typed(name, args), err)
	}
	return out.String(), nil
}

func (s *stage) env() []string {
	return []string{"HOME=/root", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.Getenv("TMPDIR"), "XDG_STATE_HOME=" + filepath.Join(s.dir, "state"), "XDG_CONFIG_HOME=" + filepath.Join(s.dir, "config")}
}

// typed is a command line as somebody would type it.
func typed(name string, args []string) string {
	words := []string{name}
	for _, a := range args {
		if strings.ContainsAny(a, " '\"$;|&<>()*") || a == "" {
			a = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
		words = append(words, a)
	}
	return strings.Join(words, " ")
}

// launch starts a process that lives until the story ends.
func (s *stage) launch(_ context.Context, name string, args ...string) error {
	log, err := os.Create(filepath.Join(s.dir, filepath.Base(name)+".log"))
	if err != nil {
		return err
	}
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.dir, s.env(), log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		log.Close()
		return fmt.Errorf("%s: %w", name, err)
	}
	p := &process{name: filepath.Base(name), cmd: cmd, log: log, done: make(chan struct{})}
	go func() { _ = cmd.Wait(); close(p.done) }()
	s.running = append(s.running, p)
	return nil
}

// until asks every few milliseconds until there is no error.
func (s *stage) until(ctx context.Context, ready func() error) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := ready()
		if err == nil {
			return nil
		}
		for _, p := range s.running {
			select {
			case <-p.done:
				return fmt.Errorf("%s ended: %v", p.name, p.cmd.ProcessState)
			default:
			}
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// logs prints what the processes said, when something went wrong.
func (s *stage) logs(w io.Writer) {
	for _, p := range s.running {
		b, err := os.ReadFile(p.log.Name())
		if err == nil {
			fmt.Fprintf(w, "--- %s\n%s", p.name, b[max(0, len(b)-4096):])
		}
	}
}

// clear stops what was started, the last first, and removes the folder.
func (s *stage) clear() {
	for i := len(s.running) - 1; i >= 0; i-- {
		p := s.running[i]
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(3 * time.Second):
			_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		}
		p.log.Close()
	}
	os.RemoveAll(s.dir)
}
