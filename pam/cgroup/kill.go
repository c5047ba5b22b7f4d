package cgroup

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// check refuses what must not be killed: a path that is neither scope nor ours, or another group than the recorded one.
func (t *Tree) check(g Group) error {
	name, ours := strings.CutPrefix(g.Path, t.path()+"/")
	if !isScope(g.Path) && !(ours && isOwnName(name)) {
		return ErrNotOurs
	}
	now, err := t.group(g.Path)
	if err != nil {
		return err
	}
	if now != g {
		return ErrChanged
	}
	return nil
}

// spares refuses a group that holds process 1 or the daemon, however they came there.
func (t *Tree) spares(g Group) error {
	for _, pid := range []int{1, os.Getpid()} {
		b, err := read(fmt.Sprintf("/proc/%d/cgroup", pid))
		if err != nil {
			return err
		}
		// A path that cannot be seen from here is outside of every group that can.
		if path, ok := unifiedPath(string(b)); ok && (path == g.Path || strings.HasPrefix(path, g.Path+"/")) {
			return ErrVital
		}
	}
	return nil
}

// Processes lists what runs in the group and below it.
func (t *Tree) Processes(g Group) ([]int32, error) {
	var pids []int32
	err := filepath.WalkDir(t.folder(g.Path), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil // a group below that ended meanwhile
		}
		if err != nil || !d.IsDir() {
			return err
		}
		b, err := read(filepath.Join(path, "cgroup.procs"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENODEV) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, f := range bytes.Fields(b) {
			// 0 is a process that this process namespace cannot name, and to kill(2) it would be our own group.
			if pid, err := strconv.ParseInt(string(f), 10, 32); err == nil && pid > 0 {
				pids = append(pids, int32(pid))
			}
		}
		return nil
	})
	return pids, err
}

// Empty reports whether nothing runs in the group or below it. A group that is gone is empty.
func (t *Tree) Empty(g Group) bool {
	if now, err := t.group(g.Path); err != nil || now != g {
		return true
	}
	b, err := read(filepath.Join(t.folder(g.Path), "cgroup.events"))
	return err != nil && errors.Is(err, os.ErrNotExist) || bytes.Contains(b, []byte("populated 0"))
}

// Kill ends everything in the group and below it, and waits for that up to within. A group that is gone is no error.
func (t *Tree) Kill(g Group, within time.Duration) error {
	if err := t.check(g); errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("%w: %q", err, g.Path)
	}
	if err := t.spares(g); err != nil {
		return fmt.Errorf("%w: %q", err, g.Path)
	}
	folder := t.folder(g.Path)
	// Not os.WriteFile: where the file is missing, its O_CREATE would ask for something that this file system has no word for.
	err := write(folder, "cgroup.kill", "1")
	switch {
	// ENODEV: it has been removed since, as systemd does with an empty scope.
	case err == nil, errors.Is(err, syscall.ENODEV):
		return t.drained(g, within)
	case errors.Is(err, os.ErrNotExist):
		return t.killEach(g, within)
	}
	return err
}

// killEach is for kernels before 5.14: what is frozen cannot start another while it is killed.
func (t *Tree) killEach(g Group, within time.Duration) error {
	folder := t.folder(g.Path)
	frozen := write(folder, "cgroup.freeze", "1") == nil
	if frozen {
		defer write(folder, "cgroup.freeze", "0")
	}
	for deadline := time.Now().Add(within); ; time.Sleep(5 * time.Millisecond) {
		pids, err := t.Processes(g)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for _, pid := range pids {
			syscall.Kill(int(pid), syscall.SIGKILL)
		}
		if t.Empty(g) {
			return nil
		}
		if time.Now().After(deadline) {
			return ErrNotEmpty
		}
	}
}

func (t *Tree) drained(g Group, within time.Duration) error {
	for deadline := time.Now().Add(within); !t.Empty(g); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			return ErrNotEmpty
		}
	}
	return nil
}

// Remove removes an empty group of our own. A scope is systemd's to remove.
func (t *Tree) Remove(g Group) error {
	if isScope(g.Path) {
		return nil
	}
	if err := t.check(g); errors.Is(err, os.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	var folders []string
	filepath.WalkDir(t.folder(g.Path), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			folders = append(folders, path)
		}
		return nil
	})
	for i := len(folders) - 1; i >= 0; i-- {
		if err := syscall.Rmdir(folders[i]); err != nil && !errors.Is(err, syscall.ENOENT) {
			return &os.PathError{Op: "rmdir", Path: folders[i], Err: err}
		}
	}
	return nil
}

func write(folder, name, value string) error {
	f, err := os.OpenFile(filepath.Join(folder, name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
