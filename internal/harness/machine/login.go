package machine

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"dpki/authkeys"
	"dpki/device"
	"dpki/device/answer"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/sshd"
	"dpki/internal/harness/sshkey"

	"golang.org/x/crypto/ssh"
)

// Client writes key and certificate to files, as a user has them.
func (m *Machine) Client(user string, key fleet.Key, cert *ssh.Certificate) sshd.Client {
	m.Helper()
	c := sshd.Client{User: user, Key: filepath.Join(m.TempDir(), "id")}
	key.Save(m, c.Key)
	if cert != nil {
		c.Certificate = sshkey.SaveCertificate(m, c.Key, cert)
	}
	return c
}

// Login logs in by the real ssh. A nil certificate offers the key alone.
func (m *Machine) Login(user string, key fleet.Key, cert *ssh.Certificate) sshd.Result {
	m.Helper()
	return m.Sshd.Login(m, m.Client(user, key, cert), "id", "-un")
}

// Accepted asserts that a login succeeds, as the account that was asked for. A
// failure shows both sides.
func (m *Machine) Accepted(when, user string, key fleet.Key, cert *ssh.Certificate) {
	m.Helper()
	before := len(m.Sshd.Output())
	c := m.Client(user, key, cert)
	c.Options = []string{"LogLevel=DEBUG1"}
	var got sshd.Result
	m.InTime(when, func() bool {
		got = m.Sshd.Login(m, c, "id", "-un")
		return got.Code == 0
	})
	if got.Code != 0 || got.Stdout != user+"\n" {
		m.Errorf("%s: %s does not get in: exit %d, %q\nssh: %s\nsshd: %s\naudit: %+v",
			when, user, got.Code, got.Stdout, got.Stderr, m.Sshd.Output()[before:], m.Audit())
	}
}

// Stays starts an ssh whose session goes on, by the arguments that a server gives,
// and waits until it has said a word.
func (m *Machine) Stays(args []string, word string) *harness.Proc {
	m.Helper()
	var live *harness.Proc
	var err error
	m.InTime("a session", func() bool {
		live = harness.Start(m, harness.Command{Path: "/usr/bin/ssh", Args: args})
		err = live.Await(word, harness.Patience)
		return err == nil
	})
	if err != nil {
		m.Fatalf("no session: %v: %s", err, live.Output())
	}
	return live
}

// InTime tries a login that must be let in at once. The device looks at the chain
// for it no longer than device.RefreshBudget, and the helper waits no longer for
// the device than 2 s: a refusal that took as long as that says that this machine
// is slow, and is tried again. One that came sooner counts.
func (m *Machine) InTime(when string, try func() bool) {
	m.Helper()
	for last := time.Now().Add(harness.Patience); ; {
		began := time.Now()
		if try() {
			return
		}
		took := time.Since(began)
		if took < device.RefreshBudget || began.After(last) {
			return
		}
		m.Logf("%s: refused after %v, more than the device waits for the chain: once more", when, took.Round(time.Millisecond))
	}
}

// Refused asserts that ssh is not let in. Why, the caller asks the audit.
func (m *Machine) Refused(when, user string, key fleet.Key, cert *ssh.Certificate) {
	m.Helper()
	if got := m.Login(user, key, cert); got.Code != 255 {
		m.Errorf("%s: login as %s: %+v, want it refused", when, user, got)
	}
}

// Denied asserts that exactly this certificate is refused, and for what. Without a
// line in the audit the helper gave up on a slow machine, and not the daemon said
// no: that is tried again.
func (m *Machine) Denied(when, user string, key fleet.Key, cert *ssh.Certificate, why authkeys.Reason) {
	m.Helper()
	before := len(m.Audit())
	harness.Eventually(m, harness.Patience, func() error {
		if err := m.Present(user, key, cert); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
			m.Errorf("%s: %s got in, or something else: %v", when, user, err)
		} else if len(m.Audit()) == before {
			return fmt.Errorf("%s: no line in the audit", when)
		}
		return nil
	})
	if r := m.LastAudit(); r.Allow || r.Reason != why.String() {
		m.Errorf("%s: the audit says %v, want %q", when, r, why)
	}
}

// Present logs in by exactly this certificate, with a client that does not look
// at it. OpenSSH's keeps to itself what it knows that no server takes.
func (m *Machine) Present(user string, key fleet.Key, cert *ssh.Certificate) error {
	m.Helper()
	signer, err := ssh.NewCertSigner(cert, key)
	m.Must(err)
	return m.PresentSigner(user, signer)
}

// PresentSigner logs in by whatever a signer calls its public key.
func (m *Machine) PresentSigner(user string, signer ssh.Signer) error {
	m.Helper()
	conn, err := ssh.Dial("tcp", m.Sshd.Addr(), &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(m.Sshd.Host), Timeout: 20 * time.Second,
	})
	if err == nil {
		conn.Close()
	}
	return err
}

// Ask runs the helper as sshd does, without an sshd: the line, or "" for a denial.
func (m *Machine) Ask(user string, key ssh.PublicKey) string {
	m.Helper()
	f := strings.Fields(string(ssh.MarshalAuthorizedKey(key)))
	cmd := exec.Command(harness.Bin(m, "dpki-authkeys"), user, f[0], f[1])
	cmd.Env, cmd.Dir = []string{"PATH=/usr/bin:/bin"}, "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: HelperUser, Gid: HelperUser}}
	out, err := cmd.Output()
	m.Must(err)
	return string(out)
}

// AuditText are the daemon's audit lines so far, each of them whole: the daemon
// may be writing the next one.
func (m *Machine) AuditText() []byte {
	m.Helper()
	text, err := os.ReadFile(AuditFile)
	m.Must(err)
	return text[:bytes.LastIndexByte(text, '\n')+1]
}

// Audit are the daemon's audit lines so far about what sshd was answered. Others
// may stand between them: of a session, or what is left of one that was killed.
func (m *Machine) Audit() (records []answer.Record) {
	m.Helper()
	for line := range bytes.Lines(m.AuditText()) {
		var kind struct{ Event string }
		m.Must(json.Unmarshal(line, &kind))
		if kind.Event != "authkeys" {
			continue
		}
		var r answer.Record
		m.Must(json.Unmarshal(line, &r))
		records = append(records, r)
	}
	return records
}

// LastAudit is the last line, which the caller has caused.
func (m *Machine) LastAudit() answer.Record {
	m.Helper()
	all := m.Audit()
	if len(all) == 0 {
		m.Fatal("no audit line")
	}
	return all[len(all)-1]
}
