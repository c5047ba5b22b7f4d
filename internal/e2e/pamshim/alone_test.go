package pamshim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/sshd"
	"dpki/pam/session"

	"golang.org/x/crypto/ssh"
)

// Without PAM the daemon knows a session by sshd's processes: it ends all the same, with everything of it, and nobody else's does.
func TestSessionsWithoutPAM(t *testing.T) {
	w := newWorld(t, options{noPAM: true})
	var times []time.Duration
	for i, account := range []string{"alice", "root", "alice", "root", "alice"} {
		u, other := newUser(t, w.ca), newUser(t, w.ca)
		w.set(account, u, now()+hour)
		w.set(account, other, now()+hour)
		bystander := w.ssh(t, other, account, false, nil, "echo started; cat")
		bystander.WaitOutput(t, "started", harness.Patience)
		stays := w.one(t)
		mark := fmt.Sprintf("alone%d", i)
		c := w.ssh(t, u, account, true, nil, fmt.Sprintf(hideaways, mark)+"cat")
		c.WaitOutput(t, "started", harness.Patience)
		harness.Eventually(t, harness.Patience, func() error {
			if n := len(w.sessions.List()); n != 2 {
				return fmt.Errorf("%d sessions", n)
			}
			return hides(mark)
		})
		start := time.Now()
		w.revoke(account, u)
		w.sessions.Refresh()
		harness.Eventually(t, 5*goneBar, func() error { return gone(mark) })
		times = append(times, time.Since(start))
		if s := w.one(t); s.Monitor != stays.Monitor || !bystander.Running() || s.Form() != "group" {
			t.Errorf("%s: the other session: %+v, running %v", account, s, bystander.Running())
		}
		bystander.Stop()
		w.none(t)
	}
	slices.Sort(times)
	t.Logf("to the last process gone: %v", times)
	if worst := times[len(times)-1]; worst > 5*goneBar {
		t.Errorf("worst %v, want at most %v (five times the bar)", worst, 5*goneBar)
	}
	for _, e := range w.happened(session.Ended) {
		if e.Reason != "no such grant on this device" && e.Reason != "the grant is revoked" && e.Reason != session.Logout {
			t.Errorf("ended for: %s", e.Reason)
		}
	}
	if !w.sshd.Running() {
		t.Error("sshd has ended")
	}
}

// Who only offers a key has no session, and who lost his grant between the offer and the login is put out.
func TestLoginsWithoutPAM(t *testing.T) {
	w := newWorld(t, options{noPAM: true})
	colleague, own := newUser(t, w.ca), newUser(t, nil)
	w.set("alice", colleague, now()+hour)
	theirs := sshd.Client{User: "alice", Key: own.file, Options: []string{"CertificateFile=" + colleague.certificate}}
	if got := w.sshd.Login(t, theirs, "true"); got.Code != 255 {
		t.Errorf("a colleague's certificate without his key: %+v", got)
	}
	// Once: since 9.8 sshd lets those wait who fail often.
	if _, err := w.dial("alice", ssh.PublicKeys(stolen{own.signer, colleague.signer.PublicKey()})); err == nil {
		t.Error("a stolen certificate logs in")
	}
	time.Sleep(1500 * time.Millisecond) // what would be taken for a session has been
	if n := len(w.happened(session.Opened)); n != 0 {
		t.Errorf("%d sessions of nobody", n)
	}

	// ssh -N: a session without a command is one.
	c, err := w.dial("alice", ssh.PublicKeys(colleague.signer))
	if err != nil {
		t.Fatal(err)
	}
	w.one(t)
	w.revoke("alice", colleague)
	w.sessions.Refresh()
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case <-ended:
	case <-time.After(5 * goneBar):
		t.Error("-N: still connected")
	}
	w.none(t)

	w.set("alice", colleague, now()+hour)
	w.expireAfter(2) // the offer and the signature
	c, err = w.dial("alice", ssh.PublicKeys(colleague.signer))
	if err != nil {
		return // put out before the client was done
	}
	defer c.Close()
	go func() { ended <- c.Wait() }()
	select {
	case <-ended:
	case <-time.After(5 * goneBar):
		t.Error("after its grant had ended, before its session: still connected")
	}
	harness.Eventually(t, harness.Patience, func() error {
		if refused := w.refused(); len(refused) != 1 || refused[0].Reason != "the grant has expired" {
			return fmt.Errorf("audit: %+v", refused)
		}
		return nil
	})
}
