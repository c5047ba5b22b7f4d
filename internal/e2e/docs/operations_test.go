package docs

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/internal/harness"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki", "dpkid", "dpki-authkeys", "dpki-sandbox") }

const operations = "docs/operations.md"

func document(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.RepoRoot(), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestOperations does what docs/operations.md says, on a chain, a device and
// an sshd, in its order.
func TestOperations(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh, harness.SshKeygen, harness.Cgroup2)
	found, err := blocks(document(t, operations))
	if err != nil {
		t.Fatal(err)
	}
	furnish(t)
	harness.InstallModule(t)
	log := harness.StartSyslog(t)
	work := harness.RootDir(t)
	program := filepath.Join(work, "script")
	if err := os.WriteFile(program, []byte(script(found, operations)), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-v", program)
	cmd.Dir = work
	cmd.Env = []string{"HOME=/root", "USER=root", "LOGNAME=root", "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH"), "TMPDIR=" + work}
	output := filepath.Join(work, "output")
	out, err := os.Create(output) // a file: what the script leaves running must not keep a pipe open
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	began := time.Now()
	if err := cmd.Run(); err != nil {
		t.Errorf("%v\n%s", err, tail(output))
		for _, path := range []string{"/var/log/dpkid.log", "/var/log/ssh.log", filepath.Join(work, "sandbox.log")} {
			t.Logf("--- %s\n%s", path, tail(path))
		}
		t.Logf("--- syslog\n%s", log.Text())
		return
	}
	t.Logf("%d blocks in %v", running(found), time.Since(began).Round(time.Second))
	for _, unit := range []string{"dpkid", "ssh"} {
		if err := exec.Command("systemctl", "stop", unit).Run(); err != nil {
			t.Errorf("stop %s: %v", unit, err)
		}
	}
}

func running(found []block) int {
	n := 0
	for _, b := range found {
		if b.lang == "sh" {
			n++
		}
	}
	return n
}

// tail is the end of a file, which is where a failure is.
func tail(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		return []byte(err.Error())
	}
	return b[max(0, len(b)-8<<10):]
}

// What the document takes for granted and this machine lacks: systemd, and a
// person who types passphrases.
const (
	systemctl = `#!/bin/sh
# systemctl VERB UNIT for two units, which are processes here.
unit=$2
pid=/run/$unit.pid
alive() { [ -e "$pid" ] && kill -0 "$(cat "$pid")" 2>/dev/null; }
stop() { if alive; then kill "$(cat "$pid")"; while alive; do sleep 0.05; done; fi; rm -f "$pid"; }
start() {
	case $2 in
	dpkid) set -- dpkid run ;;
	ssh) set -- /usr/sbin/sshd -D -e ;;
	*) exit 5 ;;
	esac
	setsid "$@" >>"/var/log/$unit.log" 2>&1 </dev/null &
	echo $! >"$pid"
}
case $1 in
start) alive || start "$@" ;;
stop) stop ;;
restart) stop; start "$@" ;;
reload) alive && kill -HUP "$(cat "$pid")" ;;
*) exit 1 ;;
esac
`
	person = `#!/bin/sh
exec /usr/bin/dpki --passphrase-file "$HOME/sandbox/admin.passphrase" "$@"
`
)

// furnish gives the machine what openssh-server's installation and a person
// would: host keys, a running sshd, the passphrase.
func furnish(t *testing.T) {
	t.Helper()
	for path, text := range map[string]string{"/usr/local/sbin/systemctl": systemctl, "/usr/local/sbin/dpki": person} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	name := filepath.Join(harness.RepoRoot(), "packaging/bin/dpki-ssh")
	for _, args := range [][]string{{"install", name, "/usr/local/sbin/dpki-ssh"}, {"ssh-keygen", "-A"}, {"systemctl", "start", "ssh"}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	// What an earlier run of this test left (-count).
	for _, path := range []string{"/etc/dpki", "/var/lib/dpki", "/run/dpki", "/root/sandbox", "/root/.config/dpki", "/root/.local/state/dpki"} {
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll("/etc/dpki/breakglass.d", 0o755); err != nil {
		t.Fatal(err)
	}
}
