package harness

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// layers is a private tmpfs, outside of everything that is overlaid, for the writable halves of the overlays.
const layers = "/run/.harness"

// furnish turns a copy of the mount table into a machine of the tests' own. Everything it writes is on a tmpfs.
func furnish(dir string, commands []string) error {
	root := RepoRoot()
	// Slave, not private, would still let the machine's later mounts in; private lets nothing through in either direction.
	if err := mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := mount("proc", "/proc", "proc", 0, ""); err != nil {
		return err
	}
	if err := mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=0755"); err != nil {
		return err
	}
	if err := mkdirs("/run/sshd", "/run/lock", layers); err != nil {
		return err
	}
	// An overlay shows its lower file system and none that is mounted below it: the checkout, or Go itself, may be one of
	// those. So each folder is kept beside, with all that is mounted there, and brought back where tests look for it.
	repo := filepath.Join(layers, "repo")
	if err := keep(root, repo); err != nil {
		return err
	}
	for _, d := range []string{"/usr", "/etc", "/var", "/home", "/root"} {
		if err := overlay(d, filepath.Join(root, "build/root", d)); err != nil {
			return err
		}
	}
	if err := mkdirs(root); err != nil {
		return err
	}
	if err := mount(repo, root, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := freshDev(); err != nil {
		return err
	}
	if err := mount("tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil {
		return err
	}
	if err := ensureCgroup2(); err != nil {
		return err
	}
	if err := strip(traces...); err != nil {
		return err
	}
	if err := freshSSH(filepath.Join(root, "build/root")); err != nil {
		return err
	}
	if err := installProduct(dir, commands); err != nil {
		return err
	}
	if err := addAccounts(); err != nil {
		return err
	}
	return loopbackUp()
}

// overlay makes dir copy-on-write. What the folder extra holds, if it exists, appears in it, owned by root: sshd refuses
// a helper when any folder above it is somebody else's, and build/root belongs to whoever unpacked it.
func overlay(dir, extra string) error {
	lower, upper, work := filepath.Join(layers, dir, "lower"), filepath.Join(layers, dir, "upper"), filepath.Join(layers, dir, "work")
	if err := mkdirs(upper, work); err != nil {
		return err
	}
	if err := keep(dir, lower); err != nil {
		return err
	}
	if fi, err := os.Stat(dir); err != nil {
		return err
	} else if err := os.Chmod(upper, fi.Mode().Perm()); err != nil {
		return err
	}
	if err := copyTree(extra, upper); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := mount("overlay", dir, "overlay", 0, "lowerdir="+lower+",upperdir="+upper+",workdir="+work); err != nil {
		return err
	}
	return bringBack(lower, dir)
}

// keep makes a folder, with what is mounted in it, visible at another place.
func keep(dir, at string) error {
	if err := mkdirs(at); err != nil {
		return err
	}
	return mount(dir, at, "", unix.MS_BIND|unix.MS_REC, "")
}

// bringBack mounts again, below dir, the folders that were mounted below kept; read-only, for they are the machine's own.
func bringBack(kept, dir string) error {
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(text)) {
		from := strings.Fields(line)[4] // proc(5): the mount point, with white space as \040
		below, ok := strings.CutPrefix(from, kept+"/")
		if fi, err := os.Stat(from); !ok || err != nil || !fi.IsDir() {
			continue
		}
		to := filepath.Join(dir, below)
		if err := mount(from, to, "", unix.MS_BIND, ""); err != nil {
			return err
		}
		if err := mount("", to, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY, ""); err != nil {
			return err
		}
	}
	return nil
}

// copyTree copies what a folder holds; the copies are root's.
func copyTree(from, to string) error {
	if _, err := os.Stat(from); err != nil {
		return err
	}
	out, err := exec.Command("cp", "-r", "--preserve=mode,links", "--no-preserve=ownership", from+"/.", to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("copy %s: %w: %s", from, err, out)
	}
	return nil
}

// freshSSH makes /etc/ssh what openssh-server's installation leaves, less the host keys. The machine's own configuration
// and keys have no part in a test.
func freshSSH(sysroot string) error {
	if _, err := os.Stat(filepath.Join(sysroot, "etc/ssh")); errors.Is(err, fs.ErrNotExist) {
		return nil // no package unpacked: those that need sshd say so
	}
	if err := os.RemoveAll("/etc/ssh"); err != nil {
		return err
	}
	if err := mkdirs("/etc/ssh", "/etc/ssh/sshd_config.d"); err != nil {
		return err
	}
	if err := copyTree(filepath.Join(sysroot, "etc/ssh"), "/etc/ssh"); err != nil {
		return err
	}
	// The package's script puts it there, and no script has run.
	text, err := os.ReadFile("/usr/share/openssh/sshd_config")
	if err != nil {
		return err
	}
	return os.WriteFile("/etc/ssh/sshd_config", text, 0o644)
}

// freshDev gives a /dev with the usual nodes and no /dev/log, so that a test can be the syslog daemon (Syslog).
func freshDev() error {
	const old = layers + "/dev"
	if err := mkdirs(old); err != nil {
		return err
	}
	if err := mount("/dev", old, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		return err
	}
	if err := mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID, "mode=0755"); err != nil {
		return err
	}
	for _, name := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		f, err := os.OpenFile("/dev/"+name, os.O_CREATE|os.O_EXCL, 0o666)
		if err != nil {
			return err
		}
		f.Close()
		if err := mount(old+"/"+name, "/dev/"+name, "", unix.MS_BIND, ""); err != nil {
			return err
		}
	}
	if err := mkdirs("/dev/pts", "/dev/shm"); err != nil {
		return err
	}
	if err := mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"); err != nil {
		return err
	}
	for name, target := range map[string]string{
		"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(target, "/dev/"+name); err != nil {
			return err
		}
	}
	return unix.Unmount(old, unix.MNT_DETACH)
}

// installProduct copies the commands from dir to where the packages put them.
func installProduct(dir string, commands []string) error {
	for _, name := range commands {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := mkdirs(filepath.Dir(installed[name])); err != nil {
			return err
		}
		if err := os.WriteFile(installed[name], text, 0o755); err != nil {
			return err
		}
	}
	return nil
}

func loopbackUp() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	req, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	req.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, req)
}

// RootDir gives an empty folder that root owns and nobody else may write to, all the way up: the only kind of place from
// which sshd runs a helper. It goes away with the namespace.
func RootDir(t testing.TB) string {
	t.Helper()
	Need(t, Namespace)
	dir, err := os.MkdirTemp("/run", "test-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func mount(source, target, fstype string, flags uintptr, data string) error {
	if err := unix.Mount(source, target, fstype, flags, data); err != nil {
		return fmt.Errorf("mount %s (%s) on %s: %w", source, fstype, target, err)
	}
	return nil
}

// mkdirs makes root-owned 0755 folders whatever the umask.
func mkdirs(dirs ...string) error {
	defer syscall.Umask(syscall.Umask(0o022))
	for _, d := range dirs {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return err
		}
	}
	return nil
}
