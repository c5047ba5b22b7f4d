package pamshim

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"dpki/internal/harness"

	"golang.org/x/sys/unix"
)

// otherRoot names a root folder (debootstrap) whose sshd and libpam the tests use in place of the machine's: the same tests, another
// OpenSSH.
var otherRoot = flag.String("root", "", "folder of another system whose sshd is tested")

// underSystemd says that the tests run in a system whose process 1 is systemd (systemd_test.go), where logind makes the cgroups.
var underSystemd = flag.Bool("systemd", false, "sessions are logind's scopes")

// form is what holds a session together here.
func form() string {
	if *underSystemd {
		return "scope"
	}
	return "group"
}

// furnished shows the tests' machine to the other system: its accounts, its /run, its helper. Only this mount namespace sees it, and
// what is written goes to an overlay.
var furnished = sync.OnceValues(func() (string, error) {
	const top = "/run/dpki-root"
	for _, dir := range []string{"/root", "/upper", "/work"} {
		if err := os.MkdirAll(top+dir, 0o755); err != nil {
			return "", err
		}
	}
	root := top + "/root"
	if err := unix.Mount("overlay", root, "overlay", 0, fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", *otherRoot, top, top)); err != nil {
		return "", fmt.Errorf("overlay of %s: %w", *otherRoot, err)
	}
	for _, dir := range []string{"/dev", "/proc", "/sys", "/run", "/tmp"} {
		if err := unix.Mount(dir, root+dir, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
			return "", fmt.Errorf("%s: %w", dir, err)
		}
	}
	for _, file := range []string{"/etc/passwd", "/etc/group", "/etc/shadow", "/etc/nsswitch.conf", "/usr/lib/dpki/dpki-authkeys"} {
		if err := os.MkdirAll(filepath.Dir(root+file), 0o755); err != nil {
			return "", err
		}
		if out, err := exec.Command("cp", "-p", file, root+file).CombinedOutput(); err != nil {
			return "", fmt.Errorf("%w: %s", err, out)
		}
	}
	return root, nil
})

// program makes an sshd whose PAM service is our own, and returns its path.
func program(t testing.TB, stack string) string {
	t.Helper()
	dir := harness.RootDir(t)
	path := filepath.Join(dir, "sshd-dpki") // the service is named for the program (sshd.c, __progname)
	if *otherRoot == "" {
		write(t, "/etc/pam.d/sshd-dpki", stack, 0o644)
		real, err := harness.SshdPath()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(real, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	root, err := furnished()
	if err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile("/etc/shadow"); err == nil {
		write(t, root+"/etc/shadow", string(b), 0o640)
	}
	write(t, root+"/etc/pam.d/sshd-dpki", stack, 0o644)
	write(t, root+"/etc/pam.d/sshd", stack, 0o644) // since 9.8 the service is "sshd" whatever the program's name
	os.Symlink("sshd", root+"/usr/sbin/sshd-dpki")
	write(t, path, fmt.Sprintf("#!/bin/sh\nexec chroot %s /usr/sbin/sshd-dpki \"$@\"\n", root), 0o755)
	return path
}
