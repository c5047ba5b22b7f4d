package harness

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

func TestNamespaceHasItsOwnAccounts(t *testing.T) {
	Need(t, Namespace)
	for _, a := range accounts {
		if a.shell == "" {
			if _, err := user.LookupGroup(a.name); err != nil {
				t.Errorf("group %s: %v", a.name, err)
			}
			continue
		}
		if _, err := user.Lookup(a.name); err != nil {
			t.Errorf("user %s: %v", a.name, err)
		}
	}
	out, err := exec.Command("id", "-nG", "alice").Output()
	if err != nil || strings.TrimSpace(string(out)) != "alice "+Group {
		t.Errorf("groups of alice = %q, %v", out, err)
	}
}

func TestNamespaceNetworkIsLoopbackOnly(t *testing.T) {
	Need(t, Namespace)
	ifs, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range ifs {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagLoopback == 0 {
			t.Errorf("interface %s is up", i.Name)
		}
	}
}

// What a test writes must never reach the machine. The test cannot look outside; that each folder is a mount of this
// namespace, with a writable half on its tmpfs, is what keeps it so.
func TestNamespaceFoldersAreMountsOfTheirOwn(t *testing.T) {
	Need(t, Namespace)
	text, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	types := map[string]string{}
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		types[f[1]] = f[2]
	}
	for dir, want := range map[string]string{
		"/usr": "overlay", "/etc": "overlay", "/var": "overlay", "/home": "overlay", "/root": "overlay",
		"/run": "tmpfs", "/dev": "tmpfs", "/proc": "proc",
	} {
		if types[dir] != want {
			t.Errorf("%s is %q, want %q", dir, types[dir], want)
		}
	}
}

// A machine on which dpki is in use gives its tests and the demo none of it; and what is not a copy is never taken away.
func TestNamespaceLosesTracesOfDPKI(t *testing.T) {
	Need(t, Namespace)
	for _, path := range traces {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
	enrolled, own := "/etc/dpki-strip-test/dpkid.toml", "/run/dpki-strip-test/dpkid.toml"
	for _, file := range []string{enrolled, own} {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(filepath.Dir(file)) })
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := strip(filepath.Dir(enrolled), "/etc/never-was"); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(enrolled); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s: %v", enrolled, err)
	}
	if err := strip(filepath.Dir(own)); err == nil {
		t.Error("what lies on no overlay was taken away")
	}
	if _, err := os.Lstat(own); err != nil {
		t.Error(err)
	}
}

func TestNamespaceHasADistributionsSSH(t *testing.T) {
	Need(t, Namespace, Sshd, Ssh)
	text, err := os.ReadFile("/etc/ssh/sshd_config")
	if err != nil || !strings.Contains(string(text), "\nInclude /etc/ssh/sshd_config.d/*.conf\n") {
		t.Errorf("/etc/ssh/sshd_config is not the package's: %v", err)
	}
	if keys, _ := filepath.Glob("/etc/ssh/ssh_host_*"); len(keys) > 0 {
		t.Errorf("host keys of the machine: %q", keys)
	}
	if out, err := exec.Command("ssh-keygen", "-A").CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen -A: %v\n%s", err, out)
	}
	t.Cleanup(func() { // for the next round of -count
		made, _ := filepath.Glob("/etc/ssh/ssh_host_*")
		for _, key := range made {
			if err := os.Remove(key); err != nil {
				t.Error(err)
			}
		}
	})
	if out, err := exec.Command("/usr/sbin/sshd", "-t").CombinedOutput(); err != nil {
		t.Errorf("sshd -t: %v\n%s", err, out)
	}
}

// Another run of the same tests sees the same kernel: neither may find the other's groups.
func TestNamespaceHasItsOwnCgroups(t *testing.T) {
	Need(t, Namespace, Cgroup2)
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains("\n"+string(text), "\n0::/\n") {
		t.Errorf("not at the top of a hierarchy of its own:\n%s", text)
	}
	mount, err := cgroupMount()
	if err != nil {
		t.Fatal(err)
	}
	// The top of the machine's hierarchy has no such file.
	if _, err := os.Stat(mount + "/cgroup.kill"); err != nil {
		t.Errorf("the machine's own hierarchy is mounted: %v", err)
	}
}

func TestNamespaceCollectsOrphans(t *testing.T) {
	Need(t, Namespace)
	out, err := exec.Command("sh", "-c", "(sleep 0.05 & echo $!)").Output()
	if err != nil {
		t.Fatal(err)
	}
	pid := strings.TrimSpace(string(out))
	Eventually(t, 5e9, func() error {
		if _, err := os.Stat("/proc/" + pid); err == nil {
			return errStill
		}
		return nil
	})
}

func TestSyslogKeepsMessages(t *testing.T) {
	log := StartSyslog(t)
	if out, err := exec.Command("logger", "-p", "auth.info", "a line for the test").CombinedOutput(); err != nil {
		t.Fatalf("logger: %v %s", err, out)
	}
	log.Wait(t, "a line for the test", 5e9)
}
