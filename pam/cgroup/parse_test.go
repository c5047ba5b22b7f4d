package cgroup

import (
	"errors"
	"os"
	"strings"
	"testing"

	"dpki/pam/proc"
)

func TestFindMount(t *testing.T) {
	const hybrid = `24 1 0:22 / /sys rw,nosuid shared:7 - sysfs sysfs rw
30 24 0:26 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs ro,mode=755
31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid shared:10 - cgroup2 cgroup2 rw,nsdelegate
32 30 0:28 / /sys/fs/cgroup/systemd rw,nosuid shared:11 - cgroup cgroup rw,name=systemd
`
	for _, c := range []struct {
		name, text string
		want       mountPoint
		ok         bool
	}{
		{"hybrid", hybrid, mountPoint{"/sys/fs/cgroup/unified", "/"}, true},
		{"unified", "31 30 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", mountPoint{"/sys/fs/cgroup", "/"}, true},
		{"container", "31 30 0:27 /docker/1 /sys/fs/cgroup rw - cgroup2 cgroup rw\n", mountPoint{"/sys/fs/cgroup", "/docker/1"}, true},
		{"space", `31 30 0:27 / /mnt/a\040b rw - cgroup2 cgroup2 rw`, mountPoint{"/mnt/a b", "/"}, true},
		{"version 1 only", "32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup2 rw\n", mountPoint{}, false},
		{"outside", "31 30 0:27 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", mountPoint{}, false},
		{"empty", "", mountPoint{}, false},
	} {
		if got, ok := findMount(c.text); got != c.want || ok != c.ok {
			t.Errorf("%s: %+v, %v; want %+v, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestUnifiedPath(t *testing.T) {
	for text, want := range map[string]string{
		"0::/\n": "/",
		"9:name=systemd:/x\n0::/user.slice/user-0.slice/session-1.scope\n": "/user.slice/user-0.slice/session-1.scope",
		"1:cpu:/\n":                "",
		"0::/../x\n":               "",
		"0::x\n":                   "",
		"0::/x/..\n":               "",
		"0::/dpki/1-2 (deleted)\n": "",
	} {
		if got, ok := unifiedPath(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

// The names that may be killed, and those that must never be.
func TestScopeNames(t *testing.T) {
	for path, want := range map[string]bool{
		"/user.slice/user-1000.slice/session-3.scope":               true,
		"/user.slice/user-0.slice/session-c12.scope":                true,
		"/machine.slice/c1/user.slice/user-0.slice/session-1.scope": true,
		"/user.slice/user-1000.slice":                               false,
		"/user.slice/user-1000.slice/user@1000.service":             false,
		"/user.slice/user-1000.slice/session-3.scope/x":             false,
		"/system.slice/ssh.service":                                 false,
		"/system.slice/session-3.scope":                             false,
		"/":                                                         false,
		"":                                                          false,
		"/user.slice/user-1000.slice/session-.scope":                false,
		"/user.slice/user-1000.slice/session-3.scope\n":             false,
	} {
		if got := isScope(path); got != want {
			t.Errorf("%q: %v, want %v", path, got, want)
		}
	}
}

func TestKillRefusesWhatIsNeitherScopeNorOurs(t *testing.T) {
	tree := &Tree{mount: mountPoint{t.TempDir(), "/"}, own: "dpki"}
	for _, path := range []string{"", "/", "/dpki", "/dpki/x", "/dpki/1-2/3", "/dpki/1-2/../..", "/other/1-2", "/system.slice/ssh.service"} {
		if err := tree.Kill(Group{Path: path, Inode: 1}, 0); err == nil || !strings.Contains(err.Error(), ErrNotOurs.Error()) {
			t.Errorf("%q: %v, want ErrNotOurs", path, err)
		}
	}
	// The twin: a name of ours passes that check, and is found to be gone.
	if err := tree.Kill(Group{Path: "/dpki/1-2", Inode: 1}, 0); err != nil {
		t.Errorf("a group of ours that is gone: %v", err)
	}
}

func TestProcess1AndTheDaemonGetNoGroup(t *testing.T) {
	tree := &Tree{mount: mountPoint{t.TempDir(), "/"}, own: "dpki"}
	for _, pid := range []int32{-1, 0, 1, int32(os.Getpid())} {
		if _, err := tree.Make(proc.Process{PID: pid}); !errors.Is(err, ErrVital) {
			t.Errorf("process %d: %v, want ErrVital", pid, err)
		}
	}
}

func TestFolderStaysInsideTheMount(t *testing.T) {
	tree := &Tree{mount: mountPoint{"/cg", "/docker/1"}, own: "dpki"}
	for path, want := range map[string]string{
		"/docker/1":          "/cg",
		"/docker/1/a":        "/cg/a",
		"/docker/12/a":       "",
		"/system.slice":      "",
		"/docker/1/../../..": "",
	} {
		if got := tree.folder(path); got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
	if got, want := tree.path(ownName(proc.Process{PID: 7, Start: 9})), "/docker/1/dpki/7-9"; got != want {
		t.Errorf("own group %q, want %q", got, want)
	}
}

func FuzzFindMount(f *testing.F) {
	f.Add("31 30 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
	f.Add("31 30 0:27 /a/../b /c rw - cgroup2 x y\n - cgroup2 - cgroup2")
	f.Fuzz(func(t *testing.T, text string) {
		m, ok := findMount(text)
		if ok != strings.HasPrefix(m.point, "/") || ok != strings.HasPrefix(m.root, "/") {
			t.Errorf("%+v, %v", m, ok)
		}
	})
}

func FuzzUnifiedPath(f *testing.F) {
	f.Add("9:name=systemd:/x\n0::/a\n")
	f.Add("0::/../..")
	f.Fuzz(func(t *testing.T, text string) {
		if path, ok := unifiedPath(text); ok && (!strings.HasPrefix(path, "/") || strings.Contains(path+"/", "/../")) {
			t.Errorf("%q accepted", path)
		}
	})
}
