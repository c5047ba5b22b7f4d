package login

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/sshca/profile"
	"dpki/state"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

const sshdStack = "/etc/pam.d/sshd"

// newStack is a site whose sshd asks PAM by the distribution's own service file, with the module installed.
func newStack(t *testing.T) (s *site, module string) {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Cgroup2)
	distributions, err := os.ReadFile(filepath.Join(harness.RepoRoot(), "build/root", sshdStack))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(sshdStack, distributions, 0o644); err != nil {
		t.Fatal(err)
	}
	module = harness.InstallModule(t)
	s = newSite(t)
	s.Org.NewCA() // doctor misses one otherwise
	s.Eventually("a CA", settled, func(st device.Status) bool { return st.CAs > 0 })
	s.configure("UsePAM yes", s.include())
	return s, module
}

// passwords gives alice and bob one.
func passwords(t *testing.T) ssh.AuthMethod {
	t.Helper()
	cmd := exec.Command("chpasswd", "-c", "SHA256", "-s", "1000")
	cmd.Stdin = strings.NewReader("alice:open sesame\nbob:open sesame\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("chpasswd: %v\n%s", err, out)
	}
	return ssh.Password("open sesame")
}

func (s *site) by(account string, methods ...ssh.AuthMethod) error {
	c, err := ssh.Dial("tcp", s.server.Addr(), &ssh.ClientConfig{
		User: account, Auth: methods, HostKeyCallback: ssh.FixedHostKey(s.server.Host), Timeout: 10 * time.Second,
	})
	if err == nil {
		err = errors.Join(worked(c), c.Close())
	}
	return err
}

// worked runs a command: sshd accepts a login before PAM opens its session.
func worked(c *ssh.Client) error {
	run, err := c.NewSession()
	if err != nil {
		return err
	}
	defer run.Close()
	return run.Run("true")
}

// Set-up with PAM, on one machine in turn: each step leaves it as it found it.
func TestSetupAndPAM(t *testing.T) {
	s, module := newStack(t)
	for _, step := range []struct {
		name string
		take func(*site, *testing.T, string)
	}{
		{"writes PAM's lines and takes them back", (*site).writesPAM},
		{"closes other methods", (*site).closesOtherMethods},
		{"is harmless without the module", (*site).moduleIsGone},
		{"refuses a stack", (*site).refusesAStack},
		{"writes sudo's lines", (*site).writesSudo},
	} {
		began, before := time.Now(), s.stack()
		s.configure("UsePAM yes", s.include())
		step.take(s, t, module)
		s.unchanged(step.name, before)
		t.Logf("%s: %v", step.name, time.Since(began).Round(time.Millisecond))
	}
}

// One command and sessions end with their grants, on the distribution's own stack; one more and every byte is as it was.
func (s *site) writesPAM(t *testing.T, _ string) {
	before := s.stack()
	own := s.ownKey("bob")
	key, grant, cert := s.granted(s.Org.NewCA())

	s.mustSay(s.setupAll(0, "--accounts", "alice", "--dry-run"), "pam_succeed_if.so quiet user notin alice")
	s.unchanged("a dry run", before)
	s.setupAll(0, "--accounts", "alice", "--reload")
	s.reload()
	after := s.stack()
	s.setupAll(0, "--accounts", "alice", "--reload")
	s.reload()
	s.unchanged("a second time", after)
	s.mustSay(s.Dpkid(0, "doctor", "--sshd-config", s.config), "sessions end with their grants")

	// What an earlier version wrote had no line with note: doctor says so, set-up mends it.
	earlier := regexp.MustCompile(`(?m)^session .* pam_dpki\.so note\n`).ReplaceAll(after, nil)
	if bytes.Equal(earlier, after) {
		t.Fatalf("no line with note in\n%s", after)
	}
	s.Must(os.WriteFile(sshdStack, earlier, 0o644))
	s.mustSay(s.Dpkid(1, "doctor", "--sshd-config", s.config), "as if by another's key")
	s.setupAll(0, "--accounts", "alice", "--reload")
	s.reload()
	s.unchanged("set-up after an earlier version's", after)

	began := s.Stays(s.server.Args(s.Client("alice", key, cert), "echo in; setsid sleep 600 & sleep 600"), "in")
	if text := s.Dpkid(0, "sessions"); !strings.Contains(text, "alice") {
		t.Errorf("dpkid sessions:\n%s", text)
	}
	s.Org.Revoke(s.ID, grant)
	if _, err := began.Wait(harness.Patience); err != nil {
		t.Errorf("the session of a revoked grant: %v", err)
	}
	if !s.in("bob", own, nil) {
		t.Error("bob, who is not governed, by his own key: refused")
	}
	// A daemon that hangs is nothing to whom dpki does not govern.
	s.Must(s.Daemon.Signal(syscall.SIGSTOP))
	if !s.in("bob", own, nil) {
		t.Error("bob, while the daemon hangs: refused")
	}
	if s.in("alice", key, cert) {
		t.Error("alice, while the daemon hangs: accepted")
	}
	s.Must(s.Daemon.Signal(syscall.SIGCONT))

	s.mustSay(s.setup(0, "--undo", "--dry-run"), "would write "+sshdStack)
	s.unchanged("a dry run", after)
	s.setup(0, "--undo", "--reload")
	s.unchanged("--undo", before)
	s.mustSay(s.setup(0, "--undo"), "nothing is set up")
	s.unchanged("--undo again", before)
}

func (s *site) stack() []byte {
	s.Helper()
	text, err := os.ReadFile(sshdStack)
	s.Must(err)
	return text
}

func (s *site) unchanged(what string, before []byte) {
	s.Helper()
	if now := s.stack(); !bytes.Equal(now, before) {
		s.Errorf("%s: %s is now\n%s", what, sshdStack, now)
	}
}

// A governed account is not entered by a password, with a daemon and without; others are. Where the site demands a second factor
// it still does.
func (s *site) closesOtherMethods(t *testing.T, _ string) {
	password := passwords(t)
	both := ssh.KeyboardInteractive(func(_, _ string, q []string, _ []bool) ([]string, error) {
		answers := make([]string, len(q))
		for i := range answers {
			answers[i] = "open sesame"
		}
		return answers, nil
	})
	key, _, cert := s.granted(s.Org.NewCA())
	signer, err := ssh.NewCertSigner(cert, key)
	s.Must(err)
	granted := ssh.PublicKeys(signer)
	s.configure("UsePAM yes", "PasswordAuthentication yes", "KbdInteractiveAuthentication yes", s.include())
	if err := s.by("alice", password); err != nil {
		t.Errorf("before set-up, alice by password: %v", err)
	}
	s.setupAll(0, "--accounts", "alice")
	s.reload()
	check := func(when string, alice bool) {
		t.Helper()
		for name, c := range map[string]struct {
			account string
			method  ssh.AuthMethod
			in      bool
		}{
			"alice by password": {"alice", password, false}, "alice by keyboard-interactive": {"alice", both, false},
			"bob by password": {"bob", password, true}, "bob by keyboard-interactive": {"bob", both, true},
			"alice by her grant": {"alice", granted, alice},
		} {
			err := s.by(c.account, c.method)
			if c.in && err != nil {
				s.InTime(name, func() bool { err = s.by(c.account, c.method); return err == nil })
			}
			if (err == nil) != c.in {
				t.Errorf("%s, %s: %v; want in: %v", when, name, err, c.in)
			}
		}
	}
	check("set up", true)
	s.Daemon.Stop()
	check("without a daemon", false)
	s.Run()
	s.setup(0, "--undo")

	s.configure("UsePAM yes", "KbdInteractiveAuthentication yes", s.include(), "AuthenticationMethods publickey,keyboard-interactive")
	s.setupAll(0, "--accounts", "alice", "--reload")
	s.reload()
	if err := s.by("alice", granted); err == nil {
		t.Error("alice by one factor, where the site demands two: accepted")
	}
	s.InTime("both factors", func() bool { err = s.by("alice", granted, both); return err == nil })
	if err != nil {
		t.Errorf("alice by both factors: %v", err)
	}
	s.setup(0, "--undo")
}

// The module's file is gone, as after a removal by force: logins are as they were before it came, and doctor says what that means.
func (s *site) moduleIsGone(t *testing.T, module string) {
	own := s.ownKey("bob")
	key, grant, cert := s.granted(s.Org.NewCA())
	s.setupAll(0, "--accounts", "alice", "--reload")
	s.reload()
	text, err := os.ReadFile(module)
	s.Must(err)
	s.Must(os.Remove(module))
	if !s.in("bob", own, nil) {
		t.Error("bob: refused")
	}
	if !s.comesIn("alice", key, cert) {
		t.Error("alice by her grant: refused")
	}
	s.mustSay(s.Dpkid(1, "doctor", "--sshd-config", s.config), "sessions outlive their grants")
	s.Org.Revoke(s.ID, grant)
	harness.Eventually(t, settled, func() error {
		if s.in("alice", key, cert) {
			return errStillIn
		}
		return nil
	})
	s.Must(os.WriteFile(module, text, 0o644))
	s.setup(0, "--undo", "--reload")
}

func (s *site) refusesAStack(t *testing.T, module string) {
	before := s.stack()
	refused := func(what, says string, args ...string) {
		t.Helper()
		s.mustSay(s.setupAll(1, append([]string{"--accounts", "alice"}, args...)...), says)
		s.unchanged(what, before)
		if left, _ := filepath.Glob(filepath.Join(s.dropIns(), "*dpki*")); len(left) > 0 {
			t.Errorf("%s: the drop-in was written", what)
		}
	}
	s.configure(s.include())
	refused("no PAM", "--no-pam")
	s.configure("UsePAM yes", s.include())
	s.Must(os.Rename(module, module+".away"))
	refused("no module", "the PAM module is not installed")
	s.mustSay(s.Dpkid(0, "setup", "--sshd-config", s.config, "--accounts", "alice", "--no-pam"), "by sshd's processes alone")
	s.mustSay(s.Dpkid(0, "doctor", "--sshd-config", s.config), "PAM is left alone")
	s.unchanged("--no-pam", before)
	s.setup(0, "--undo")
	s.Must(os.Rename(module+".away", module))

	s.Must(os.WriteFile(sshdStack, append(before, "account required pam_dpki.so\n"...), 0o644))
	before = s.stack()
	refused("by hand", "by hand")
	before = before[:len(before)-len("account required pam_dpki.so\n")]
	s.Must(os.WriteFile(sshdStack, before, 0o644))
	s.Must(os.Rename("/etc/pam.d/sudo", "/etc/pam.d/sudo.away"))
	refused("sudo without a service", "there is no PAM service file", "--sudo", "account")
	s.Must(os.Rename("/etc/pam.d/sudo.away", "/etc/pam.d/sudo"))
	s.setupAll(0, "--accounts", "alice", "--sudo", "account")
	s.setup(0, "--undo")
	s.unchanged("the twin", before)
}

// sudo asks for the session's key, for governed accounts but root, and only with --sudo.
func (s *site) writesSudo(t *testing.T, _ string) {
	if _, err := os.Stat("/usr/bin/sudo"); err != nil {
		t.Fatal("no sudo in build/root: make build/root")
	}
	passwords(t)
	const rules = "alice ALL=(ALL) ALL\nbob ALL=(ALL) ALL\nroot ALL=(ALL) ALL\nDefaults !lecture, timestamp_timeout=0\n"
	s.Must(os.WriteFile("/etc/sudoers", []byte(rules), 0o440))
	before, err := os.ReadFile("/etc/pam.d/sudo")
	s.Must(err)
	ca := s.Org.NewCA()
	plain, elevated := s.sudoer(ca, 0), s.sudoer(ca, state.GrantSudo)

	const line = "echo open sesame | sudo -S -p '' id -un"
	run := func(u *sudoer) string {
		t.Helper()
		var c *ssh.Client
		s.InTime("alice by her grant", func() bool {
			c, err = ssh.Dial("tcp", s.server.Addr(), &ssh.ClientConfig{
				User: "alice", Auth: []ssh.AuthMethod{ssh.PublicKeys(u.signer)}, HostKeyCallback: ssh.FixedHostKey(s.server.Host),
			})
			return err == nil
		})
		s.Must(err)
		defer c.Close()
		s.Must(agent.ForwardToAgent(c, u.keys))
		session, err := c.NewSession()
		s.Must(err)
		s.Must(agent.RequestAgentForwarding(session))
		out, _ := session.CombinedOutput(line)
		return strings.TrimSpace(string(out))
	}
	console := func(account string) string {
		out, _ := exec.Command("setpriv", "--reuid="+account, "--regid="+account, "--init-groups", "sh", "-c", line).CombinedOutput()
		return strings.TrimSpace(string(out))
	}
	s.setupAll(2, "--accounts", "alice,root", "--sudo", "sometimes")
	s.setupAll(0, "--accounts", "alice,root", "--sudo", "account")
	s.reload()
	// The daemon looks at the usual place for whom it governs.
	const usual = "/etc/ssh/sshd_config.d/00-dpki.conf"
	dropIn, err := os.ReadFile(filepath.Join(s.dropIns(), "00-dpki.conf"))
	s.Must(err)
	s.Must(os.WriteFile(usual, dropIn, 0o644))
	defer os.Remove(usual)
	for name, c := range map[string]struct {
		got  string
		root bool
	}{
		"a grant without sudo":     {run(plain), false},
		"a grant with sudo":        {run(elevated), true},
		"alice at the console":     {console("alice"), false},
		"bob, who is not governed": {console("bob"), true},
		"root, who is":             {console("root"), true},
	} {
		if (c.got == "root") != c.root {
			t.Errorf("account only, %s: %q; want root: %v", name, c.got, c.root)
		}
	}
	s.setupAll(0, "--accounts", "alice,root", "--sudo", "key")
	if got := run(elevated); got != "root" {
		t.Errorf("by key: %q", got)
	}
	if got := run(plain); strings.HasSuffix(got, "root") {
		t.Errorf("by key, a grant without sudo: %q", got)
	}
	s.Must(elevated.keys.RemoveAll())
	if got := run(elevated); strings.HasSuffix(got, "root") {
		t.Errorf("by key, a password in its place: %q", got)
	}
	for _, account := range []string{"bob", "root"} {
		if got := console(account); got != "root" {
			t.Errorf("by key, %s: %q", account, got)
		}
	}
	s.setupAll(0, "--accounts", "alice,root") // without --sudo it is taken back
	if now, err := os.ReadFile("/etc/pam.d/sudo"); err != nil || !bytes.Equal(now, before) {
		t.Errorf("/etc/pam.d/sudo, %v:\n%s", err, now)
	}
	if got := run(plain); got != "root" {
		t.Errorf("as before, by password: %q", got)
	}
	s.setup(0, "--undo")
}

// sudoer is somebody with a grant for alice and an agent.
type sudoer struct {
	signer ssh.Signer
	keys   agent.Agent
}

func (s *site) sudoer(ca fleet.CA, flags state.GrantFlags) *sudoer {
	s.Helper()
	flags |= state.GrantAgentForwarding
	_, private, err := ed25519.GenerateKey(rand.Reader)
	s.Must(err)
	key, err := ssh.NewSignerFromKey(private)
	s.Must(err)
	payload, err := state.Grant{Account: "alice", Key: profile.Hash(key.PublicKey()), Flags: flags}.Marshal()
	grant := s.Org.Seal(s.ID, state.KindGrantPriv, payload, err, time.Hour)
	s.Org.Write(s.ID, grant)
	cert := s.Org.Certificate(ca, key.PublicKey(), grant)
	u := &sudoer{keys: agent.NewKeyring()}
	s.Must(u.keys.Add(agent.AddedKey{PrivateKey: &private, Certificate: cert}))
	u.signer, err = ssh.NewCertSigner(cert, key)
	s.Must(err)
	return u
}
