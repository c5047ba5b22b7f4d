package machine

import (
	"fmt"
	"os"
	"strconv"

	"dpki/internal/harness"
	"dpki/pam/proc"
)

// Processes are the daemon's pids: run, and fetch, its only child, which it
// starts anew when it has ended.
func (m *Machine) Processes() (run, fetch int) {
	m.Helper()
	run = m.Daemon.Pid()
	harness.Eventually(m, harness.Patience, func() (err error) {
		fetch, err = Child(run)
		return err
	})
	return run, fetch
}

// Child is a process whose parent this is, for parents that have one.
func Child(parent int) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		pid, err := strconv.ParseInt(e.Name(), 10, 32)
		if err != nil {
			continue
		}
		if stat, err := proc.ReadStat(int32(pid)); err == nil && stat.Parent == int32(parent) {
			return int(pid), nil
		}
	}
	return 0, fmt.Errorf("process %d has no child", parent)
}
