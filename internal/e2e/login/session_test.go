package login

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"dpki/device"
	"dpki/device/answer"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// withPAM serves the machine's sshd through the module as well: in this
// namespace /etc is the test's own.
func (m rig) withPAM() {
	m.Helper()
	harness.Need(m, harness.Cgroup2)
	harness.InstallModule(m)
	stack := "auth required pam_deny.so\naccount required pam_permit.so\nsession required pam_permit.so\n" +
		"account required pam_dpki.so\nsession required pam_dpki.so\n"
	m.Must(os.WriteFile("/etc/pam.d/sshd", []byte(stack), 0o644))
	m.Sshd = sshd.Start(m, sshd.Config{Command: machine.Helper, Lines: []string{"UsePAM yes"}})
}

// session is an ssh that stays.
type live struct {
	*harness.Proc
	began time.Time
}

func (m rig) stay(user string, key fleet.Key, cert *ssh.Certificate) live {
	m.Helper()
	began := time.Now()
	return live{m.Stays(m.Sshd.Args(m.Client(user, key, cert), "echo in; setsid sleep 600 & sleep 600"), "in"), began}
}

// gone waits for a session's end, and says how long it took.
func (m rig) gone(l live, within time.Duration) time.Duration {
	m.Helper()
	began := time.Now()
	if _, err := l.Wait(within); err != nil {
		m.Errorf("the session goes on: %v", err)
	}
	return time.Since(began)
}

func (m rig) sessions() (all []answer.SessionRecord) {
	m.Helper()
	m.Must(json.Unmarshal([]byte(m.Dpkid(0, "sessions", "--json")), &all))
	return all
}

// A session ends at its grant's end, and at its revocation; another's goes on,
// also over the daemon's death. Nothing of an ended one is left.
func TestSessionsEndWithTheirGrants(t *testing.T) {
	org := fleet.New(t, devchain.Options{BlockTime: time.Second})
	org.Network.Endpoints = []string{org.Chain.WS}
	m := newRigIn(t, org)
	m.withPAM()
	ca := m.Org.NewCA()
	type login struct {
		key  fleet.Key
		cert *ssh.Certificate
	}
	grant := func(account string, last time.Duration) (login, func()) {
		key := m.Org.NewKey()
		g := m.Org.Grant(m.ID, state.KindGrant, account, key.PublicKey(), last)
		return login{key, m.Org.Certificate(ca, key.PublicKey(), g)}, func() { m.Org.Revoke(m.ID, g) }
	}
	short, _ := grant("alice", 20*time.Second)
	long, revoke := grant("alice", time.Hour)
	bob, _ := grant("bob", time.Hour)

	five := m.stay("alice", short.key, short.cert)
	other := m.stay("alice", long.key, long.cert)
	bystander := m.stay("bob", bob.key, bob.cert)
	all := m.sessions()
	if len(all) != 3 {
		t.Fatalf("sessions: %+v", all)
	}
	text := m.Dpkid(0, "sessions")
	for _, want := range []string{"alice", "bob", "grant ", "SHA256:"} {
		if !strings.Contains(text, want) {
			t.Errorf("dpkid sessions lacks %q:\n%s", want, text)
		}
	}

	// A daemon that is killed takes its sessions up again.
	m.Daemon.Kill()
	m.Run()
	harness.Eventually(t, harness.Patience, func() error {
		if n := len(m.sessions()); n != 3 {
			return fmt.Errorf("%d sessions after kill -9", n)
		}
		return nil
	})

	if _, err := five.Wait(20*time.Second + harness.Patience); err != nil {
		t.Errorf("the short session: %v", err)
	}
	t.Logf("the grant of 20 s let a session last %v", time.Since(five.began).Round(100*time.Millisecond))
	if !other.Running() || !bystander.Running() {
		t.Errorf("others ended too: %v, %v", other.Running(), bystander.Running())
	}
	m.Eventually("watching", settled, func(s device.Status) bool { return s.Gear == "watch" })
	revoke()
	took := m.gone(other, 10*time.Second)
	t.Logf("from the revocation's block to the session's end: %v", took.Round(10*time.Millisecond))
	if !bystander.Running() {
		t.Error("the bystander's session ended")
	}
	harness.Eventually(t, harness.Patience, func() error {
		out, err := exec.Command("pgrep", "-u", "alice", "-a").Output()
		if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.ExitCode() != 1 { // 1: nobody
			return fmt.Errorf("left behind, or not looked: %v\n%s", err, out)
		}
		return nil
	})
	m.Refused("after the revocation", "alice", long.key, long.cert)
	again, _ := grant("alice", time.Hour)
	m.Accepted("with a new grant", "alice", again.key, again.cert)
	bystander.Stop()
	harness.Eventually(t, harness.Patience, func() error {
		if all := m.sessions(); len(all) != 0 {
			return fmt.Errorf("sessions that nobody is in: %+v", all)
		}
		return nil
	})
}
