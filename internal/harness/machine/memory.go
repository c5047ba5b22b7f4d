package machine

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
)

// Memory is a field of /proc/PID/status, as VmRSS, in bytes.
func (m *Machine) Memory(pid int, field string) int {
	m.Helper()
	return m.memory(pid, "status", field)
}

// Share is a process's proportional share of memory, in bytes: what several
// processes map counts once for all of them.
func (m *Machine) Share(pid int) int {
	m.Helper()
	return m.memory(pid, "smaps_rollup", "Pss")
}

func (m *Machine) memory(pid int, file, field string) int {
	m.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
	m.Must(err)
	found := regexp.MustCompile(`(?m)^` + field + `:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		m.Fatalf("no %s of pid %d", field, pid)
	}
	n, err := strconv.Atoi(string(found[1]))
	m.Must(err)
	return n << 10
}
