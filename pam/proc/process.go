package proc

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Process names one process for ever, within one boot. The zero value names none.
type Process struct {
	PID   int32
	Start uint64 // clock ticks since boot
}

// ErrGone says that the process has ended, whoever has its id now.
var ErrGone = errors.New("proc: the process has ended")

// maxFile bounds every file read here, in bytes. environ may be longer; then it is refused.
const maxFile = 256 << 10

// Find names the process that has this id now.
func Find(pid int32) (Process, error) {
	s, err := ReadStat(pid)
	if err != nil {
		return Process{}, err
	}
	return Process{PID: pid, Start: s.Start}, nil
}

// Stat reads the state of exactly this process.
func (p Process) Stat() (Stat, error) {
	s, err := ReadStat(p.PID)
	if err == nil && s.Start != p.Start {
		err = ErrGone
	}
	return s, err
}

// Alive reports whether the process runs. A zombie does not.
func (p Process) Alive() bool {
	s, err := p.Stat()
	return err == nil && s.State != 'Z' && s.State != 'X'
}

// Parent names the parent.
func (p Process) Parent() (Process, error) {
	s, err := p.Stat()
	if err != nil {
		return Process{}, err
	}
	parent, err := Find(s.Parent)
	if err != nil {
		return Process{}, err
	}
	// Had p lost its parent and another got that id, then p's parent is another one by now.
	if again, err := p.Stat(); err != nil || again.Parent != parent.PID {
		return Process{}, ErrGone
	}
	return parent, nil
}

// Exe is the base name of the program that the process runs.
func (p Process) Exe() (string, error) {
	link, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", p.PID))
	if err != nil {
		return "", gone(err)
	}
	if !p.Alive() {
		return "", ErrGone
	}
	return filepath.Base(strings.TrimSuffix(link, " (deleted)")), nil
}

// Environ is the value of one variable in the environment that the process was started with; foreign text.
func (p Process) Environ(name string) (string, bool, error) {
	b, err := read(fmt.Sprintf("/proc/%d/environ", p.PID))
	if err != nil {
		return "", false, err
	}
	if !p.Alive() {
		return "", false, ErrGone
	}
	for entry := range strings.SplitSeq(string(b), "\x00") {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value, true, nil
		}
	}
	return "", false, nil
}

// Root opens the folder that is / to the process, for paths only (O_PATH, open(2)).
func (p Process) Root() (*os.File, error) {
	f, err := os.OpenFile(fmt.Sprintf("/proc/%d/root", p.PID), unix.O_PATH|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, gone(err)
	}
	if !p.Alive() {
		f.Close()
		return nil, ErrGone
	}
	return f, nil
}

// BootID tells one boot from the next.
func BootID() (string, error) {
	b, err := read("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b)), err
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, gone(err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, gone(err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("proc: %s is longer than %d bytes", path, maxFile)
	}
	return b, nil
}

// gone gives the two errors of a process that ended in between their one name.
func gone(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("%w: %w", ErrGone, err)
	}
	return err
}
