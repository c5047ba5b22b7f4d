package harness

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// cgroupMount is where the cgroup2 hierarchy is mounted, or "".
func cgroupMount() (string, error) {
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			return f[1], nil
		}
	}
	return "", nil
}

// CgroupDir is the folder of a group at the top of the hierarchy.
func CgroupDir(t testing.TB, group string) string {
	t.Helper()
	point, err := cgroupMount()
	if err != nil || point == "" {
		t.Fatalf("no cgroup2: %v", err)
	}
	return filepath.Join(point, group)
}

// makeCgroup makes the group in which the namespaces live, or "" where there is none to be had. A daemon ends the sessions that it
// finds in its part of the hierarchy and knows nothing of; those of a test that runs beside are none of its business.
func makeCgroup() string {
	point, err := cgroupMount()
	if err != nil {
		return ""
	}
	if point == "" {
		if point, err = ownCgroupMount(); err != nil {
			return ""
		}
	}
	dir, err := os.MkdirTemp(point, "dpki-harness-")
	if err != nil {
		return ""
	}
	return dir
}

// ownMount begins the name of a mount point that ownCgroupMount made.
const ownMount = "dpki-cgroup-"

// ownCgroupMount mounts the hierarchy for the time of the tests on a machine, a bare container or chroot, that has it nowhere.
func ownCgroupMount() (point string, err error) {
	if point, err = os.MkdirTemp("", ownMount); err != nil {
		return "", err
	}
	if err = mount("cgroup2", point, "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		os.Remove(point)
	}
	return point, err
}

// removeCgroup removes it with all that is below, when the kernel has buried the last process of it.
func removeCgroup(dir string) {
	if point := filepath.Dir(dir); strings.HasPrefix(filepath.Base(point), ownMount) {
		defer os.Remove(point)
		defer unix.Unmount(point, unix.MNT_DETACH)
	}
	for end := time.Now().Add(Patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		var below []string
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				below = append(below, path)
			}
			return nil
		})
		for i := len(below) - 1; i >= 0; i-- {
			unix.Rmdir(below[i])
		}
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
			return
		}
	}
}

// enterCgroup makes dir the top of the hierarchy for this thread and all that it starts: cgroup_namespaces(7).
func enterCgroup(dir string) error {
	runtime.LockOSThread()
	f, err := os.OpenFile(filepath.Join(dir, "cgroup.procs"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString("0")
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return unix.Unshare(unix.CLONE_NEWCGROUP)
}

// ensureCgroup2 shows the hierarchy from its own top, and also where nobody has mounted it: sessions end by it. systemd mounts
// it on most machines; a bare container or chroot may have none.
func ensureCgroup2() error {
	where := "/sys/fs/cgroup"
	for { // a suite that runs beside may have mounted one too (ownCgroupMount)
		point, err := cgroupMount()
		if err != nil {
			return err
		}
		if point == "" {
			break
		}
		if !strings.HasPrefix(filepath.Base(point), ownMount) {
			where = point
		}
		if err := unix.Unmount(point, unix.MNT_DETACH); err != nil { // the kernel refuses the same hierarchy on top of itself
			return err
		}
	}
	return mount("cgroup2", where, "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
}
