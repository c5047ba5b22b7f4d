package faults

import (
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"

	"golang.org/x/crypto/ssh"
)

// TestOwnKeys: whoever is let in leaves a key of their own in every place that sshd usually reads, and it lets nobody in,
// neither while the grant lives nor after it.
func TestOwnKeys(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	own := w.Org.NewKey()
	text := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(own.PublicKey())))
	guest := w.grant("alice")
	w.in("granted", guest)
	script := "umask 077; mkdir -p .ssh && echo '" + text + "' | tee .ssh/authorized_keys > .ssh/authorized_keys2 && echo '" + text + "' > .ssh/environment && cat .ssh/authorized_keys"
	if got := w.Sshd.Login(w, w.Client("alice", guest.key, guest.cert), script); got.Code != 0 || strings.TrimSpace(got.Stdout) != text {
		t.Fatalf("leaving a key: %+v", got)
	}
	out := func(when string) {
		t.Helper()
		if got := w.Login("alice", own, nil); got.Code != 255 {
			t.Errorf("%s, by the key left: %+v", when, got)
		}
	}
	out("while the grant lives")
	w.Org.Revoke(w.ID, guest.grant)
	w.until("revoked", guest, false, harness.Patience)
	out("after the grant")
	w.Daemon.Kill()
	out("without a daemon")
	w.Run()

	// The twin: the same file where sshd is told to read it.
	open := sshd.Start(t, sshd.Config{Lines: []string{"AuthorizedKeysFile .ssh/authorized_keys"}})
	if got := open.Login(w, w.Client("alice", own, nil), "true"); got.Code != 0 {
		t.Errorf("where the file is read: %+v", got)
	}
}

// TestUnknownAccount: a grant for an account that does not exist makes none.
func TestUnknownAccount(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	before := accounts(t)
	w.out("an account that does not exist", w.grant("mallory"))
	w.in("one that does", w.alice)
	if after := accounts(t); after != before {
		t.Errorf("accounts, groups or homes changed:\n%s", after)
	}
}

func accounts(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("sh", "-c", "cat /etc/passwd /etc/group /etc/shadow; ls -la /run/home /home").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// TestLogsHoldNoKeys: what sshd, the helper and the daemon log, in good and in bad days, holds no key, no certificate and
// no secret.
func TestLogsHoldNoKeys(t *testing.T) {
	log := harness.StartSyslog(t)
	w := newWorld(t, devchain.Options{}, machine.Options{Sshd: sshd.Config{Lines: []string{"LogLevel VERBOSE"}}})
	gone := w.grant("alice")
	w.in("granted", gone)
	w.Org.Revoke(w.ID, gone.grant)
	w.until("revoked", gone, false, harness.Patience)
	w.Daemon.Kill()
	w.out("killed", w.alice)
	first := w.Daemon.Output()
	w.Run()
	w.in("run again", w.alice)
	log.Wait(t, "would accept", harness.Patience)
	audit, err := os.ReadFile(machine.AuditFile)
	w.Must(err)
	secret := w.Asked.MailboxSecret
	zone := w.Org.Keys[0].Key
	places := map[string]string{"sshd": w.Sshd.Output(), "dpkid": first + w.Daemon.Output(), "syslog": log.Text(), "audit": string(audit)}
	for _, u := range []user{w.alice, w.root, gone} {
		for name, b := range map[string][]byte{"key": u.key.PublicKey().Marshal(), "certificate": u.cert.Marshal(), "mailbox secret": secret[:], "zone key": zone[:]} {
			// The end of a blob: its beginning is the algorithm's name, which logs may hold.
			text := base64.StdEncoding.EncodeToString(b)
			text = strings.TrimRight(text, "=")
			text = text[max(0, len(text)-24) : len(text)-2]
			for where, logged := range places {
				if strings.Contains(logged, text) {
					t.Errorf("%s's log holds a %s", where, name)
				}
			}
		}
	}
	for where, logged := range places {
		if !strings.Contains(logged, "alice") && where != "dpkid" {
			t.Errorf("%s's log holds nothing that could be looked through", where)
		}
	}
	// Nor do the processes' arguments and environments.
	run, fetch := w.Processes()
	for _, pid := range []int{run, fetch} {
		for _, f := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), f))
			w.Must(err)
			for _, s := range [][]byte{secret[:], zone[:]} {
				if strings.Contains(string(b), base64.StdEncoding.EncodeToString(s)) || strings.Contains(string(b), string(s)) {
					t.Errorf("a secret in %s of %d", f, pid)
				}
			}
		}
	}
}
