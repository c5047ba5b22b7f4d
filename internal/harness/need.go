package harness

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Part is something a test needs that may be missing on a laptop.
type Part struct {
	name    string
	missing func() string // why the part cannot be used; empty when it can
}

// The parts that exist. Namespace implies Root: it says that Main has put the test on a machine of its own.
var (
	Root      = Part{"root", func() string { return unless(os.Geteuid() == 0, "run the tests as root") }}
	Namespace = Part{"a namespace", func() string {
		return unless(inNamespace(), "run the tests as root, in a package that calls harness.Main")
	}}
	Sshd       = Part{"sshd", func() string { _, err := SshdPath(); return reason(err) }}
	Ssh        = Part{"ssh", program("ssh")}
	SshKeygen  = Part{"ssh-keygen", program("ssh-keygen")}
	SshAgent   = Part{"ssh-agent", program("ssh-agent")}
	Strace     = Part{"strace", program("strace")}
	Dpkg       = Part{"dpkg", program("dpkg")}
	Systemd    = Part{"systemd's tools", program("systemd-analyze")}
	Rpm        = Part{"rpm", program("rpm")}
	Rsync      = Part{"rsync", program("rsync")}
	Git        = Part{"git", program("git")}
	Gcc        = Part{"gcc", program("gcc")}
	PamHeaders = Part{"PAM's headers", func() string {
		_, err := os.Stat("/usr/include/security/pam_modules.h")
		return unless(err == nil, "install libpam0g-dev")
	}}
	// Cgroup2 is a cgroup2 hierarchy, wherever it is mounted, in which groups can be made.
	Cgroup2 = Part{"cgroup2", func() string { return reason(cgroup2Writable()) }}
	Kubo    = Part{"kubo", func() string { _, err := KuboPath(); return reason(err) }}
	Clef    = Part{"clef", func() string { _, err := ClefPath(); return reason(err) }}
	SoftHSM = Part{"softhsm2", func() string { _, err := SoftHSMModule(); return reason(err) }}
	Forge   = Part{"forge", func() string { _, err := ForgePath(); return reason(err) }}
)

// Need skips the test when a part is missing, and fails it when CI=true.
func Need(t testing.TB, parts ...Part) {
	t.Helper()
	for _, p := range parts {
		if why := p.missing(); why != "" {
			lack(t, fmt.Sprintf("needs %s: %s", p.name, why))
			return
		}
	}
}

func lack(t testing.TB, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
		return
	}
	t.Skip(why)
}

// SshdPath finds sshd: on the system (in the namespace that is the unpacked package), else in build/root.
func SshdPath() (string, error) {
	return firstProgram("make build/root", "/usr/sbin/sshd", filepath.Join(RepoRoot(), "build/root/usr/sbin/sshd"))
}

// KuboPath finds the ipfs program that the tools module builds.
func KuboPath() (string, error) {
	return firstProgram("make build/bin/ipfs", filepath.Join(RepoRoot(), "build/bin/ipfs"))
}

// ClefPath finds the clef program that the tools module builds.
func ClefPath() (string, error) {
	return firstProgram("make build/bin/clef", filepath.Join(RepoRoot(), "build/bin/clef"))
}

// SoftHSMModule finds the PKCS#11 module of softhsm2, a hardware module in software.
func SoftHSMModule() (string, error) {
	found, err := filepath.Glob("/usr/lib/*/softhsm/libsofthsm2.so")
	if err != nil || len(found) == 0 {
		found = []string{"/usr/lib/softhsm/libsofthsm2.so"}
	}
	return firstProgram("make deps", found...)
}

// ForgePath finds forge where npm puts it for the contract.
func ForgePath() (string, error) {
	return firstProgram("make contracts-tools", filepath.Join(RepoRoot(), "contracts/node_modules/.bin/forge"))
}

func cgroup2Writable() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	err = errors.New("no cgroup2 is mounted")
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 2 && f[2] == "cgroup2" {
			var dir string
			if dir, err = os.MkdirTemp(f[1], "dpki-test-"); err == nil {
				return os.Remove(dir)
			}
		}
	}
	return err
}

func firstProgram(hint string, paths ...string) (string, error) {
	for _, p := range paths {
		if fi, err := os.Stat(p); err == nil && fi.Mode().IsRegular() {
			return p, nil
		}
	}
	return "", fmt.Errorf("not found; get it by `%s`", hint)
}

func program(name string) func() string {
	return func() string { _, err := exec.LookPath(name); return reason(err) }
}

func unless(ok bool, why string) string {
	if ok {
		return ""
	}
	return why
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
