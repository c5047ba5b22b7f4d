package timer

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/rpc"
	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/network"
)

var underSystemd = flag.Bool("systemd", false, "process 1 is systemd, which starts the units")

func TestMain(m *testing.M) { harness.Main(m, "dpki-sandbox") }

const (
	account = "dpki-rotate"
	home    = "/var/lib/dpki-rotate"
	// What the chain key of the timer's administrator and the CA's key are opened with.
	passphrases = "/etc/dpki/rotate.passphrases"
)

// A renewal arrives: the timer's own administrator, who may renew and nothing else, certifies the host key of a
// device, whose sshd then shows the certificate. The twin with a passphrase that is wrong fails, and is seen to.
func TestTimerRenews(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Dpkg, harness.Sshd, harness.SshKeygen)
	machine := start(t)
	d := desk.New(t, nil)
	d.Dpki(0, "ca", "create", "hosts", "--host")
	machine.enrol(d)
	hire(d)

	own, err := os.ReadFile(d.Passphrase)
	d.Must(err)
	d.Must(os.WriteFile(passphrases, append([]byte("wrong\n"), own...), 0o600))
	machine.startTimer(t)
	harness.Eventually(t, time.Minute, func() error { return machine.tick(false) })
	machine.says(t, "passphrase")
	if certificate(t) != nil {
		t.Fatal("there is a certificate that nobody could make")
	}

	d.Must(os.WriteFile(passphrases, fmt.Appendf(nil, "of its own\n%s", own), 0o600))
	harness.Eventually(t, time.Minute, func() error { return machine.tick(true) })
	machine.says(t, "renewed  host certificate of plant/gate-7: there is none")
	ca := d.CA("hosts").PublicKey()
	harness.Eventually(t, time.Minute, func() error {
		cert := certificate(t)
		if cert == nil || !bytes.Equal(cert.SignatureKey.Marshal(), ca.Marshal()) {
			return fmt.Errorf("sshd shows the certificate %+v; dpkid says\n%s", cert, d.Run(-1, "/root", "/usr/sbin/dpkid", "status").Stdout)
		}
		return nil
	})

	// Nothing is due any more, and what the service wrote is its user's, in a folder for no others.
	if out := by(t, "dpki", "--home", home, "rotate", "--due"); !strings.Contains(out, "nothing is due") {
		t.Errorf("after the renewal: %s", out)
	}
	others := run(t, "find", home, "!", "-user", account)
	if mode := run(t, "stat", "-c", "%a", home); others != "" || mode != "700\n" {
		t.Errorf("mode %s; somebody else's: %s", mode, others)
	}
}

// hire makes the timer's administrator, as docs/operations.md tells it.
func hire(d *desk.Desk) {
	d.Helper()
	open := harness.RootDir(d.T) // where its user may read
	public := filepath.Join(open, "network.toml")
	text, err := os.ReadFile(d.Network)
	d.Must(err)
	d.Must(os.WriteFile(public, text, 0o644))
	run(d.T, "install", "-d", "-o", account, "-g", account, "-m", "700", home)
	secret := filepath.Join(home, "passphrase")
	d.Must(os.WriteFile(secret, []byte("of its own\n"), 0o600))
	run(d.T, "chown", account, secret)

	by(d.T, "dpki", "--home", home, "--passphrase-file", secret, "identity", "create")
	var who struct{ Account string }
	d.Decode(desk.Result{Stdout: by(d.T, "dpki", "--home", home, "identity", "show", "--json")}, &who)
	by(d.T, "dpki", "--home", home, "network", "use", public)
	request := filepath.Join(home, "member.request")
	by(d.T, "dpki", "--home", home, "admin", "request", "rotate", "--anchor", d.Anchor.String(), "--out", request)
	fund(d, who.Account)
	d.Dpki(0, "admin", "add", who.Account, "--put", "DELIVERY,BATCH,POLICY,DENY", "--zone", "plant", "--member", request, "--yes")
	by(d.T, "dpki", "--home", home, "org", "join", d.Anchor.String(), "--name", "acme")
	run(d.T, "install", "-d", "-o", account, "-g", account, "-m", "700", home+"/ca")
	for _, part := range []string{"hosts", "hosts.pub"} {
		run(d.T, "install", "-o", account, "-g", account, "-m", "600", filepath.Join(d.Home(), "ca", part), home+"/ca")
	}
	d.Must(os.Remove(secret))
}

func fund(d *desk.Desk, address string) {
	d.Helper()
	n, err := network.Load(d.Network)
	d.Must(err)
	chain, err := rpc.Dial(n.Endpoints[0])
	d.Must(err)
	defer chain.Close()
	d.Must(chain.Call(nil, "sandbox_fund", address, fmt.Sprintf("0x%x", uint64(1e18))))
}

// certificate is what sshd shows of its Ed25519 key; nil if it has none.
func certificate(t *testing.T) *ssh.Certificate {
	t.Helper()
	out, _ := exec.Command("ssh-keyscan", "-c", "-t", "ed25519", "127.0.0.1").Output() // status 1: it has none
	for line := range strings.Lines(string(out)) {
		if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil {
			if cert, ok := key.(*ssh.Certificate); ok {
				return cert
			}
		}
	}
	return nil
}

// run runs a command of root's and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// by runs a command as the timer's user.
func by(t *testing.T, name string, args ...string) string {
	t.Helper()
	return run(t, "runuser", append([]string{"-u", account, "--", name}, args...)...)
}
