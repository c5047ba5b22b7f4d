package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/sshd"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// Helper is the AuthorizedKeysCommand.
const Helper = "/usr/lib/dpki/dpki-authkeys %u %t %k"

// HelperUser is the uid of dpki-authkeys in the namespace.
const HelperUser = 6004

// Machine is an enrolled device.
type Machine struct {
	testing.TB
	Org    *fleet.Org
	Daemon *harness.Proc
	Sshd   *sshd.Server
	ID     state.Word // its mailbox
	Asked  *bundle.Request
	Mined  time.Time // when the block with its enrolment was seen
}

// Options differ between tests. The zero value is a device as the package leaves it.
type Options struct {
	Sshd sshd.Config // beside the helper
	Conf string      // further lines of dpkid.toml
	// Prepare, unless nil, happens before anything is installed.
	Prepare func(*Machine)
	// Before, unless nil, happens while the daemon runs and nobody has enrolled it.
	Before func(*Machine)
}

// New enrols this machine as gate-7, in place of what an earlier test left.
func New(t testing.TB, org *fleet.Org, o Options) *Machine {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	m := &Machine{TB: t, Org: org}
	m.forget()
	t.Cleanup(m.forget)
	if o.Prepare != nil {
		o.Prepare(m)
	}
	o.Sshd.Command = Helper
	m.Sshd = sshd.Start(t, o.Sshd)
	m.Asked = m.enroll()
	m.addConf(o.Conf)
	m.Run()
	if o.Before != nil {
		o.Before(m)
	}
	m.ID = org.Enrol(m.Asked)
	m.Mined = time.Now()
	m.Eventually("enrolment", 30*time.Second, func(s device.Status) bool { return s.Enrolled })
	return m
}

func (m *Machine) forget() {
	for _, p := range []string{"/etc/dpki", "/var/lib/dpki", "/run/dpki", AuditFile} {
		m.Must(os.RemoveAll(p))
	}
}

func (m *Machine) enroll() *bundle.Request {
	m.Helper()
	dir := m.TempDir()
	net, err := m.Org.Network.Marshal()
	m.Must(err)
	m.Must(os.WriteFile(filepath.Join(dir, "network.toml"), net, 0o600))
	m.Must(os.WriteFile(filepath.Join(dir, "host.pub"), ssh.MarshalAuthorizedKey(m.Sshd.Host), 0o600))
	out := filepath.Join(dir, "request.json")
	m.Dpkid(0, "enroll", m.Org.Anchor.String(), "--name", "gate-7", "--host-key", filepath.Join(dir, "host.pub"),
		"--network", filepath.Join(dir, "network.toml"), "--out", out)
	text, err := os.ReadFile(out)
	m.Must(err)
	request, err := bundle.ParseRequest(text)
	m.Must(err)
	return request
}

// AuditFile is where the daemon writes its audit lines.
const AuditFile = "/run/dpki-audit.json"

func (m *Machine) addConf(lines string) {
	m.Helper()
	const path = "/etc/dpki/dpkid.toml"
	text, err := os.ReadFile(path)
	m.Must(err)
	m.Must(os.WriteFile(path, fmt.Appendf(text, "\naudit_file = %q\n%s\n", AuditFile, lines), 0o600))
}

// Run starts the daemon and waits until it answers.
func (m *Machine) Run() {
	m.Helper()
	m.Daemon = harness.Start(m, harness.Command{
		Path: harness.Bin(m, "dpkid"), Args: []string{"run", "--verbose"},
		Ready: func(context.Context, *harness.Proc) error { _, err := m.Status(); return err },
	})
}

// Dpkid runs a command of dpkid and checks its exit status.
func (m *Machine) Dpkid(want int, args ...string) string {
	m.Helper()
	cmd := exec.Command(harness.Bin(m, "dpkid"), args...)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != want {
		m.Fatalf("dpkid %v: exit %d, want %d\n%s", args, got, want, out)
	}
	return string(out)
}

// Status asks the daemon, over the control socket as an administrator does.
func (m *Machine) Status() (s device.Status, err error) {
	out, err := exec.Command(harness.Bin(m, "dpkid"), "status", "--json").Output()
	if len(out) == 0 {
		return s, fmt.Errorf("no status: %v", err)
	}
	return s, json.Unmarshal(out, &s)
}

// Eventually waits until the status is as it should be.
func (m *Machine) Eventually(what string, within time.Duration, ok func(device.Status) bool) device.Status {
	m.Helper()
	var s device.Status
	harness.Eventually(m, within, func() (err error) {
		if s, err = m.Status(); err == nil && !ok(s) {
			err = fmt.Errorf("%s: %+v", what, s)
		}
		return err
	})
	return s
}

// Must ends the test on an error.
func (m *Machine) Must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}
