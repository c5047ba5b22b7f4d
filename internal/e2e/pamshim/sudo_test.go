package pamshim

import (
	"crypto/rand"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"dpki/authkeys"
	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"
	"dpki/pam/sudo"
	"dpki/state"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// sudoStack is sudo's PAM service: the session's key or nothing, and only under a grant with sudo.
const sudoStack = "auth required pam_dpki.so\naccount required pam_dpki.so\nsession required pam_permit.so\n"

// sudoWorld is a device where alice and root may use sudo by the session's key.
func sudoWorld(t *testing.T, stack string) *world {
	t.Helper()
	harness.Need(t, harness.Namespace)
	if _, err := os.Stat("/usr/bin/sudo"); err != nil {
		t.Fatal("no sudo in build/root: make build/root")
	}
	w := newWorld(t, options{governs: func(account string) bool { return account != "bob" }})
	v := &sudo.Verifier{Anchor: "dpki:test", Device: state.Word{1}}
	w.handler.Sudo = v.Verify
	write(t, "/etc/sudoers", "alice ALL=(ALL) ALL\nbob ALL=(ALL) ALL\nroot ALL=(ALL) ALL\nDefaults !lecture, timestamp_timeout=0\n", 0o440)
	write(t, "/etc/pam.d/sudo", strings.ReplaceAll(stack, "pam_dpki.so", module(t)), 0o644)
	return w
}

// person is a user whose agent is in this process.
func person(t *testing.T, w *world) (user, agent.Agent, agent.AddedKey) {
	t.Helper()
	pair := sshkey.New(t)
	c := &ssh.Certificate{Key: pair.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{"g-1"}, ValidBefore: ssh.CertTimeInfinity,
		Permissions: ssh.Permissions{Extensions: map[string]string{"permit-agent-forwarding": ""}}}
	err := c.SignCert(rand.Reader, w.ca)
	if err != nil {
		t.Fatal(err)
	}
	u := user{}
	if u.signer, err = ssh.NewCertSigner(c, pair); err != nil {
		t.Fatal(err)
	}
	return u, agent.NewKeyring(), agent.AddedKey{PrivateKey: &pair.Private, Certificate: c}
}

// command runs one command and returns what it said and whether it succeeded. sshd forwards the agent once a connection, from
// when it is asked to.
func command(t *testing.T, c *ssh.Client, forward bool, line string) (string, bool) {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if forward {
		if err := agent.RequestAgentForwarding(s); err != nil {
			t.Fatal(err)
		}
	}
	out, err := s.CombinedOutput(line)
	return strings.TrimSpace(string(out)), err == nil
}

func TestSudoByTheSessionsKey(t *testing.T) {
	w := sudoWorld(t, sudoStack)
	u, ring, key := person(t, w)
	other, _, otherKey := person(t, w)
	w.set("alice", u, now()+hour)
	w.set("alice", other, now()+hour)
	w.elevate("alice", u)
	w.elevate("alice", other)
	c, err := w.dial("alice", ssh.PublicKeys(u.signer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := agent.ForwardToAgent(c, ring); err != nil {
		t.Fatal(err)
	}
	const line = "sudo id -un </dev/null"
	fails := func(name string, forward bool, line string) {
		t.Helper()
		if out, ok := command(t, c, forward, line); ok || strings.Contains(out, "root") {
			t.Errorf("%s: %q", name, out)
		} else {
			refusals := w.refused()
			t.Logf("%s: %s", name, refusals[len(refusals)-1].Reason)
		}
	}
	fails("no agent", false, line)
	fails("an empty agent", true, line)
	if err := ring.Add(otherKey); err != nil {
		t.Fatal(err)
	}
	fails("a colleague's key", false, line)
	if err := ring.Add(key); err != nil {
		t.Fatal(err)
	}
	if out, ok := command(t, c, false, line); !ok || out != "root" {
		t.Errorf("the session's key: %q, %v", out, ok)
	}
	fails("an agent's path that is not his", false, "SSH_AUTH_SOCK=/run/dpki/pam.sock "+line)
	fails("no agent's path", false, "unset SSH_AUTH_SOCK; "+line)
	w.lower("alice", u)
	fails("a grant without sudo", false, line)
	w.elevate("alice", u)
	if out, ok := command(t, c, false, line); !ok || out != "root" {
		t.Errorf("the twin: %q, %v", out, ok)
	}
	w.revoke("alice", u)
	fails("a revoked grant", false, line)
}

// The daemon reaches for the agent as the user: what he may not open, it does not open for him.
func TestSudoConnectsAsTheUser(t *testing.T) {
	w := sudoWorld(t, sudoStack)
	u, ring, key := person(t, w)
	if err := ring.Add(key); err != nil {
		t.Fatal(err)
	}
	w.set("alice", u, now()+hour)
	w.elevate("alice", u)
	c, err := w.dial("alice", ssh.PublicKeys(u.signer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	// The same agent, the right key, in a folder of root's.
	dir := harness.RootDir(t)
	agentAt := func(path string) { serveAgent(t, path, ring) }
	agentAt(dir + "/a")
	if err := os.Chmod(dir+"/a", 0o666); err != nil {
		t.Fatal(err)
	}
	line := "SSH_AUTH_SOCK=" + dir + "/a sudo id -un </dev/null"
	if out, ok := command(t, c, false, line); !ok || out != "root" {
		t.Errorf("a folder that alice may enter: %q", out)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, ok := command(t, c, false, line); ok {
		t.Errorf("a folder of root's: %q", out)
	}
	// And a real agent, which refuses everybody but its own user.
	real := "/run/home/alice/agent"
	out, ok := command(t, c, false, "ssh-agent -a "+real+" >/dev/null && echo started")
	if !ok || out != "started" {
		t.Fatalf("ssh-agent: %q", out)
	}
	if out, ok := command(t, c, false, "SSH_AUTH_SOCK="+real+" sudo id -un </dev/null"); ok {
		t.Errorf("an agent of alice without the key: %q", out)
	}
	refusals := w.refused()
	if got := refusals[len(refusals)-1]; got.Stage != authkeys.StageSudo || got.Reason != sudo.ErrRefused.Error() {
		t.Errorf("audit: %+v; want %q, for the agent was reached and had no key", got, sudo.ErrRefused)
	}
}

// Sites that keep passwords: the account hook alone.
func TestSudoAccountOnly(t *testing.T) {
	w := sudoWorld(t, "auth required pam_permit.so\naccount required pam_dpki.so\nsession required pam_permit.so\n")
	u, _, _ := person(t, w)
	w.set("alice", u, now()+hour)
	c, err := w.dial("alice", ssh.PublicKeys(u.signer))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const line = "sudo id -un </dev/null"
	if out, ok := command(t, c, false, line); ok {
		t.Errorf("a grant without sudo: %q", out)
	}
	w.elevate("alice", u)
	if out, ok := command(t, c, false, line); !ok || out != "root" {
		t.Errorf("a grant with sudo: %q", out)
	}
	// Somebody whom dpki does not govern, at the console.
	if out, err := exec.Command("setpriv", "--reuid=bob", "--regid=bob", "--init-groups", "sudo", "id", "-un").CombinedOutput(); err != nil || string(out) != "root\n" {
		t.Errorf("an account that is not governed: %q, %v", out, err)
	}
	if out, err := exec.Command("setpriv", "--reuid=alice", "--regid=alice", "--init-groups", "sudo", "id", "-un").CombinedOutput(); err == nil {
		t.Errorf("a governed account outside a session: %q", out)
	}
}

func serveAgent(t *testing.T, path string, a agent.Agent) {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); agent.ServeAgent(a, c) }()
		}
	}()
}
