package sshca

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/sshca/profile"
	"dpki/state"
)

// keygen lists a certificate as OpenSSH reads it: trimmed lines.
func keygen(t *testing.T, cert *ssh.Certificate) []string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "id-cert.pub")
	if err := os.WriteFile(path, ssh.MarshalAuthorizedKey(cert), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("ssh-keygen", "-L", "-f", path)
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var lines []string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

func TestSSHKeygenReadsUserCertificates(t *testing.T) {
	harness.Need(t, harness.SshKeygen)
	principal := profile.GrantPrincipal(subject)
	for name, ca := range authorities(t) {
		key := newEd25519(t).PublicKey()
		cert, err := IssueGrant(ca, key, Grant{Subject: subject, Until: until, Terms: terms(state.GrantPTY | state.GrantX11)})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(keygen(t, cert)[1:], "\n")
		want := []string{
			"Type: ssh-ed25519-cert-v01@openssh.com user certificate",
			"Public key: ED25519-CERT " + ssh.FingerprintSHA256(key),
			"Signing CA: ", ssh.FingerprintSHA256(ca.PublicKey()) + " (using " + cert.Signature.Format + ")",
			`Key ID: "` + keyID(t, key, state.GrantPTY|state.GrantX11) + `"`,
			"Valid: before 2027-01-15T08:00:00",
			"Principals: \n" + principal,
			"Critical Options: (none)",
			"Extensions: \npermit-X11-forwarding\npermit-pty",
		}
		for _, w := range want {
			if !strings.Contains(strings.ReplaceAll(got, ":\n", ": \n")+"\n", w) {
				t.Errorf("%s: no %q in\n%s", name, w, got)
			}
		}
	}
}

func TestSSHKeygenReadsHostCertificates(t *testing.T) {
	harness.Need(t, harness.SshKeygen)
	cert, err := IssueHost(newEd25519(t), newEd25519(t).PublicKey(), Host{Device: subject, From: until - 60, Until: until})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(keygen(t, cert), "\n")
	for _, w := range []string{"host certificate", "Valid: from 2027-01-15T07:59:00 to 2027-01-15T08:00:00", profile.HostPrincipal(subject)} {
		if !strings.Contains(got, w) {
			t.Errorf("no %q in\n%s", w, got)
		}
	}
}

// ssh-keygen as another issuer: its certificates pass, if they keep to the profile.
func TestCertificatesOfSSHKeygen(t *testing.T) {
	harness.Need(t, harness.SshKeygen)
	good := profile.GrantPrincipal(subject)
	for _, row := range []struct {
		name string
		args []string
		want error
	}{
		{"by the profile", []string{"-n", good, "-V", "always:+1h"}, nil},
		{"with known options", []string{"-n", good, "-V", "always:+1h", "-O", "force-command=/bin/true", "-O", "source-address=192.0.2.0/24", "-O", "verify-required"}, nil},
		{"no principal", []string{"-V", "always:+1h"}, profile.ErrNoPrincipal},
		{"two principals", []string{"-n", good + ",root", "-V", "always:+1h"}, profile.ErrManyPrincipals},
		{"account name", []string{"-n", "root", "-V", "always:+1h"}, profile.ErrPrincipal},
		{"star", []string{"-n", "*", "-V", "always:+1h"}, profile.ErrPrincipal},
		{"host", []string{"-h", "-n", good, "-V", "always:+1h"}, profile.ErrCertType},
		{"for ever", []string{"-n", good}, profile.ErrCertWindow},
		{"with a start", []string{"-n", good, "-V", "+0:+1h"}, profile.ErrCertWindow},
		{"unknown critical option", []string{"-n", good, "-V", "always:+1h", "-O", "critical:x@example.com=1"}, profile.ErrCriticalOption},
	} {
		dir := t.TempDir()
		for _, args := range [][]string{
			{"-t", "ed25519", "-N", "", "-f", "ca"}, {"-t", "ed25519", "-N", "", "-f", "id"},
			append([]string{"-s", "ca", "-I", "x"}, append(row.args, "id.pub")...),
		} {
			cmd := exec.Command("ssh-keygen", append([]string{"-q"}, args...)...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v: %v\n%s", row.name, args, err, out)
			}
		}
		text, err := os.ReadFile(filepath.Join(dir, "id-cert.pub"))
		if err != nil {
			t.Fatal(err)
		}
		fields := strings.Fields(string(text))
		k, err := profile.ParseText(fields[0], fields[1])
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		if err := profile.CheckSignature(k.Cert); err != nil {
			t.Errorf("%s: %v", row.name, err)
		}
		if _, err := profile.CheckUser(k.Cert); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
}

// startAgent runs a real ssh-agent until the test ends.
func startAgent(t *testing.T) (socket string) {
	t.Helper()
	harness.Need(t, harness.SshAgent, harness.SshKeygen)
	dir, err := os.MkdirTemp("", "a") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	cmd := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	harness.Eventually(t, 30*time.Second, func() error { // it is there before anybody listens
		conn, err := net.Dial("unix", socket)
		if err == nil {
			conn.Close()
		}
		return err
	})
	return socket
}

func TestAgent(t *testing.T) {
	socket := startAgent(t)
	dir := t.TempDir()
	for _, args := range [][]string{{"-t", "ed25519"}, {"-t", "ecdsa", "-b", "256"}, {"-t", "rsa", "-b", "2048"}} {
		path := filepath.Join(dir, args[1])
		if out, err := exec.Command("ssh-keygen", append(args, "-q", "-N", "", "-f", path)...).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		add := exec.Command("ssh-add", "-q", path)
		add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		if out, err := add.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		file, err := LoadKey(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		ca, c, err := AgentSigner(context.Background(), socket, file.PublicKey())
		if err != nil {
			t.Fatalf("%s: %v", args[1], err)
		}
		cert, err := IssueGrant(ca, newEd25519(t).PublicKey(), Grant{Subject: subject, Until: until, Terms: terms(0)})
		if err != nil || !bytes.Equal(cert.SignatureKey.Marshal(), file.PublicKey().Marshal()) {
			t.Errorf("%s: %v", args[1], err)
		}
		if args[1] == "rsa" && err == nil && cert.Signature.Format != ssh.KeyAlgoRSASHA512 {
			t.Errorf("the agent signed by %s", cert.Signature.Format)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
		if _, err := IssueGrant(ca, newEd25519(t).PublicKey(), Grant{Subject: subject, Until: until, Terms: terms(0)}); err == nil {
			t.Errorf("%s: signed after Close", args[1])
		}
	}
	if _, _, err := AgentSigner(context.Background(), socket, newEd25519(t).PublicKey()); !errors.Is(err, ErrNotInAgent) {
		t.Errorf("a key that the agent does not hold: %v", err)
	}
	if _, _, err := AgentSigner(context.Background(), socket+"-", newEd25519(t).PublicKey()); err == nil {
		t.Error("an agent that does not run")
	}
}

// An agent that hangs is given up when the caller is.
func TestAgentThatHangs(t *testing.T) {
	dir, err := os.MkdirTemp("", "a")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		_, _, err := AgentSigner(ctx, l.Addr().String(), newEd25519(t).PublicKey())
		done <- err
	}()
	select {
	case err := <-done:
		if err == nil {
			t.Error("a signer came back")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("still waiting")
	}
}
