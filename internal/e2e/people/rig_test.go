package people

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/kubo"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"
	"dpki/internal/network"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki", "dpkid", "dpki-authkeys", "dpki-sandbox") }

// settled is how long a device may take for what it does at once: a bound for a
// busy machine, not what is measured.
const settled = time.Minute

// rig is an organisation with one device, gate-7, whose administrator has one IPFS
// node, while the device and the people ask another.
type rig struct {
	*desk.Desk
	network string // what device and people use
	sshd    *sshd.Server
}

func newRig(t *testing.T) *rig {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh, harness.SshKeygen, harness.Kubo)
	swarm := kubo.StartSwarm(t, 2)
	r := &rig{Desk: desk.New(t, func(n *network.File) { n.Stores = []network.Store{{Type: network.Kubo, URL: swarm[0].API}} })}
	n, err := network.Load(r.Network)
	r.Must(err)
	n.Stores = []network.Store{{Type: network.Gateway, URL: swarm[1].Gateway}}
	text, err := n.Marshal()
	r.Must(err)
	shared := harness.RootDir(t)
	r.Must(os.Chmod(shared, 0o755))
	r.network = filepath.Join(shared, "people.toml")
	r.Must(os.WriteFile(r.network, text, 0o644))
	r.Dpki(0, "ca", "create", "users")
	r.Dpki(0, "ca", "create", "hosts", "--host")
	r.device()
	return r
}

// device enrols this namespace's machine and starts its sshd and its daemon.
func (r *rig) device() {
	r.Helper()
	for _, dir := range []string{"/var/lib/dpki", "/etc/dpki", "/run/dpki"} {
		r.Must(os.RemoveAll(dir))
	}
	r.Must(os.MkdirAll("/etc/dpki", 0o755))
	dir := harness.RootDir(r.T) // what is delivered to its sshd goes there
	r.Must(os.MkdirAll(dir+"/sshd_config.d", 0o755))
	r.sshd = sshd.Start(r.T, sshd.Config{Command: machine.Helper, Lines: []string{"PidFile " + dir + "/sshd.pid", "Include " + dir + "/sshd_config.d/*.conf"}})
	r.Must(os.Symlink(r.sshd.ConfigFile, dir+"/sshd_config"))
	r.Must(os.WriteFile("/etc/dpki/deliveries.toml", fmt.Appendf(nil, "version = 1\nsshd_config = %q\n", dir+"/sshd_config"), 0o644))
	host := filepath.Join(r.Dir, "host.pub")
	r.Must(os.WriteFile(host, ssh.MarshalAuthorizedKey(r.sshd.Host), 0o600))
	request := filepath.Join(r.Dir, "gate-7.request")
	r.Run(0, "/root", harness.Bin(r.T, "dpkid"), "enroll", r.Anchor.String(), "--name", "gate-7", "--host-key", host, "--network", r.network, "--out", request)
	harness.Start(r.T, harness.Command{Path: harness.Bin(r.T, "dpkid"), Args: []string{"run"}})
	r.Dpki(0, "device", "add", request, "--address", r.sshd.Addr(), "--yes")
	harness.Eventually(r.T, settled, func() error {
		if got := r.Run(-1, "/root", harness.Bin(r.T, "dpkid"), "status"); got.Code != 0 {
			return errors.New(got.Stdout + got.Stderr)
		}
		return nil
	})
}

// laptop is a machine of a person's: an account that is not root's, and its home.
type laptop struct {
	*rig
	uid  uint32
	home string
}

// newLaptop is the account of somebody, with nothing of dpki's in it.
func (r *rig) newLaptop(name string, uid uint32) *laptop {
	r.Helper()
	l := &laptop{rig: r, uid: uid, home: "/run/home/" + name}
	for _, dir := range []string{".config", ".local", ".ssh"} {
		r.Must(os.RemoveAll(filepath.Join(l.home, dir)))
	}
	r.Must(os.Mkdir(filepath.Join(l.home, ".ssh"), 0o700))
	r.Must(os.Chown(filepath.Join(l.home, ".ssh"), int(uid), int(uid)))
	return l
}

// run runs a program there, as its user.
func (l *laptop) run(want int, program string, args ...string) desk.Result {
	l.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := l.command(ctx, program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		l.Fatalf("%s %q: %v", filepath.Base(program), args, err)
	}
	got := desk.Result{Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	if want >= 0 && got.Code != want {
		l.Fatalf("%s %q ended with %d, want %d\n%s%s", filepath.Base(program), args, got.Code, want, got.Stdout, got.Stderr)
	}
	return got
}

func (l *laptop) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = l.home
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + l.home}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: &syscall.Credential{Uid: l.uid, Gid: l.uid}}
	return cmd
}

func (l *laptop) dpki(want int, args ...string) desk.Result {
	l.Helper()
	return l.run(want, harness.Bin(l.T, "dpki"), args...)
}

// ask makes the keys and the request, which the administrator then has.
func (l *laptop) ask(name string) (request string) {
	l.Helper()
	file := filepath.Join(l.home, name+".request")
	l.Must(os.RemoveAll(file))
	l.dpki(0, "identity", "request", l.Anchor.String(), "--name", name, "--network", l.network, "--as", "acme", "--out", file)
	text, err := os.ReadFile(file)
	l.Must(err)
	request = filepath.Join(l.Dir, fmt.Sprintf("%s-%d.request", name, time.Now().UnixNano()))
	l.Must(os.WriteFile(request, text, 0o600))
	return request
}

// include is what dpki receive says to do, once.
func (l *laptop) include() {
	l.Helper()
	line := l.dpki(0, "ssh-config").Stdout
	if !strings.HasPrefix(line, "Include "+l.home) {
		l.Fatalf("ssh-config: %q", line)
	}
	config := filepath.Join(l.home, ".ssh", "config")
	l.Must(os.WriteFile(config, []byte(line), 0o600))
	l.Must(os.Chown(config, int(l.uid), int(l.uid)))
}

// ssh is plain ssh, by the device's name. The device sees what was written within
// seconds: the status may be another until then.
func (l *laptop) ssh(want int, more ...string) (got desk.Result) {
	l.Helper()
	harness.Eventually(l.T, settled, func() error {
		if got = l.run(-1, "ssh", append(append([]string{"-T"}, more...), "gate-7", "id -un")...); got.Code != want {
			return fmt.Errorf("ssh ended with %d, want %d\n%s", got.Code, want, got.Stderr)
		}
		return nil
	})
	if strings.Contains(got.Stderr, "continue connecting") {
		l.Errorf("ssh asked: %s", got.Stderr)
	}
	return got
}
