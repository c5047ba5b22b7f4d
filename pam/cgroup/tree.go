package cgroup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"dpki/pam/proc"
)

// Errors that a caller may branch on.
var (
	ErrNone     = errors.New("cgroup: no cgroup2 hierarchy is mounted here")
	ErrNotOurs  = errors.New("cgroup: neither a session scope nor one of our own groups")
	ErrChanged  = errors.New("cgroup: the group is not the one that was recorded")
	ErrShared   = errors.New("cgroup: others than the login's own processes are in its scope")
	ErrNotEmpty = errors.New("cgroup: processes are left")
	ErrVital    = errors.New("cgroup: process 1 or the daemon itself is, or would be, in the group")
)

// A Group is one cgroup. The zero value is none.
type Group struct {
	Path  string `json:"path"`  // as /proc/PID/cgroup shows it
	Inode uint64 `json:"inode"` // of its folder: another group of the same name has another
}

// IsZero reports whether g is no group.
func (g Group) IsZero() bool { return g == Group{} }

// Within reports whether g is the outer group or below it.
func (g Group) Within(outer Group) bool {
	return !outer.IsZero() && (g == outer || strings.HasPrefix(g.Path, outer.Path+"/"))
}

// A Tree is the cgroup2 hierarchy of this machine.
type Tree struct {
	mount mountPoint
	own   string // name of our subtree, at the top
}

// Find looks for the hierarchy. own names the subtree that holds the groups that Make makes, one word.
func Find(own string) (*Tree, error) {
	if own == "" || strings.ContainsAny(own, "/.\n") {
		return nil, fmt.Errorf("cgroup: %q cannot name a subtree", own)
	}
	b, err := read("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	m, ok := findMount(string(b))
	if !ok {
		return nil, ErrNone
	}
	return &Tree{mount: m, own: own}, nil
}

// folder is where a group's files are, or "" where it cannot be seen from here.
func (t *Tree) folder(path string) string {
	rest := path
	if t.mount.root != "/" {
		var ok bool
		if rest, ok = strings.CutPrefix(path, t.mount.root); !ok || rest != "" && rest[0] != '/' {
			return ""
		}
	}
	if strings.Contains(rest+"/", "/../") {
		return ""
	}
	return filepath.Join(t.mount.point, rest)
}

// path is the inverse of folder, for groups of ours.
func (t *Tree) path(elems ...string) string {
	return filepath.Join(append([]string{t.mount.root, t.own}, elems...)...)
}

func (t *Tree) group(path string) (Group, error) {
	folder := t.folder(path)
	if folder == "" {
		return Group{}, ErrNone
	}
	var st syscall.Stat_t
	if err := syscall.Stat(folder, &st); err != nil {
		return Group{}, &os.PathError{Op: "stat", Path: folder, Err: err}
	}
	return Group{Path: path, Inode: st.Ino}, nil
}

// Of is the group in which the process is.
func (t *Tree) Of(p proc.Process) (Group, error) {
	b, err := read(fmt.Sprintf("/proc/%d/cgroup", p.PID))
	if err != nil {
		return Group{}, err
	}
	if !p.Alive() {
		return Group{}, proc.ErrGone
	}
	path, ok := unifiedPath(string(b))
	if !ok {
		return Group{}, ErrNone
	}
	return t.group(path)
}

// Make makes a group of our own for the process and moves it there. What it starts from then on is there too.
func (t *Tree) Make(p proc.Process) (Group, error) {
	if vital(p.PID) {
		return Group{}, ErrVital
	}
	path := t.path(ownName(p))
	folder := t.folder(path)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return Group{}, err
	}
	g, err := t.group(path)
	if err != nil {
		return Group{}, err
	}
	err = write(folder, "cgroup.procs", fmt.Sprint(p.PID))
	if err == nil && !p.Alive() {
		err = proc.ErrGone
	}
	if err != nil {
		os.Remove(folder)
		return Group{}, err
	}
	return g, nil
}

// Scope is the session scope that systemd-logind made for the process, if there is one that holds nothing but it and its
// descendants. An sshd that somebody started by hand runs in that person's own scope: that is ErrShared.
func (t *Tree) Scope(p proc.Process) (Group, error) {
	g, err := t.Of(p)
	if err != nil {
		return Group{}, err
	}
	if !isScope(g.Path) {
		return Group{}, ErrNotOurs
	}
	pids, err := t.Processes(g)
	if err != nil {
		return Group{}, err
	}
	for _, pid := range pids {
		if !descends(pid, p.PID) {
			return Group{}, ErrShared
		}
	}
	return g, nil
}

// vital tells the processes that no group of ours may ever hold. A helper whose monitor has died is a child of process 1, and
// whoever takes that for the monitor would end the machine with the session.
func vital(pid int32) bool { return pid <= 1 || int(pid) == os.Getpid() }

func descends(pid, from int32) bool {
	for range 16 {
		if pid == from {
			return true
		}
		s, err := proc.ReadStat(pid)
		if err != nil {
			return errors.Is(err, proc.ErrGone)
		}
		pid = s.Parent
	}
	return false
}

// Own lists the groups in our subtree.
func (t *Tree) Own() ([]Group, error) {
	entries, err := os.ReadDir(t.folder(t.path()))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []Group
	for _, e := range entries {
		if !e.IsDir() || !isOwnName(e.Name()) {
			continue
		}
		if g, err := t.group(t.path(e.Name())); err == nil {
			list = append(list, g)
		}
	}
	return list, nil
}

func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, 1<<20))
}
