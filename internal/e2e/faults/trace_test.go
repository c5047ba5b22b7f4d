package faults

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/devchain"
	"dpki/internal/harness/machine"
)

var traced = regexp.MustCompile(`^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$`)

// TestOnlyFetchHasTheNetwork traces the daemon through joining, logins and a revocation: `run`, which holds keys and state,
// opens Unix sockets alone, and `fetch`, which has the network, opens none of its files.
func TestOnlyFetchHasTheNetwork(t *testing.T) {
	harness.Need(t, harness.Strace)
	w := newWorld(t, devchain.Options{}, machine.Options{})
	w.Daemon.Stop()
	trace := filepath.Join(harness.RootDir(t), "trace")
	strace := harness.Start(t, harness.Command{
		Path: "/usr/bin/strace", Args: []string{"-f", "-qq", "-s", "200", "-o", trace, "-e", "trace=%network,%process,open,openat,openat2", harness.Bin(t, "dpkid"), "run"},
		Ready: func(context.Context, *harness.Proc) error { _, err := w.Status(); return err },
	})
	gone := w.grant("alice")
	w.in("traced", gone)
	w.Org.Revoke(w.ID, gone.grant)
	w.until("traced, revoked", gone, false, 10*time.Second)
	w.Eventually("a look", 10*time.Second, func(s device.Status) bool { return s.Problem == "" })
	strace.Stop()

	text, err := os.ReadFile(trace)
	w.Must(err)
	fetch := map[string]bool{} // the thread ids of fetch
	families := map[bool]map[string]int{false: {}, true: {}}
	files := 0
	for line := range strings.Lines(string(text)) {
		m := traced.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			continue
		}
		pid, call, args := m[1], m[2], m[3]
		isFetch := fetch[pid]
		switch call {
		case "execve":
			if strings.Contains(args, `"fetch"`) {
				fetch[pid] = true
			}
		case "clone", "clone3", "vfork", "fork":
			if i := strings.LastIndex(args, " = "); i >= 0 && isFetch {
				fetch[strings.TrimSpace(args[i+3:])] = true
			}
		case "socket", "socketpair":
			family, _, _ := strings.Cut(args, ",")
			if strings.HasPrefix(family, "AF_") {
				families[isFetch][family]++
			}
		case "open", "openat", "openat2":
			if isFetch {
				files++
				for _, secret := range []string{"/var/lib/dpki", "/etc/dpki", "/etc/ssh/ssh_host", "/run/dpki"} {
					if strings.Contains(args, `"`+secret) {
						t.Errorf("fetch opens %s", args)
					}
				}
			}
		}
	}
	for family, n := range families[false] {
		if family != "AF_UNIX" {
			t.Errorf("run opened %d sockets of %s", n, family)
		}
	}
	if families[false]["AF_UNIX"] == 0 || families[true]["AF_INET"] == 0 || files == 0 {
		t.Errorf("the trace shows nothing: sockets of run %v, of fetch %v, files of fetch %d", families[false], families[true], files)
	}
	w.Run()
	w.in("not traced", w.alice)
}
