package cgroup

import (
	"fmt"
	"regexp"
	"strings"

	"dpki/pam/proc"
)

// mountPoint is where the hierarchy is mounted, and which group of it is at the top of that mount.
type mountPoint struct {
	point, root string
}

// findMount looks for the cgroup2 mount in /proc/self/mountinfo (proc(5)):
//
//	id parent major:minor ROOT MOUNTPOINT options [tag...] - FSTYPE source options
//
// The last one wins: it covers those before it at the same place.
func findMount(mountinfo string) (mountPoint, bool) {
	var found mountPoint
	ok := false
	for line := range strings.Lines(mountinfo) {
		before, after, cut := strings.Cut(line, " - ")
		f, kind := strings.Fields(before), strings.Fields(after)
		if !cut || len(f) < 6 || len(kind) == 0 || kind[0] != "cgroup2" {
			continue
		}
		root, point := unescape(f[3]), unescape(f[4])
		if !strings.HasPrefix(root, "/") || !strings.HasPrefix(point, "/") || strings.Contains(root+"/", "/../") {
			continue
		}
		found, ok = mountPoint{point: point, root: root}, true
	}
	return found, ok
}

var unescape = strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace

// unifiedPath is the version 2 line of /proc/PID/cgroup: "0::/path".
func unifiedPath(text string) (string, bool) {
	for line := range strings.Lines(text) {
		if path, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "0::"); ok {
			if !strings.HasPrefix(path, "/") || strings.Contains(path+"/", "/../") || strings.HasSuffix(path, " (deleted)") {
				return "", false
			}
			return path, true
		}
	}
	return "", false
}

// scope is the name that systemd-logind gives to a session's cgroup (systemd.scope(5), logind's session_start_scope).
var scope = regexp.MustCompile(`^(/[^/]+)*/user\.slice/user-[0-9]+\.slice/session-[a-z]?[0-9]+\.scope$`)

// IsScope reports whether the group is one that systemd-logind made for a session.
func IsScope(g Group) bool { return isScope(g.Path) }

func isScope(path string) bool { return scope.MatchString(path) }

var ownNames = regexp.MustCompile(`^[0-9]{1,10}-[0-9]{1,20}$`)

func ownName(p proc.Process) string { return fmt.Sprintf("%d-%d", p.PID, p.Start) }

func isOwnName(name string) bool { return ownNames.MatchString(name) }
