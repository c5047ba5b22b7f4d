package sshd

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"

	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { harness.Main(m) }

// A certificate logs in through a helper's line alone, as root and as another account; the same certificate without the
// line's principal does not. What this asserts about sshd is what the product stands on.
func TestCertificateLogsInThroughHelper(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	ca := sshkey.New(t)
	helper := filepath.Join(harness.RootDir(t), "helper")
	line := fmt.Sprintf(`cert-authority,principals="g-1",expiry-time="20991231235959Z" %s`, ssh.MarshalAuthorizedKey(ca.PublicKey()))
	write(t, helper, "#!/bin/sh\ncat <<'END'\n"+line+"END\n", 0o755)
	os.Chmod(helper, 0o755)
	s := Start(t, Config{Command: helper + " %u %t %k"})

	key, good := issue(t, ca, "g-1")
	_, bad := issue(t, ca, "g-2")
	for _, user := range []string{"root", "alice"} {
		got := s.Login(t, Client{User: user, Key: key, Certificate: good}, "id", "-un")
		if got.Code != 0 || got.Stdout != user+"\n" {
			t.Errorf("login as %s: %+v", user, got)
		}
	}
	badKey := strings.TrimSuffix(bad, "-cert.pub")
	if got := s.Login(t, Client{User: "alice", Key: badKey, Certificate: bad}, "true"); got.Code != 255 || !strings.Contains(got.Stderr, "Permission denied") {
		t.Errorf("login with another principal: %+v", got)
	}
	s.WaitOutput(t, "does not contain an authorized principal", harness.Patience)
}

// The zero Config serves nobody, whatever lies in the account's home.
func TestNoHelperNoLogin(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	s := Start(t, Config{})
	key, _ := issue(t, sshkey.New(t), "g-1")
	public, err := os.ReadFile(key + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("/root/.ssh", 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, "/root/.ssh/authorized_keys", string(public), 0o600)
	if got := s.Login(t, Client{User: "root", Key: key}, "true"); got.Code != 255 {
		t.Errorf("login by authorized_keys: %+v", got)
	}

	open := Start(t, Config{Lines: []string{"AuthorizedKeysFile .ssh/authorized_keys"}})
	if got := open.Login(t, Client{User: "root", Key: key}, "echo", "in"); got.Code != 0 || got.Stdout != "in\n" {
		t.Errorf("the same login where the file is allowed: %+v", got)
	}
}

// issue makes a user key pair and a certificate for it, as files.
func issue(t *testing.T, ca ssh.Signer, principal string) (key, certificate string) {
	t.Helper()
	pair := sshkey.New(t)
	cert := &ssh.Certificate{Key: pair.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{principal}, ValidBefore: ssh.CertTimeInfinity}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	key = filepath.Join(t.TempDir(), "id")
	pair.Save(t, key)
	return key, sshkey.SaveCertificate(t, key, cert)
}
