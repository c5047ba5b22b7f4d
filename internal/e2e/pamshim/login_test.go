package pamshim

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/sshd"
	"dpki/pam/session"

	"golang.org/x/crypto/ssh"
)

// logins is how often each way is tried: a Go module in sshd hung at once at keyboard-interactive, but not always.
const logins = 50

// dial logs in as the Go client, which can be made to offer what ssh would not.
func (w *world) dial(account string, auth ...ssh.AuthMethod) (*ssh.Client, error) {
	return ssh.Dial("tcp", w.sshd.Addr(), &ssh.ClientConfig{
		User: account, Auth: auth, HostKeyCallback: ssh.FixedHostKey(w.sshd.Host), Timeout: 10 * time.Second,
	})
}

func run(t testing.TB, c *ssh.Client, command string) string {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Output(command)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return string(out)
}

func password() ssh.AuthMethod {
	return ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i := range answers {
			answers[i] = secret
		}
		return answers, nil
	})
}

func TestManyLogins(t *testing.T) {
	w := newWorld(t, options{
		lines:   []string{"KbdInteractiveAuthentication yes"},
		governs: func(account string) bool { return account == "alice" },
	})
	cert, plain := newUser(t, w.ca), newUser(t, nil)
	w.set("alice", cert, now()+hour)
	w.set("alice", plain, now()+hour)
	for _, c := range []struct {
		name, account string
		auth          []ssh.AuthMethod
		sessions      int
	}{
		{"certificate", "alice", []ssh.AuthMethod{ssh.PublicKeys(cert.signer)}, logins},
		{"plain key", "alice", []ssh.AuthMethod{ssh.PublicKeys(plain.signer)}, logins},
		{"keyboard-interactive of an account that is not governed", "bob", []ssh.AuthMethod{password()}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, start := len(w.happened(session.Opened)), time.Now()
			for range logins {
				client, err := w.dial(c.account, c.auth...)
				if err != nil {
					t.Fatal(err)
				}
				if got := run(t, client, "id -un"); got != c.account+"\n" {
					t.Errorf("logged in as %q", got)
				}
				client.Close()
			}
			t.Logf("%d logins, %v each", logins, time.Since(start)/logins)
			if got := len(w.happened(session.Opened)) - before; got != c.sessions {
				t.Errorf("%d sessions were opened, want %d", got, c.sessions)
			}
			w.none(t)
		})
	}
	for _, e := range w.happened(session.Ended) {
		if e.Reason != session.Logout || e.Session.Form() != form() {
			t.Errorf("%s ended a session in a %s, want %s in a %s", e.Reason, e.Session.Form(), session.Logout, form())
		}
	}
}

func TestTwoFactors(t *testing.T) {
	w := newWorld(t, options{lines: []string{"KbdInteractiveAuthentication yes", "AuthenticationMethods publickey,keyboard-interactive"}})
	u := newUser(t, w.ca)
	w.set("alice", u, now()+hour)
	for range logins {
		c, err := w.dial("alice", ssh.PublicKeys(u.signer), password())
		if err != nil {
			t.Fatal(err)
		}
		run(t, c, "true")
		c.Close()
	}
	if got := len(w.happened(session.Opened)); got != logins {
		t.Errorf("%d sessions, want %d", got, logins)
	}
}

// stolen offers somebody's public key and signs with another: all that a thief of the public half can do.
type stolen struct {
	ssh.Signer
	public ssh.PublicKey
}

func (s stolen) PublicKey() ssh.PublicKey { return s.public }

// The account's owner still has other ways in: a key of his own in a file that sshd reads, and a password. To offer a
// colleague's certificate first, for which the helper gives a line, must not make them a way in here.
func TestOfferedKeyIsNotTheKeyThatLogsIn(t *testing.T) {
	w := newWorld(t, options{lines: []string{"KbdInteractiveAuthentication yes", "AuthorizedKeysFile /run/dpki/keys"}})
	colleague, own := newUser(t, w.ca), newUser(t, nil)
	w.set("alice", colleague, now()+hour)
	write(t, "/run/dpki/keys", own.keyType+" "+own.key+"\n", 0o644)
	offer := stolen{own.signer, colleague.signer.PublicKey()}

	for _, c := range []struct {
		name string
		auth []ssh.AuthMethod
	}{
		{"own key", []ssh.AuthMethod{ssh.PublicKeys(own.signer)}},
		{"password", []ssh.AuthMethod{password()}},
		{"colleague's certificate, then own key", []ssh.AuthMethod{ssh.PublicKeys(offer, own.signer)}},
		{"colleague's certificate, then password", []ssh.AuthMethod{ssh.PublicKeys(offer), password()}},
		{"own key in the certificate's place, then password", []ssh.AuthMethod{ssh.PublicKeys(own.signer, offer), password()}},
	} {
		t.Run(c.name, func(t *testing.T) {
			refused := len(w.refused())
			client, err := w.dial("alice", c.auth...)
			if err == nil {
				// As `ssh -N`: nothing is asked for, and the connection must end by itself.
				gone := make(chan error, 1)
				go func() { gone <- client.Wait() }()
				select {
				case <-gone:
				case <-time.After(5 * goneBar):
					t.Error("still connected")
				}
				if _, err := client.NewSession(); err == nil {
					t.Error("a command may run")
				}
				client.Close()
			}
			harness.Eventually(t, harness.Patience, func() error {
				if len(w.refused()) == refused {
					return fmt.Errorf("nothing was refused (%v)", err)
				}
				return nil
			})
			if got := len(w.happened(session.Opened)); got != 0 {
				t.Errorf("%d sessions were opened", got)
			}
		})
	}
	if !*underSystemd {
		// Groups were made for the offers, beside sshd's work, and have gone with the connections.
		harness.Eventually(t, harness.Patience, func() error {
			if groups, err := w.sessions.Tree.Own(); err != nil || len(groups) > 0 {
				return fmt.Errorf("groups are left: %v, %v", groups, err)
			}
			return nil
		})
	}
	for _, r := range w.refused() {
		t.Logf("refused at stage %d: %s", r.Stage, r.Reason)
	}
	t.Run("the twin: the colleague himself", func(t *testing.T) {
		client, err := w.dial("alice", ssh.PublicKeys(colleague.signer))
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		if got := run(t, client, "echo in"); got != "in\n" {
			t.Errorf("got %q", got)
		}
	})
}

// Debian's stack has pam_env take variables from a file in the user's home, and one may be called SSH_AUTH_INFO_0: a guest of an account
// writes there that he has used his colleague's key. What counts is what sshd said, which the line "note" keeps.
func TestAuthInfoFromTheHome(t *testing.T) {
	const stack = "account required pam_dpki.so\nNOTEsession required pam_env.so user_readenv=1 envfile=/dev/null\nsession required pam_dpki.so\n"
	for note, in := range map[string]bool{
		"": true, // the attack, where nothing stops it
		"session [ignore=ignore default=bad] pam_dpki.so note\n": false,
	} {
		w := newWorld(t, options{lines: []string{"KbdInteractiveAuthentication yes"}, stack: strings.Replace(stack, "NOTE", note, 1)})
		colleague, own := newUser(t, w.ca), newUser(t, nil)
		w.set("alice", colleague, now()+hour)
		file := "/run/home/alice/.pam_environment"
		write(t, file, "SSH_AUTH_INFO_0 OVERRIDE=\"publickey "+colleague.keyType+" "+colleague.key+"\"\n", 0o644)
		t.Cleanup(func() { os.Remove(file) })
		client, err := w.dial("alice", ssh.PublicKeys(stolen{own.signer, colleague.signer.PublicKey()}), password())
		if err == nil {
			client.Close()
		}
		opened := func() error {
			if got := len(w.happened(session.Opened)); (got > 0) != in {
				return fmt.Errorf("note %q: %d sessions were opened by a password and a forged line, refused %v", note, got, w.refused())
			}
			if !in && len(w.refused()) == 0 {
				return errors.New("nothing was refused")
			}
			return nil
		}
		harness.Eventually(t, harness.Patience, opened)
		// The twin: the colleague himself, whatever stands in the file.
		write(t, file, "SSH_AUTH_INFO_0 OVERRIDE=\"password\"\n", 0o644)
		if !in {
			client, err := w.dial("alice", ssh.PublicKeys(colleague.signer))
			if err != nil {
				t.Fatal(err)
			}
			if got := run(t, client, "echo in"); got != "in\n" {
				t.Errorf("got %q", got)
			}
			client.Close()
		}
		w.end(t)
		w.stop()
		os.Remove(file)
	}
}

// The real ssh, with -N and with a command: what the user sees, and that ssh ends by itself.
func TestRefusedSshEnds(t *testing.T) {
	w := newWorld(t, options{lines: []string{"AuthorizedKeysFile /run/dpki/keys"}})
	colleague, own := newUser(t, w.ca), newUser(t, nil)
	w.set("alice", colleague, now()+hour)
	write(t, "/run/dpki/keys", own.keyType+" "+own.key+"\n", 0o644)
	// ssh offers a certificate whose private key it does not have, and then its own.
	theirs := sshd.Client{User: "alice", Key: own.file, Options: []string{"CertificateFile=" + colleague.certificate}}
	for name, options := range map[string][]string{"command": nil, "-N": {"SessionType=none"}} {
		c := theirs
		c.Options = append(append([]string{}, theirs.Options...), options...)
		start := time.Now()
		got := w.sshd.Login(t, c, "echo", "in")
		if got.Code != 255 || got.Stdout != "" || time.Since(start) > 5*goneBar {
			t.Errorf("%s: %+v after %v", name, got, time.Since(start))
		}
	}
	if got := w.sshd.Login(t, colleague.client("alice"), "echo", "in"); got.Code != 0 || got.Stdout != "in\n" {
		t.Errorf("the twin: %+v", got)
	}
}

// Between the helper's answer and the session the grant may end: account and session decide anew, and say why.
func TestRevokedBetweenOfferAndSession(t *testing.T) {
	w := newWorld(t, options{})
	u := newUser(t, w.ca)
	w.set("alice", u, now()+hour)
	if got := w.sshd.Login(t, u.client("alice"), "true"); got.Code != 0 {
		t.Fatalf("the twin: %+v", got)
	}
	w.mu.Lock()
	w.events = nil
	w.mu.Unlock()
	w.expireAfter(2) // the offer and the signature
	c := u.client("alice")
	c.Options = []string{"LogLevel=INFO"} // shows what sshd says before it closes
	got := w.sshd.Login(t, c, "true")
	if got.Code != 255 || !strings.Contains(got.Stderr, "the grant has expired") {
		t.Errorf("%+v", got)
	}
	if len(w.happened(session.Opened)) != 0 {
		t.Error("a session was opened")
	}
}
