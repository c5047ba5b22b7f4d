package login

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/devchain"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/sshd"
	"dpki/pam/proc"
	"dpki/sshca/profile"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys") }

// chainOptions: blocks that follow real time, as those of real chains do.
var chainOptions = devchain.Options{BlockTime: time.Second}

const helper = "/usr/lib/dpki/dpki-authkeys %u %t %k"

// machine is a device with an organisation around it.
type machine struct {
	*testing.T
	org    *fleet.Org
	daemon *harness.Proc
	sshd   *sshd.Server
	id     state.Word // its mailbox
}

// newMachine enrols this namespace's machine as gate-7.
func newMachine(t *testing.T) *machine {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh, harness.SshKeygen)
	return newMachineIn(t, fleet.New(t, chainOptions))
}

func newMachineIn(t *testing.T, org *fleet.Org) *machine {
	t.Helper()
	m := &machine{T: t, org: org}
	m.forget()
	t.Cleanup(m.forget)
	m.sshd = sshd.Start(t, sshd.Config{Command: helper})

	dir := t.TempDir()
	net, err := m.org.Network.Marshal()
	m.must(err)
	m.must(os.WriteFile(filepath.Join(dir, "network.toml"), net, 0o600))
	m.must(os.WriteFile(filepath.Join(dir, "host.pub"), ssh.MarshalAuthorizedKey(m.sshd.Host), 0o600))
	out := filepath.Join(dir, "request.json")
	// The argument stands before the flags.
	m.dpkid(0, "enroll", m.org.Anchor.String(), "--name", "gate-7", "--host-key", filepath.Join(dir, "host.pub"),
		"--network", filepath.Join(dir, "network.toml"), "--out", out)
	text, err := os.ReadFile(out)
	m.must(err)
	request, err := bundle.ParseRequest(text)
	m.must(err)
	m.run()
	m.id = m.org.Enrol(request)
	m.eventually("enrolment", func(s device.Status) bool { return s.Enrolled })
	return m
}

// forget removes what an earlier test left on this machine.
func (m *machine) forget() {
	for _, p := range []string{"/etc/dpki", "/var/lib/dpki", "/run/dpki"} {
		m.must(os.RemoveAll(p))
	}
}

// run starts the daemon and waits until it answers.
func (m *machine) run() {
	m.Helper()
	m.daemon = harness.Start(m, harness.Command{
		Path: harness.Bin(m, "dpkid"), Args: []string{"run", "--verbose"},
		Ready: func(context.Context, *harness.Proc) error { _, err := m.status(); return err },
	})
}

// dpkid runs the command and checks its exit status.
func (m *machine) dpkid(want int, args ...string) string {
	m.Helper()
	cmd := exec.Command(harness.Bin(m, "dpkid"), args...)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != want {
		m.Fatalf("dpkid %v: exit %d, want %d\n%s", args, got, want, out)
	}
	return string(out)
}

func (m *machine) status() (s device.Status, err error) {
	out, err := exec.Command(harness.Bin(m, "dpkid"), "status", "--json").Output()
	if len(out) == 0 {
		return s, fmt.Errorf("no status: %v", err)
	}
	return s, json.Unmarshal(out, &s)
}

func (m *machine) eventually(what string, ok func(device.Status) bool) {
	m.Helper()
	harness.Eventually(m, 15*time.Second, func() error {
		s, err := m.status()
		if err == nil && !ok(s) {
			err = fmt.Errorf("%s: %+v", what, s)
		}
		return err
	})
}

func (m *machine) must(err error) {
	m.Helper()
	if err != nil {
		m.Fatal(err)
	}
}

// login logs in with a key and, if there is one, its certificate.
func (m *machine) login(user string, key fleet.Key, cert *ssh.Certificate) sshd.Result {
	m.Helper()
	return m.sshd.Login(m, m.client(user, key, cert), "id", "-un")
}

// accepted and refused say what a login has to come to.
func (m *machine) accepted(user string, key fleet.Key, cert *ssh.Certificate) {
	m.Helper()
	if got := m.login(user, key, cert); got.Code != 0 || got.Stdout != user+"\n" {
		m.Errorf("login as %s: %+v, want it accepted", user, got)
	}
}

func (m *machine) refused(user string, key fleet.Key, cert *ssh.Certificate) {
	m.Helper()
	if got := m.login(user, key, cert); got.Code != 255 {
		m.Errorf("login as %s: %+v, want it refused", user, got)
	}
}

// client writes key and certificate to files, as a user has them.
func (m *machine) client(user string, key fleet.Key, cert *ssh.Certificate) sshd.Client {
	m.Helper()
	c := sshd.Client{User: user, Key: filepath.Join(m.TempDir(), "id")}
	m.must(os.WriteFile(c.Key, key.PEM, 0o600))
	m.must(os.WriteFile(c.Key+".pub", ssh.MarshalAuthorizedKey(key.PublicKey()), 0o644))
	if cert != nil {
		c.Certificate = c.Key + "-cert.pub"
		m.must(os.WriteFile(c.Certificate, ssh.MarshalAuthorizedKey(cert), 0o644))
	}
	return c
}

var (
	errStillIn     = errors.New("the login still succeeds")
	errNotReloaded = errors.New("sshd has not read its configuration")
)

func sha256Of(key ssh.PublicKey) state.Word { return profile.Hash(key) }

// fetchPid is the daemon's only child.
func (m *machine) fetchPid() (pid int) {
	m.Helper()
	harness.Eventually(m, 5*time.Second, func() (err error) {
		pid, err = childOf(m.daemon.Pid())
		return err
	})
	return pid
}

func (m *machine) onlyChild(parent int) int {
	m.Helper()
	pid, err := childOf(parent)
	m.must(err)
	return pid
}

func childOf(parent int) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, e := range entries {
		pid, err := strconv.ParseInt(e.Name(), 10, 32)
		if err != nil {
			continue
		}
		if stat, err := proc.ReadStat(int32(pid)); err == nil && stat.Parent == int32(parent) {
			return int(pid), nil
		}
	}
	return 0, fmt.Errorf("process %d has no child", parent)
}
