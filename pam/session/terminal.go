package session

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"dpki/pam/proc"

	"golang.org/x/sys/unix"
)

// warn writes to the session's terminals. A command without one is not disturbed: its output is data.
func (m *Manager) warn(s Session, now uint64) {
	text := fmt.Sprintf("\r\n\a*** dpki: this session ends in %d seconds, at %s ***\r\n", s.Until-now, Clock(s.Until))
	n := 0
	for _, tty := range m.terminals(s) {
		if err := say(tty, text); err != nil {
			m.logf("session: terminal of process %d: %v", s.Monitor.PID, err)
			continue
		}
		n++
	}
	if n > 0 {
		m.mu.Lock()
		m.audit(m.event(Warned, s, fmt.Sprintf("%d seconds before the end", s.Until-now)))
		m.mu.Unlock()
	}
}

// Clock shows a time to a person.
func Clock(t uint64) string { return time.Unix(int64(t), 0).UTC().Format("15:04:05 UTC") }

// terminals lists the device numbers of the terminals that sshd made for the session: those of session leaders that sshd
// started. A terminal that a program of the user made for itself (script, tmux, expect) is that program's data.
func (m *Manager) terminals(s Session) []uint64 {
	var pids []int32
	if m.lesser(s) {
		for _, p := range family(s.Monitor) {
			pids = append(pids, p.PID)
		}
	} else if list, err := m.Tree.Processes(s.Group); err == nil {
		pids = list
	}
	var found []uint64
	for _, pid := range pids {
		st, err := proc.ReadStat(pid)
		if err != nil || st.Terminal == 0 || st.Session != pid {
			continue
		}
		parent, err := proc.Find(st.Parent)
		if err != nil {
			continue
		}
		if exe, err := parent.Exe(); err == nil && strings.HasPrefix(exe, "sshd") {
			found = append(found, st.Terminal)
		}
	}
	return found
}

// unix98 is the major number of pseudo-terminals (devices.txt), whose minor is their name below /dev/pts.
const unix98 = 136

// say writes once and never waits: a user who stopped his output must not stop the daemon. The device is the one meant, or
// nothing is written.
func say(tty uint64, text string) error {
	if unix.Major(tty) != unix98 {
		return fmt.Errorf("device %d:%d is no pseudo-terminal", unix.Major(tty), unix.Minor(tty))
	}
	path := filepath.Join("/dev/pts", fmt.Sprint(unix.Minor(tty)))
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return &os.PathError{Op: "open", Path: path, Err: err}
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR || st.Rdev != tty {
		return fmt.Errorf("%s is another device", path)
	}
	_, err = unix.Write(fd, []byte(text))
	return err
}
