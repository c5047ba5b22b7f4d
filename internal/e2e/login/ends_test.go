package login

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"dpki/contracts"
	"dpki/device"
	"dpki/device/answer"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/sshd"
	"dpki/pam/proc"
	"dpki/sshca/profile"
	"dpki/state"
)

// The design's bars in the gear watch: from the block that revokes a grant to the last process of its session, and to the first
// login that is refused. A test asserts five times that.
const (
	goneBar    = 2 * time.Second
	refusedBar = time.Second
	revoked    = 50
)

// A terminal, and what survives a hang-up: its own process session, nohup, a lost parent.
const hiding = `export MARK=%s; setsid sleep 900 >/dev/null 2>&1 </dev/null &
nohup sleep 901 >/dev/null 2>&1 </dev/null &
(setsid sh -c 'sleep 902 >/dev/null 2>&1 </dev/null & exit' &)
echo in; sleep 903`

func TestBlockToTheLastProcessGone(t *testing.T) {
	org := fleet.New(t, devchain.Options{MaxDrift: -1}) // a block whenever something is sent, at once
	org.Network.Endpoints = []string{org.Chain.WS}
	m := newRigIn(t, org)
	m.withPAM()
	ca := m.Org.NewCA()
	var ended, refused []time.Duration
	for i := range revoked {
		key, grant, cert := m.granted(ca)
		mark := fmt.Sprintf("fifty%d", i)
		c := m.Client("alice", key, cert)
		args := m.Sshd.Args(c, fmt.Sprintf(hiding, mark))
		args[slices.Index(args, "-T")] = "-tt"
		live := m.Stays(args, "in")
		harness.Eventually(t, harness.Patience, func() error {
			if n := len(marked(mark)); n < 4 {
				return fmt.Errorf("%d processes hide", n)
			}
			return nil
		})

		sent := time.Now() // before the block
		m.Org.Revoke(m.ID, grant)
		out := make(chan time.Duration, 1)
		go func() { out <- firstRefused(t, m.Sshd, c, sent) }()
		harness.Eventually(t, 5*goneBar, func() error {
			if left := marked(mark); len(left) > 0 {
				return fmt.Errorf("processes %v are left", left)
			}
			return nil
		})
		ended = append(ended, time.Since(sent))
		refused = append(refused, <-out)
		if _, err := live.Wait(harness.Patience); err != nil {
			t.Errorf("ssh: %v", err)
		}
	}
	for _, r := range []struct {
		what string
		all  []time.Duration
		bar  time.Duration
	}{{"last process gone", ended, goneBar}, {"beginning of the first login that is refused", refused, refusedBar}} {
		slices.Sort(r.all)
		n := len(r.all)
		t.Logf("from sending the revocation, before its block, to the %s, %d runs: median %v, 90%% %v, worst %v; bar %v", r.what, n, r.all[n/2], r.all[n*9/10], r.all[n-1], r.bar)
		if worst := r.all[n-1]; worst > 5*r.bar {
			t.Errorf("%s: %v, want at most %v (five times the bar)", r.what, worst, 5*r.bar)
		}
	}
	m.told()
}

// firstRefused logs in until that is refused, and says when that login began.
func firstRefused(t *testing.T, s *sshd.Server, c sshd.Client, since time.Time) time.Duration {
	for deadline := since.Add(20 * time.Second); time.Now().Before(deadline); {
		began := time.Now()
		if s.Login(t, c, "true").Code != 0 {
			return began.Sub(since)
		}
	}
	t.Error("logins are not refused")
	return time.Hour
}

// marked lists the processes of a mark.
func marked(mark string) (found []int32) {
	pids, _ := proc.PIDs()
	for _, pid := range pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err == nil && bytes.Contains(b, []byte("MARK="+mark+"\x00")) {
			found = append(found, pid)
		}
	}
	return found
}

// told looks at the audit: each session has its opening and its end, with all that belongs in them. The end of the last ones is
// written when the daemon has seen them gone, which is later than this test sees it.
func (m rig) told() {
	m.Helper()
	harness.Eventually(m, harness.Patience, func() error {
		if opened, ended := m.audited(); opened < revoked || ended != opened {
			return fmt.Errorf("%d sessions were opened and %d ended in the audit, want as many, and at least %d", opened, ended, revoked)
		}
		return nil
	})
}

func (m rig) audited() (opened, ended int) {
	m.Helper()
	for line := range bytes.Lines(m.AuditText()) {
		var r answer.SessionRecord
		m.Must(json.Unmarshal(line, &r))
		switch r.Event {
		case "session opened":
			opened++
		case "session ended":
			ended++
			if r.Reason != "the grant is revoked" && r.Reason != "the connection was closed" {
				m.Fatalf("ended for %q", r.Reason)
			}
		default:
			continue
		}
		if r.Account != "alice" || r.Device != m.ID.String() || len(r.Grant) != 64 || r.Fingerprint == "" || r.Opened == 0 || r.Until <= r.Opened || r.Form != "group" {
			m.Fatalf("a line lacks something: %s", line)
		}
	}
	return opened, ended
}

// Whatever takes a login away takes the session away, and only that one's.
func TestWhateverEndsASession(t *testing.T) {
	org := fleet.New(t, devchain.Options{})
	org.Network.Endpoints = []string{org.Chain.WS}
	m := newRigIn(t, org)
	m.withPAM()
	ca, other := m.Org.NewCA(), m.Org.NewCA()
	key, _, cert := m.granted(ca)
	stays := m.stay("alice", key, cert)

	denied, _, deniedCert := m.granted(ca)
	live := m.stay("alice", denied, deniedCert)
	payload, err := state.Deny{Key: profile.Hash(denied.PublicKey()), Before: state.Never}.Marshal()
	m.Org.Write(m.Org.Zone, m.Org.Seal(m.Org.Zone, state.KindDeny, payload, err, time.Hour))
	t.Logf("DENY: %v", m.gone(live, 10*time.Second))

	byOther, _, otherCert := m.granted(other)
	live = m.stay("alice", byOther, otherCert)
	m.Org.Revoke(m.Org.Zone, other.Entry)
	t.Logf("the CA's revocation: %v", m.gone(live, 10*time.Second))

	// A second grant for the same key: the first one's end is not the session's.
	again := m.Org.NewKey()
	first := m.Org.Grant(m.ID, state.KindGrant, "alice", again.PublicKey(), time.Hour)
	live = m.stay("alice", again, m.Org.Certificate(ca, again.PublicKey(), first))
	second := m.Org.Grant(m.ID, state.KindGrant, "alice", again.PublicKey(), 2*time.Hour)
	m.Org.Revoke(m.ID, first)
	m.Eventually("the first grant is revoked", settled, func(s device.Status) bool { return s.Grants == 4 })
	time.Sleep(500 * time.Millisecond) // what would end it has had its time
	if !live.Running() || !stays.Running() {
		t.Error("a session whose grant lives has ended")
	}
	m.Org.Revoke(m.ID, second)
	t.Logf("the extending grant's revocation: %v", m.gone(live, 10*time.Second))

	if !stays.Running() {
		t.Error("the bystander's session ended")
	}
	m.Org.Write(m.Org.Anchor.Org, contracts.Change{
		Action: state.ActionPut, Kind: state.KindDistrust, Until: state.Never, Subject: state.Keccak256([]byte("distrust")),
		Data: state.Distrust{From: 0, To: m.Org.Chain.Time()}.Marshal(),
	})
	t.Logf("DISTRUST: %v", m.gone(stays, 10*time.Second))
}

// Set up without PAM a session ends all the same: the daemon goes by sshd's processes.
func TestSessionsEndWithoutPAM(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Cgroup2, harness.SshKeygen)
	org := fleet.New(t, devchain.Options{})
	org.Network.Endpoints = []string{org.Chain.WS}
	m := newRigIn(t, org)
	if out, err := exec.Command("ssh-keygen", "-A").CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen -A: %v\n%s", err, out)
	}
	ca := m.Org.NewCA()
	key, grant, cert := m.granted(ca)
	other, _, otherCert := m.granted(ca)
	m.Dpkid(0, "setup", "--accounts", "alice", "--no-pam")
	t.Cleanup(func() { m.Dpkid(0, "setup", "--undo") })
	ends, stays := m.stay("alice", key, cert), m.stay("alice", other, otherCert)
	harness.Eventually(t, harness.Patience, func() error {
		if all := m.sessions(); len(all) != 2 {
			return fmt.Errorf("sessions: %+v", all)
		}
		return nil
	})
	m.Org.Revoke(m.ID, grant)
	t.Logf("the revocation: %v", m.gone(ends, 10*time.Second))
	if !stays.Running() {
		t.Error("the other session has ended")
	}
	stays.Stop()
	harness.Eventually(t, harness.Patience, func() error {
		if all := m.sessions(); len(all) != 0 {
			return fmt.Errorf("sessions that nobody is in: %+v", all)
		}
		return nil
	})
}
