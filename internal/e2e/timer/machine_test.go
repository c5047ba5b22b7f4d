package timer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
)

// machine is the device, and where the timer is: one with the package installed. Its units are systemd's or run by hand.
type machine struct {
	t      *testing.T
	output bytes.Buffer // of renewals that were run by hand
}

// start installs the package and starts sshd.
func start(t *testing.T) *machine {
	t.Helper()
	debs, err := filepath.Glob(filepath.Join(harness.RepoRoot(), "build/packages/*.deb"))
	if err != nil || len(debs) != 1 {
		t.Fatalf("%q: want one; make packages builds it", debs)
	}
	if *underSystemd { // where harness.Main furnished nothing
		run(t, "install", "-D", filepath.Join(harness.RepoRoot(), "build/bin/dpki-sandbox"), harness.Bin(t, "dpki-sandbox"))
	}
	t.Cleanup(func() { run(t, "dpkg", "-P", "--force-all", "dpki") })
	run(t, "dpkg", "-i", debs[0])
	run(t, "ssh-keygen", "-A")
	if *underSystemd {
		run(t, "systemctl", "start", "ssh.service")
	} else {
		harness.Start(t, harness.Command{Path: "/usr/sbin/sshd", Args: []string{"-D", "-e"}})
	}
	harness.Eventually(t, 20*time.Second, func() error {
		out, err := exec.Command("ssh-keyscan", "-t", "ed25519", "127.0.0.1").Output()
		if len(out) == 0 {
			return fmt.Errorf("sshd shows no key: %v", err)
		}
		return nil
	})
	return &machine{t: t}
}

// enrol makes this machine gate-7 and starts its daemon.
func (m *machine) enrol(d *desk.Desk) {
	d.Helper()
	request := filepath.Join(d.Dir, "gate-7.request")
	d.Run(0, "/root", "/usr/sbin/dpkid", "enroll", d.Anchor.String(), "--name", "gate-7", "--network", d.Network, "--out", request)
	d.Dpki(0, "device", "add", request, "--yes")
	if *underSystemd {
		run(m.t, "systemctl", "start", "dpkid.service")
	} else {
		harness.Start(m.t, harness.Command{Path: "/usr/sbin/dpkid", Args: []string{"run"}})
	}
	harness.Eventually(m.t, time.Minute, func() error {
		got := d.Run(-1, "/root", "/usr/sbin/dpkid", "status")
		if got.Code != 0 {
			return fmt.Errorf("dpkid: %s%s", got.Stdout, got.Stderr)
		}
		return nil
	})
}

// startTimer has it elapse every few seconds instead of once a day. By hand nothing is to be started.
func (m *machine) startTimer(t *testing.T) {
	t.Helper()
	if !*underSystemd {
		return
	}
	const dir = "/etc/systemd/system/dpki-rotate.timer.d"
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	often := "[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nAccuracySec=100ms\nRandomizedDelaySec=0\n"
	if err := os.WriteFile(filepath.Join(dir, "often.conf"), []byte(often), 0o644); err != nil {
		t.Fatal(err)
	}
	run(t, "systemctl", "daemon-reload")
	run(t, "systemctl", "enable", "--now", "dpki-rotate.timer")
	t.Cleanup(func() { run(t, "systemctl", "stop", "dpki-rotate.timer", "dpki-rotate.service") })
}

// tick is nil once a renewal has ended as it should.
func (m *machine) tick(well bool) error {
	if !*underSystemd {
		if err := m.byHand(); (err == nil) != well {
			return fmt.Errorf("the renewal ended with %v\n%s", err, m.output.String())
		}
		return nil
	}
	out, err := exec.Command("systemctl", "show", "-p", "ActiveState", "-p", "Result", "-p", "ExecMainStatus", "-p", "ExecMainExitTimestampMonotonic", "dpki-rotate.service").Output()
	if err != nil {
		return err
	}
	has := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		has[name] = value
	}
	ended := has["ExecMainExitTimestampMonotonic"] != "0" && has["ActiveState"] != "activating"
	result := has["Result"] + " " + has["ExecMainStatus"]
	if want := map[bool]string{true: "success 0", false: "exit-code 1"}[well]; !ended || result != want {
		return fmt.Errorf("the renewal is %v, want %q\n%s", has, want, m.said(m.t))
	}
	return nil
}

// said is what the renewals printed.
func (m *machine) said(t *testing.T) string {
	t.Helper()
	if !*underSystemd {
		return m.output.String()
	}
	return run(t, "journalctl", "--no-pager", "-o", "cat", "-u", "dpki-rotate.service")
}

// says waits until the renewals have printed something: the journal writes when it likes.
func (m *machine) says(t *testing.T, words string) {
	t.Helper()
	harness.Eventually(t, time.Minute, func() error {
		if said := m.said(t); !strings.Contains(said, words) {
			return fmt.Errorf("no %q in\n%s", words, said)
		}
		return nil
	})
}

// byHand runs what the unit says, as the user that it names.
func (m *machine) byHand() error {
	text, err := os.ReadFile("/usr/lib/systemd/system/dpki-rotate.service")
	if err != nil {
		return err
	}
	unit := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			unit[name] = value
		}
	}
	u, err := user.Lookup(unit["User"])
	if err != nil {
		return err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return err
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return err
	}
	path, ok := strings.CutPrefix(unit["StandardInput"], "file:")
	if !ok {
		return errors.New("the unit gives no passphrases")
	}
	secrets, err := os.Open(path)
	if err != nil {
		return err
	}
	defer secrets.Close()
	argv := strings.Fields(unit["ExecStart"])
	ctx, cancel := context.WithTimeout(m.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = []string{"PATH=/usr/bin:/bin"}, "/"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = secrets, &m.output, &m.output
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	return cmd.Run()
}
