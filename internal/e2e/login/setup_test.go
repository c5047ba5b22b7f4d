package login

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/device/config"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/sshd"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// site is an sshd as an administrator left it: keys in authorized_keys, and an
// Include that a test may add.
type site struct {
	rig
	server *sshd.Server
	config string
	text   string // of the configuration, without the Include
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{rig: newRig(t)}
	s.server = sshd.Start(t, sshd.Config{Lines: []string{"AuthorizedKeysFile /run/keys/%u", "PidFile " + filepath.Join(t.TempDir(), "pid")}})
	s.config = s.server.ConfigFile
	text, err := os.ReadFile(s.config)
	s.Must(err)
	s.text = string(text)
	s.Must(os.MkdirAll("/run/keys", 0o755))
	return s
}

func (s *site) dropIns() string { return filepath.Join(filepath.Dir(s.config), "sshd_config.d") }

// configure writes sshd_config anew and has sshd read it.
func (s *site) configure(first ...string) {
	s.Helper()
	// As a whole: sshd may still be about to read it, for a reload before.
	s.Must(config.Write(s.config, []byte(strings.Join(append(first, s.text), "\n")), 0o600))
	s.reload()
}

func (s *site) reload() {
	s.Helper()
	seen := strings.Count(s.server.Output(), "Server listening")
	sent := time.Time{}
	harness.Eventually(s, harness.Patience, func() error {
		// Between its listening and its handler, sshd ignores the signal.
		if time.Since(sent) > 300*time.Millisecond {
			s.Must(s.server.Signal(syscall.SIGHUP))
			sent = time.Now()
		}
		if strings.Count(s.server.Output(), "Server listening") == seen {
			return errNotReloaded
		}
		return nil
	})
}

// ownKey gives an account a key in its authorized_keys.
func (s *site) ownKey(account string) fleet.Key {
	s.Helper()
	k := s.Org.NewKey()
	s.Must(os.WriteFile("/run/keys/"+account, ssh.MarshalAuthorizedKey(k.PublicKey()), 0o644))
	return k
}

// in tries a login until the server says yes or no: while it reads its
// configuration again it says neither.
func (s *site) in(user string, key fleet.Key, cert *ssh.Certificate) (in bool) {
	s.Helper()
	c := s.Client(user, key, cert)
	harness.Eventually(s, harness.Patience, func() error {
		got := s.server.Login(s, c, "true")
		in = got.Code == 0
		if !in && !strings.Contains(got.Stderr, "Permission denied") {
			return fmt.Errorf("%+v", got)
		}
		return nil
	})
	return in
}

// comesIn is in for a login that must be let in at once.
func (s *site) comesIn(user string, key fleet.Key, cert *ssh.Certificate) (in bool) {
	s.Helper()
	s.InTime(user, func() bool { in = s.in(user, key, cert); return in })
	return in
}

func (s *site) include() string { return "Include " + s.dropIns() + "/*.conf" }

// setup runs dpkid setup and returns its output. PAM is left alone.
func (s *site) setup(want int, args ...string) string {
	s.Helper()
	if len(args) > 0 && args[0] != "--undo" {
		args = append(args, "--no-pam")
	}
	return s.setupAll(want, args...)
}

// setupAll is setup with PAM.
func (s *site) setupAll(want int, args ...string) string {
	s.Helper()
	return s.Dpkid(want, append([]string{"setup", "--sshd-config", s.config}, args...)...)
}

func (s *site) mustSay(out, text string) {
	s.Helper()
	if !strings.Contains(out, text) {
		s.Errorf("no %q in:\n%s", text, out)
	}
}

func TestSetupGovernsWhomItNames(t *testing.T) {
	s := newSite(t)
	alice, bob := s.ownKey("alice"), s.ownKey("bob")
	key := s.Org.NewKey()
	ca := s.Org.NewCA()
	cert := s.Org.Certificate(ca, key.PublicKey(), s.Org.Grant(s.ID, state.KindGrant, "alice", key.PublicKey(), 5*time.Minute))

	// Without an Include sshd would never see the drop-in.
	s.mustSay(s.setup(1, "--accounts", "alice"), "no effect")
	if _, err := os.Stat(filepath.Join(s.dropIns(), "00-dpki.conf")); !os.IsNotExist(err) {
		t.Errorf("the drop-in of a set-up that failed: %v", err)
	}
	s.configure(s.include())
	s.mustSay(s.setup(0, "--accounts", "alice", "--dry-run"), "Match User alice")
	if _, err := os.Stat(filepath.Join(s.dropIns(), "00-dpki.conf")); !os.IsNotExist(err) {
		t.Errorf("the drop-in of a dry run: %v", err)
	}
	s.setup(0, "--accounts", "alice", "--reload")
	harness.Eventually(t, harness.Patience, func() error {
		if s.in("alice", alice, nil) {
			return errStillIn
		}
		return nil
	})
	if !s.comesIn("alice", key, cert) {
		t.Error("alice by certificate: refused")
	}
	if !s.in("bob", bob, nil) {
		t.Error("bob, who is not governed, by his own key: refused")
	}
	s.mustSay(s.Dpkid(0, "doctor", "--sshd-config", s.config), "sshd asks dpki for alice")

	s.setup(0, "--undo", "--reload")
	harness.Eventually(t, harness.Patience, func() error {
		if !s.in("alice", alice, nil) {
			return errNotReloaded
		}
		return nil
	})
	left, err := os.ReadDir(s.dropIns())
	if err != nil || len(left) != 0 {
		t.Errorf("after --undo: %v, %v", left, err)
	}
	s.mustSay(s.setup(0, "--undo"), "nothing is set up")
	s.mustSay(s.setup(0, "--undo", "--dry-run"), "nothing is set up")
}

func TestSetupRefuses(t *testing.T) {
	s := newSite(t)
	s.configure(s.include())
	place := filepath.Join(s.dropIns(), "00-dpki.conf")
	absent := func(why string) {
		t.Helper()
		if _, err := os.Stat(place); !os.IsNotExist(err) {
			t.Errorf("%s: the drop-in exists: %v", why, err)
		}
	}
	s.mustSay(s.setup(2, "--all-accounts"), "one mistake would lock out everybody")
	s.mustSay(s.setup(2), "name the accounts")
	s.mustSay(s.setup(2, "--accounts", "alice,*"), "no name")
	s.mustSay(s.setup(1, "--accounts", "carol"), "does not exist")
	s.mustSay(s.setup(1, "--group", "no-such-group"), "does not exist")
	absent("bad names")

	s.configure("AuthorizedKeysCommand /usr/bin/other", "AuthorizedKeysCommandUser nobody", s.include())
	s.mustSay(s.setup(1, "--accounts", "alice"), "another AuthorizedKeysCommand")
	absent("conflict")

	s.configure("PermitRootLogin no", s.include())
	s.mustSay(s.setup(1, "--accounts", "root"), "PermitRootLogin")
	absent("root may not log in")

	// One that sorts first and sets the same options. A Match block wins over
	// what stands outside of any, so only another block can be in the way.
	s.configure(s.include())
	s.Must(os.MkdirAll(s.dropIns(), 0o755))
	first := filepath.Join(s.dropIns(), "00-a.conf")
	s.Must(os.WriteFile(first, []byte("Match User alice\n\tAuthorizedKeysFile /run/keys/%u\n"), 0o644))
	s.mustSay(s.setup(1, "--accounts", "alice"), "no effect")
	absent("not first")
	s.Must(os.Remove(first))

	s.Must(os.WriteFile(place, []byte("# by hand\n"), 0o644))
	s.mustSay(s.setup(1, "--accounts", "alice"), "dpkid did not write")
	s.mustSay(s.setup(1, "--undo"), "dpkid did not write")
	if text, _ := os.ReadFile(place); string(text) != "# by hand\n" {
		t.Errorf("somebody else's file now holds %q", text)
	}
	s.Must(os.Remove(place))

	const helperPath = "/usr/lib/dpki/dpki-authkeys"
	s.Must(os.Chmod(helperPath, 0o775))
	s.mustSay(s.setup(2, "--accounts", "alice"), "nobody else may write")
	absent("helper that a group may write")
	s.Must(os.Chmod(helperPath, 0o755))

	// The twin of all of them; group and account, and again with others.
	s.setup(0, "--group", harness.Group)
	s.setup(0, "--accounts", "alice,bob")
	text, err := os.ReadFile(place)
	s.Must(err)
	s.mustSay(string(text), "Match User alice,bob")
	// A set-up that fails leaves the one before.
	s.Must(os.WriteFile(first, []byte("Match User root\n\tAuthorizedKeysFile .ssh/authorized_keys\n"), 0o644))
	s.setup(1, "--accounts", "root")
	if again, err := os.ReadFile(place); err != nil || string(again) != string(text) {
		t.Errorf("after a failed change: %q, %v", again, err)
	}
	s.setup(0, "--undo")

	// A daemon that does not decide would lock the accounts.
	s.Daemon.Stop()
	s.mustSay(s.setup(4, "--accounts", "alice"), "the daemon does not answer")
	absent("no daemon")
}
