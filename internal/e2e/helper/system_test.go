package helper

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/sshd"
	"dpki/state"
)

// runAs runs a program as sshd runs the helper: as a user, with these supplementary groups and no others.
func runAs(t *testing.T, uid, gid uint32, groups []uint32, argv ...string) (stdout string, err error) {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = []string{"PATH=/usr/bin:/bin"}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: gid, Groups: groups}}
	var out bytes.Buffer
	cmd.Stdout = &out
	err = cmd.Run()
	return out.String(), err
}

// terminal asks for one and says whether the session has it. A shell reads the question from standard input, as a command
// would be run without a terminal.
func terminal(t *testing.T, s *site, u user, certificate string) string {
	t.Helper()
	args := s.sshd.Args(sshd.Client{User: "alice", Key: u.path, Certificate: certificate}, "test -t 0 && echo a terminal || echo not a terminal")
	cmd := exec.Command("ssh", append([]string{"-tt"}, slices.DeleteFunc(args, func(a string) bool { return a == "-T" })...)...)
	out, _ := cmd.Output() // without a terminal ssh fails; what matters is what the session says
	switch text := string(out); {
	case strings.Contains(text, "not a terminal") || text == "":
		return "not a terminal"
	case strings.Contains(text, "a terminal"):
		return "a terminal"
	default:
		return text
	}
}

var systemCall = regexp.MustCompile(`(?m)^(?:\[pid +\d+\] |\d+ +)?(\w+)\((.*)$`)

// TestOnlyUnixSockets traces the helper in both of its ways. It opens Unix sockets and, with the daemon there, no file but
// what the runtime and the local time need.
func TestOnlyUnixSockets(t *testing.T) {
	harness.Need(t, harness.Strace)
	s := newSite(t)
	stop := s.daemon()
	alice := newUser(t)
	s.grant(alice, "alice's", state.Grant{Account: "alice"})
	key := strings.Fields(readFile(t, alice.path+".pub"))
	installBreakGlass(t, "alice", "# nothing")
	for _, row := range []struct {
		name  string
		files []string // prefixes
	}{
		{"the daemon runs", []string{"/sys/kernel/mm/transparent_hugepage", "/proc/self/", "/sys/fs/cgroup", "/etc/localtime", "/usr/share/zoneinfo", "/usr/lib/locale"}},
		{"break-glass", []string{"/sys/kernel/mm/transparent_hugepage", "/proc/self/", "/sys/fs/cgroup", "/etc/localtime", "/usr/share/zoneinfo", "/"}},
	} {
		if row.name == "break-glass" {
			stop()
		}
		trace := filepath.Join(harness.RootDir(t), "trace")
		if err := os.WriteFile(trace, nil, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(trace, 0o666); err != nil {
			t.Fatal(err)
		}
		if out, err := runAs(t, helperUser, helperUser, nil, "/usr/bin/strace", "-f", "-o", trace, "-e", "trace=%network,%process,open,openat,openat2",
			harness.Bin(t, "dpki-authkeys"), "alice", key[0], key[1]); err != nil || out != "" {
			t.Fatalf("%s: %q, %v", row.name, out, err)
		}
		sockets := 0
		for _, m := range systemCall.FindAllStringSubmatch(readFile(t, trace), -1) {
			switch call, args := m[1], m[2]; call {
			case "socket":
				sockets++
				if !strings.HasPrefix(args, "AF_UNIX,") {
					t.Errorf("%s: socket(%s", row.name, args)
				}
			case "socketpair", "bind", "listen", "accept", "accept4", "fork", "vfork":
				t.Errorf("%s: %s(%s", row.name, call, args)
			case "execve":
				if !strings.Contains(args, "dpki-authkeys") {
					t.Errorf("%s: execve(%s", row.name, args)
				}
			case "open", "openat", "openat2":
				_, path, _ := strings.Cut(args, `"`)
				path, _, _ = strings.Cut(path, `"`)
				if strings.HasPrefix(path, "/") && !slices.ContainsFunc(row.files, func(p string) bool { return strings.HasPrefix(path, p) }) {
					t.Errorf("%s: opened %s", row.name, path)
				}
				if strings.Contains(args, "O_WRONLY") || strings.Contains(args, "O_RDWR") || strings.Contains(args, "O_CREAT") {
					t.Errorf("%s: opened for writing: %s", row.name, args)
				}
			}
		}
		if sockets == 0 {
			t.Errorf("%s: no socket in the trace: it shows nothing", row.name)
		}
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSizeAndStart holds the helper against the design's numbers: at most 3 MB, and at most twice the start of a Go hello; the test
// asserts five times that, the bench reports it.
func TestSizeAndStart(t *testing.T) {
	s := newSite(t)
	s.daemon()
	info, err := os.Stat(harness.Bin(t, "dpki-authkeys"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 3_000_000 {
		t.Errorf("%d bytes", info.Size())
	}
	if text := fileType(t, harness.Bin(t, "dpki-authkeys")); strings.Contains(text, "/ld-linux") {
		t.Error("not static")
	}
	key := strings.Fields(readFile(t, newUser(t).path+".pub"))
	hello := buildHello(t)
	var baseline, helper []time.Duration
	for range 100 {
		baseline = append(baseline, took(t, hello))
		helper = append(helper, took(t, harness.Bin(t, "dpki-authkeys"), "alice", key[0], key[1]))
	}
	slices.Sort(baseline)
	slices.Sort(helper)
	ratio := float64(helper[50]) / float64(baseline[50])
	t.Logf("median of 100: Go hello %v, helper with a denial %v, ratio %.2f, %d bytes", baseline[50], helper[50], ratio, info.Size())
	if ratio > 5*2 {
		t.Errorf("the helper takes %.1f times a Go hello", ratio)
	}
}

// buildHello builds the smallest usual Go program, as the helper is built.
func buildHello(t *testing.T) string {
	t.Helper()
	dir := harness.RootDir(t)
	source := filepath.Join(dir, "hello.go")
	if err := os.WriteFile(source, []byte("package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, "hello"), source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "hello")
}

func took(t *testing.T, argv ...string) time.Duration {
	t.Helper()
	start := time.Now()
	if _, err := runAs(t, helperUser, helperUser, nil, argv...); err != nil {
		t.Fatal(err)
	}
	return time.Since(start)
}

// fileType is the program's interpreter section, if any, in the bytes of its header.
func fileType(t testing.TB, path string) string { return readFile(t, path)[:4096] }
