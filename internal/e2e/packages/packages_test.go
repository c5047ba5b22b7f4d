package packages

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"dpki/internal/harness"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki-sandbox") }

// forget removes the accounts that the harness gives to every test: here the package must make them.
func forget(t *testing.T) {
	t.Helper()
	for _, path := range []string{"/etc/passwd", "/etc/group", "/etc/shadow"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var kept strings.Builder
		for line := range strings.Lines(string(text)) {
			if !strings.HasPrefix(line, "dpki-") {
				kept.WriteString(line)
			}
		}
		if err := os.WriteFile(path, []byte(kept.String()), 0o640); err != nil {
			t.Fatal(err)
		}
		if path != "/etc/shadow" {
			os.Chmod(path, 0o644)
		}
	}
	if _, err := user.Lookup("dpki-authkeys"); err == nil {
		t.Fatal("dpki-authkeys exists before the installation")
	}
}

func built(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(harness.RepoRoot(), "build/packages", pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %d found, want 1; make packages builds them", pattern, len(found))
	}
	return found[0]
}

func command(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// stacks are PAM's service files.
func stacks(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", "cd /etc/pam.d && ls -l --time-style=+ && sha256sum *").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// newestGlibc is the release, 2.17, that nfpm.yaml says the module needs at most.
const newestGlibc = 17

// checkModule looks at what sshd is to load: the hooks, and no symbol that an older C library lacks.
func checkModule(t *testing.T, path string) {
	t.Helper()
	fi, err := os.Lstat(path)
	if err != nil || fi.Mode() != 0o644 || fi.Sys().(*syscall.Stat_t).Uid != 0 {
		t.Fatalf("%s: %+v, %v; want root's, 0644", path, fi, err)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	defined, err := f.DynamicSymbols()
	if err != nil {
		t.Fatal(err)
	}
	var hooks []string
	for _, s := range defined {
		if strings.HasPrefix(s.Name, "pam_sm_") && s.Section != elf.SHN_UNDEF {
			hooks = append(hooks, s.Name)
		}
		var minor int
		if n, _ := fmt.Sscanf(s.Version, "GLIBC_2.%d", &minor); n == 1 && minor > newestGlibc {
			t.Errorf("%s needs %s of %s", path, s.Name, s.Version)
		}
	}
	slices.Sort(hooks)
	if want := []string{"pam_sm_acct_mgmt", "pam_sm_authenticate", "pam_sm_close_session", "pam_sm_open_session", "pam_sm_setcred"}; !slices.Equal(hooks, want) {
		t.Errorf("%s has the hooks %q, want %q", path, hooks, want)
	}
	libraries, err := f.ImportedLibraries()
	if err != nil || !slices.Equal(libraries, []string{"libpam.so.0", "libc.so.6"}) {
		t.Errorf("%s needs %q, %v", path, libraries, err)
	}
}

// sshdFiles is a digest of all that sshd reads and of what is running: installing must change neither.
func sshdFiles(t *testing.T) string {
	t.Helper()
	h := sha256.New()
	err := filepath.WalkDir("/etc/ssh", func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "%s %v %v\n", path, fi.Mode(), fi.ModTime())
		if fi.Mode().IsRegular() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			h.Write(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// checkInstalled looks at what either package puts on a machine.
func checkInstalled(t *testing.T) {
	t.Helper()
	for path, want := range map[string]os.FileMode{
		"/usr/bin/dpki":                                0o755,
		"/usr/bin/dpki-ssh":                            0o755,
		"/usr/sbin/dpkid":                              0o755,
		"/usr/lib/dpki/dpki-authkeys":                  0o755,
		"/etc/dpki/breakglass.d":                       0o755 | os.ModeDir,
		"/var/lib/dpki":                                0o711 | os.ModeDir,
		"/usr/lib/systemd/system/dpki-mirror.service":  0o644,
		"/usr/lib/systemd/system/dpki-witness.service": 0o644,
		"/usr/lib/systemd/system/dpki-rotate.service":  0o644,
		"/usr/lib/systemd/system/dpki-rotate.timer":    0o644,
		"/usr/lib/systemd/system/dpkid.service":        0o644,
		"/usr/lib/sysusers.d/dpki.conf":                0o644,
		"/usr/lib/tmpfiles.d/dpki.conf":                0o644,
		"/usr/share/man/man8/dpki-authkeys.8.gz":       0o644,
		"/usr/share/man/man1/dpki.1.gz":                0o644,
		"/usr/share/man/man8/dpkid.8.gz":               0o644,
		"/usr/share/bash-completion/completions/dpki":  0o644,
	} {
		fi, err := os.Lstat(path)
		if err != nil {
			t.Error(err)
			continue
		}
		if fi.Mode() != want {
			t.Errorf("%s has mode %v, want %v", path, fi.Mode(), want)
		}
		if st := fi.Sys().(*syscall.Stat_t); st.Uid != 0 || st.Gid != 0 {
			t.Errorf("%s belongs to %d:%d, want root", path, st.Uid, st.Gid)
		}
	}
	// sshd's own rule (OpenSSH misc.c, safe_path): root owns every folder above the helper and nobody else may write.
	for dir := "/usr/lib/dpki"; dir != "/"; dir = filepath.Dir(dir) {
		fi, err := os.Stat(dir)
		if err != nil {
			t.Fatal(err)
		}
		if fi.Sys().(*syscall.Stat_t).Uid != 0 || fi.Mode().Perm()&0o022 != 0 {
			t.Errorf("sshd would refuse the helper: %s is %v", dir, fi.Mode())
		}
	}
	for _, name := range []string{"dpki-authkeys", "dpki-fetch", "dpki-rotate"} {
		u, err := user.Lookup(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if groups, err := u.GroupIds(); err != nil || len(groups) != 1 || u.Uid == "0" || groups[0] == "0" {
			t.Errorf("%s: uid %s, groups %v, %v; want one group of its own", name, u.Uid, groups, err)
		}
		text, err := os.ReadFile("/etc/passwd")
		if err != nil || !strings.Contains(string(text), name+":x:"+u.Uid+":"+u.Gid+":") || !strings.Contains(string(text), "nologin") {
			t.Errorf("%s can log in, or has no entry: %v", name, err)
		}
	}
	for _, p := range []string{"/usr/bin/dpki", "/usr/sbin/dpkid", "/usr/lib/dpki/dpki-authkeys"} {
		if text, err := os.ReadFile(p); err != nil || !bytes.HasPrefix(text, []byte("\x7fELF")) {
			t.Errorf("%s is not a program: %v", p, err)
		} else if bytes.Contains(text, []byte("ld-linux")) {
			t.Errorf("%s is not static", p)
		}
	}
}

// enabled is what systemd says of a unit, without one that runs.
func enabled(unit string) string {
	out, _ := exec.Command("systemctl", "--root=/", "is-enabled", unit).Output()
	return strings.TrimSpace(string(out))
}

// checkUnits: systemd understands each unit, and only the device's own was enabled.
func checkUnits(t *testing.T) {
	t.Helper()
	for unit, want := range map[string]string{"dpkid.service": "enabled", "dpki-mirror.service": "disabled", "dpki-witness.service": "disabled", "dpki-rotate.timer": "disabled", "dpki-rotate.service": "static"} {
		if got := enabled(unit); got != want {
			t.Errorf("%s is %q, want %q", unit, got, want)
		}
		path := "/usr/lib/systemd/system/" + unit
		if out, err := exec.Command("systemd-analyze", "--man=no", "verify", path).CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("systemd-analyze verify %s: %v\n%s", unit, err, out)
		}
		// The twin: what systemd does not understand is said.
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		broken := filepath.Join(t.TempDir(), unit)
		if err := os.WriteFile(broken, bytes.Replace(text, []byte("[Unit]\n"), []byte("[Unit]\nSometimes=yes\n"), 1), 0o644); err != nil {
			t.Fatal(err)
		}
		if out, _ := exec.Command("systemd-analyze", "--man=no", "verify", broken).CombinedOutput(); !bytes.Contains(out, []byte("Sometimes")) {
			t.Errorf("a broken %s passes: %s", unit, out)
		}
	}
}

// TestRemovalDisablesWhatWasEnabled: a mirror or witness that somebody enabled goes with its program.
func TestRemovalDisablesWhatWasEnabled(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Dpkg, harness.Systemd)
	t.Cleanup(func() { command(t, "dpkg", "-P", "--force-all", "dpki") })
	command(t, "dpkg", "-i", built(t, "*.deb"))
	command(t, "systemctl", "--root=/", "enable", "dpki-mirror.service", "dpki-witness.service", "dpki-rotate.timer")
	command(t, "dpkg", "-i", built(t, "*.deb"))
	wanted := func(unit string) error {
		target := "multi-user.target"
		if strings.HasSuffix(unit, ".timer") {
			target = "timers.target"
		}
		_, err := os.Lstat("/etc/systemd/system/" + target + ".wants/" + unit)
		return err
	}
	for _, unit := range []string{"dpki-mirror.service", "dpki-witness.service", "dpki-rotate.timer"} {
		if err := wanted(unit); err != nil || enabled(unit) != "enabled" {
			t.Errorf("an upgrade disabled %s: %v", unit, err)
		}
	}
	command(t, "dpkg", "-r", "dpki")
	for _, unit := range []string{"dpki-mirror.service", "dpki-witness.service", "dpki-rotate.timer"} {
		if wanted(unit) == nil {
			t.Errorf("%s is still wanted, and gone", unit)
		}
	}
}

// TestUpgradeRestartsWhatRuns: a mirror or witness that runs goes on as the new
// version. No systemd runs here: what it is asked is written down.
func TestUpgradeRestartsWhatRuns(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Dpkg)
	t.Cleanup(func() { command(t, "dpkg", "-P", "--force-all", "dpki") })
	command(t, "dpkg", "-i", built(t, "*.deb"))
	dir := harness.RootDir(t)
	asked := filepath.Join(dir, "asked")
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), fmt.Appendf(nil, "#!/bin/sh\necho \"$*\" >>%s\n", asked), 0o755); err != nil {
		t.Fatal(err)
	}
	const running = "/run/systemd/system" // sd_booted(3)
	if err := os.MkdirAll(running, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(running) })
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	command(t, "dpkg", "-i", built(t, "*.deb"))
	text, err := os.ReadFile(asked)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	reload := slices.Index(lines, "daemon-reload")
	restart := slices.Index(lines, "try-restart dpki-mirror.service dpki-witness.service")
	if reload < 0 || restart < reload || !slices.Contains(lines, "restart dpkid.service") {
		t.Errorf("systemd was asked\n%s", text)
	}
}

func TestDebInstallsUpgradesAndRemoves(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Dpkg, harness.Systemd)
	deb := built(t, "*.deb")
	forget(t)
	before := sshdFiles(t)

	command(t, "dpkg", "-i", deb)
	checkInstalled(t)
	checkModule(t, module(t))
	checkUnits(t)
	if after := sshdFiles(t); after != before {
		t.Error("installing changed something in /etc/ssh")
	}

	identity := "/var/lib/dpki/identity"
	if err := os.WriteFile(identity, []byte("kept"), 0o600); err != nil {
		t.Fatal(err)
	}
	command(t, "dpkg", "-i", deb) // as an upgrade does
	command(t, "dpkg", "-r", "dpki")
	if _, err := os.Stat("/usr/lib/dpki/dpki-authkeys"); err == nil {
		t.Error("the helper survived the removal")
	}
	if text, err := os.ReadFile(identity); err != nil || string(text) != "kept" {
		t.Errorf("removal touched the identity: %q, %v", text, err)
	}
	if after := sshdFiles(t); after != before {
		t.Error("removing changed something in /etc/ssh")
	}

	command(t, "dpkg", "-P", "dpki")
	for _, dir := range []string{"/var/lib/dpki", "/etc/dpki"} {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s survived the purge", dir)
		}
	}
}

// With the drop-in or PAM's lines in place, removal must first take them back; when that fails, the package with its helper and its
// module must stay.
func TestDebRemovalNeverStrandsSshd(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Dpkg)
	t.Cleanup(func() { command(t, "dpkg", "-P", "--force-all", "dpki") })
	for _, left := range []string{"/etc/ssh/sshd_config.d/00-dpki.conf", "/etc/pam.d/dpki-test"} {
		command(t, "dpkg", "-i", built(t, "*.deb"))
		if err := os.MkdirAll(filepath.Dir(left), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(left, []byte("# dpki: begin. Stands for what set-up has written.\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Remove(left) })

		replace(t, "/usr/sbin/dpkid", "#!/bin/sh\nexit 1\n")
		if err := exec.Command("dpkg", "-r", "dpki").Run(); err == nil {
			t.Errorf("dpkg removed the package although %s could not be taken back", left)
		}
		for _, file := range []string{"/usr/lib/dpki/dpki-authkeys", module(t)} {
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s is gone and still asked: %v", file, err)
			}
		}

		replace(t, "/usr/sbin/dpkid", "#!/bin/sh\n[ \"$*\" = \"setup --undo --reload\" ] && rm "+left+"\n")
		command(t, "dpkg", "-r", "dpki")
		for _, gone := range []string{left, "/usr/lib/dpki/dpki-authkeys", module(t)} {
			if _, err := os.Stat(gone); err == nil {
				t.Errorf("%s survived the removal", gone)
			}
		}
	}
}

// module is where PAM looks for it: beside its own.
func module(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/*/security/pam_unix.so")
	if err != nil || len(found) != 1 {
		t.Fatalf("PAM's modules: %q, %v", found, err)
	}
	return filepath.Join(filepath.Dir(found[0]), "pam_dpki.so")
}

func TestRpmInstallsAndRemoves(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Rpm, harness.Systemd)
	rpm := built(t, "*.rpm")
	forget(t)
	before := sshdFiles(t)
	if debian, err := exec.LookPath("deb-systemd-helper"); err == nil {
		// A machine of rpm's has none, and scripts look for it.
		if err := os.Rename(debian, debian+".away"); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.Rename(debian+".away", debian) })
	}
	// The machine's package manager is dpkg: rpm's own database knows nothing of /bin/sh.
	command(t, "rpm", "-i", "--nodeps", rpm)
	checkInstalled(t)
	checkModule(t, "/usr/lib64/security/pam_dpki.so")
	checkUnits(t)
	command(t, "rpm", "-e", "dpki")
	if _, err := os.Stat("/usr/lib/dpki/dpki-authkeys"); err == nil {
		t.Error("the helper survived the removal")
	}
	if after := sshdFiles(t); after != before {
		t.Error("the package changed something in /etc/ssh")
	}
}

// blocked is an input that never ends.
func blocked(t *testing.T) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r
}

func replace(t *testing.T, path, text string) {
	t.Helper()
	os.Remove(path)
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}
