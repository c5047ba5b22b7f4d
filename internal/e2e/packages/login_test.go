package packages

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/internal/harness/sshd"
)

// The whole way with nothing but the installed package, as its manual tells it: an organisation, a device, a login through
// it, and a machine that still lets its own people in after the package is removed.
func TestLoginThroughTheDeb(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Dpkg, harness.Sshd, harness.Ssh, harness.SshKeygen, harness.Cgroup2)
	forget(t)
	before := stacks(t)
	command(t, "dpkg", "-i", built(t, "*.deb"))
	t.Cleanup(func() { command(t, "dpkg", "-P", "--force-all", "dpki") })
	if stacks(t) != before {
		t.Error("installing changed PAM's services")
	}
	command(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/etc/ssh/ssh_host_ed25519_key")

	a := newAdmin(t)
	a.dpki("identity", "create", "--chain-key", a.file("sandbox/admin.json"))
	a.dpki("network", "use", a.file("sandbox/network.toml"))
	a.dpki("org", "create", "acme")
	a.dpki("zone", "create", "plant")
	a.dpki("ca", "create", "people")
	var org struct{ Anchor string }
	if err := json.Unmarshal([]byte(a.dpki("org", "show", "--json")), &org); err != nil || org.Anchor == "" {
		t.Fatalf("dpki org show: anchor %q, %v", org.Anchor, err)
	}

	command(t, "dpkid", "enroll", org.Anchor, "--name", "gate-7", "--network", a.file("sandbox/network.toml"), "--out", a.file("gate-7.request"))
	a.dpki("device", "add", a.file("gate-7.request"), "--yes")
	daemon := harness.Start(t, harness.Command{Path: "/usr/sbin/dpkid", Args: []string{"run"}})
	harness.Eventually(t, 20*time.Second, func() error { return exec.Command("dpkid", "status").Run() })
	command(t, "dpkid", "setup", "--accounts", "alice")
	if stacks(t) == before {
		t.Error("set-up left PAM as it was")
	}

	// The device's own people keep their way in: bob is not governed.
	s := sshd.Start(t, sshd.Config{Lines: []string{"UsePAM yes", "Include /etc/ssh/sshd_config.d/*.conf", "AuthorizedKeysFile /etc/ssh/authorized/%u", "PidFile /run/sshd.pid"}})
	own := a.newKey("own")
	if err := os.MkdirAll("/etc/ssh/authorized", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"alice", "bob"} {
		text, err := os.ReadFile(own + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("/etc/ssh/authorized/"+user, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	login := func(user, key, certificate string) int {
		return s.Login(t, sshd.Client{User: user, Key: key, Certificate: certificate}, "true").Code
	}

	key := a.newKey("technician")
	certificate := a.file("technician-cert.pub")
	out := a.dpki("grant", "gate-7", "--account", "alice", "--for", "5m", "--key", key+".pub", "--out", certificate, "--json")
	var granted struct{ Grants []struct{ ID string } }
	if err := json.Unmarshal([]byte(out), &granted); err != nil || len(granted.Grants) != 1 {
		t.Fatalf("dpki grant: %d grants, want 1; %v\n%s", len(granted.Grants), err, out)
	}
	harness.Eventually(t, harness.Patience, func() error { // at the first try, unless the machine is busy
		if code := login("alice", key, certificate); code != 0 {
			return fmt.Errorf("the granted login as alice: ssh exits %d, want 0\n%s\n%s", code, s.Output(), daemon.Output())
		}
		return nil
	})
	if code := login("bob", key, certificate); code != 255 {
		t.Errorf("alice's grant used as bob: ssh exits %d, want 255", code)
	}
	if code := login("alice", own, ""); code != 255 {
		t.Errorf("alice by authorized_keys although dpki governs the account: ssh exits %d, want 255", code)
	}
	if code := login("bob", own, ""); code != 0 {
		t.Errorf("bob by authorized_keys: ssh exits %d, want 0", code)
	}

	// What is open ends with the grant; the module that the package installed is in the distribution's own stack.
	session := harness.Start(t, harness.Command{
		Path: "/usr/bin/ssh", Args: s.Args(sshd.Client{User: "alice", Key: key, Certificate: certificate}, "echo in; setsid sleep 600 & sleep 600"), Ready: harness.Says("in"),
	})
	bystander := harness.Start(t, harness.Command{
		Path: "/usr/bin/ssh", Args: s.Args(sshd.Client{User: "bob", Key: own}, "echo in; cat"), Stdin: blocked(t), Ready: harness.Says("in"),
	})
	if out, err := exec.Command("dpkid", "sessions").CombinedOutput(); err != nil || !strings.Contains(string(out), "alice") || strings.Contains(string(out), "bob") {
		t.Errorf("dpkid sessions: %v\n%s", err, out)
	}
	if out, err := exec.Command("dpkid", "doctor").CombinedOutput(); err != nil || !strings.Contains(string(out), "sessions end with their grants") {
		t.Errorf("dpkid doctor: %v\n%s", err, out)
	}
	a.dpki("revoke", granted.Grants[0].ID, "--yes")
	if _, err := session.Wait(harness.Patience); err != nil {
		t.Errorf("the session of the revoked grant: %v\n%s", err, daemon.Output())
	}
	if !bystander.Running() {
		t.Error("bob's session ended too")
	}
	// A device that watches hears of it within a second.
	harness.Eventually(t, harness.Patience, func() error {
		if code := login("alice", key, certificate); code != 255 {
			return fmt.Errorf("the revoked login: ssh exits %d, want 255", code)
		}
		return nil
	})

	daemon.Stop()
	command(t, "dpkg", "-r", "dpki")
	if left, _ := filepath.Glob("/etc/ssh/sshd_config.d/*"); len(left) > 0 {
		t.Errorf("removal left %q", left)
	}
	if stacks(t) != before {
		t.Error("removal left PAM's services otherwise than they were")
	}
	if !bystander.Running() {
		t.Error("the removal ended bob's session")
	}
	// The sshd that runs has been told: it would go on asking a helper that is gone.
	harness.Eventually(t, harness.Patience, func() error {
		if code := login("alice", own, ""); code != 0 {
			return fmt.Errorf("alice by authorized_keys at the running sshd: ssh exits %d, want 0", code)
		}
		return nil
	})
	command(t, "/usr/sbin/sshd", "-t")
	after := sshd.Start(t, sshd.Config{Lines: []string{"Include /etc/ssh/sshd_config.d/*.conf", "AuthorizedKeysFile /etc/ssh/authorized/%u"}})
	if got := after.Login(t, sshd.Client{User: "alice", Key: own}, "true"); got.Code != 0 {
		t.Errorf("alice by authorized_keys after the removal: %+v", got)
	}
}

// admin is an administrator at a machine of its own: a home folder and a sandbox chain.
type admin struct {
	t   *testing.T
	dir string
}

func newAdmin(t *testing.T) *admin {
	t.Helper()
	a := &admin{t: t, dir: harness.RootDir(t)}
	harness.Start(t, harness.Command{
		Path: harness.Bin(t, "dpki-sandbox"), Args: []string{"--dir", a.file("sandbox")}, Ready: harness.Says("dpki-sandbox ready"),
	})
	return a
}

func (a *admin) file(name string) string { return filepath.Join(a.dir, name) }

// dpki runs the installed command and returns its standard output.
func (a *admin) dpki(args ...string) string {
	a.t.Helper()
	cmd := exec.Command("/usr/bin/dpki", append([]string{"--passphrase-file", a.file("sandbox/admin.passphrase")}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + a.file("home"), "LOGNAME=admin"}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		a.t.Fatalf("dpki %s: %v\n%s%s", strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}

func (a *admin) newKey(name string) string {
	a.t.Helper()
	command(a.t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", a.file(name))
	return a.file(name)
}
