package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/internal/harness"
	"dpki/internal/harness/sshd"
	"dpki/internal/harness/sshkey"
	"dpki/sshca"
	"dpki/state"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki", "dpki-sandbox") }

// rig is an organisation whose host CA certifies, and an sshd that lets one key in:
// who may log in is not the question here.
type rig struct {
	*testing.T
	dir, sandbox string
	node         *harness.Proc
	anchor       anchor.Anchor
	ca           ssh.Signer
	key          string // private key file of the user
	allowed      string // authorized_keys of every sshd
}

type result struct {
	code           int
	stdout, stderr string
	took           time.Duration
}

func newRig(t *testing.T) *rig {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	r := &rig{T: t, dir: t.TempDir()}
	r.sandbox = filepath.Join(r.dir, "sandbox")
	r.node = harness.Start(t, harness.Command{
		Path: harness.Bin(t, "dpki-sandbox"), Args: []string{"--dir", r.sandbox, "--block-time", "1s"}, Ready: harness.Says("ready"),
	})
	r.dpki(0, "identity", "create", "--chain-key", filepath.Join(r.sandbox, "admin.json"))
	r.dpki(0, "network", "use", filepath.Join(r.sandbox, "network.toml"))
	r.dpki(0, "org", "create", "acme")
	r.dpki(0, "zone", "create", "plant")
	r.ca = r.newCA("hosts")
	var org struct{ Anchor anchor.Anchor }
	r.decode(r.dpki(0, "org", "show", "--json"), &org)
	r.anchor = org.Anchor

	user := sshkey.New(t)
	r.key, r.allowed = filepath.Join(r.dir, "user"), filepath.Join(harness.RootDir(t), "authorized_keys")
	user.Save(t, r.key)
	r.must(os.WriteFile(r.allowed, ssh.MarshalAuthorizedKey(user.PublicKey()), 0o644))
	return r
}

// newCA makes a host CA and opens its key as the administrator would.
func (r *rig) newCA(label string) ssh.Signer {
	r.Helper()
	r.dpki(0, "ca", "create", label, "--host")
	return r.open(label)
}

// open opens a CA's key.
func (r *rig) open(label string) ssh.Signer {
	r.Helper()
	ca, err := sshca.LoadKey(filepath.Join(r.dir, "home/ca", label), func() ([]byte, error) {
		text, err := os.ReadFile(filepath.Join(r.sandbox, "admin.passphrase"))
		return bytes.TrimSpace(text), err
	})
	r.must(err)
	return ca
}

// enrol adds a device by its host key, at an address, and returns its id.
func (r *rig) enrol(name string, host ssh.PublicKey, address string) state.Word {
	r.Helper()
	id, err := bundle.GenerateIdentity()
	r.must(err)
	request, err := id.NewRequest(r.anchor, name, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(host))))
	r.must(err)
	text, err := request.Marshal()
	r.must(err)
	file := filepath.Join(r.dir, name+".request")
	r.must(os.WriteFile(file, text, 0o600))
	r.dpki(0, "device", "add", file, "--address", address, "--fingerprint", request.Fingerprint())
	var shown struct{ ID string }
	r.decode(r.dpki(0, "device", "show", name, "--json"), &shown)
	device, err := state.ParseWord(shown.ID)
	r.must(err)
	return device
}

// certified is the HostCertificate of an sshd, for a device, from now for an hour.
func (r *rig) certified(ca ssh.Signer, device state.Word) func(ssh.PublicKey) []byte {
	return func(host ssh.PublicKey) []byte {
		now := uint64(time.Now().Unix())
		cert, err := sshca.IssueHost(ca, host, sshca.Host{Device: device, From: now - 60, Until: now + 3600})
		r.must(err)
		return ssh.MarshalAuthorizedKey(cert)
	}
}

// serve starts an sshd that lets the user in.
func (r *rig) serve(keyFile string, certificate func(ssh.PublicKey) []byte) *sshd.Server {
	r.Helper()
	return sshd.Start(r.T, sshd.Config{Lines: []string{"AuthorizedKeysFile " + r.allowed}, HostKeyFile: keyFile, HostCertificate: certificate})
}

// ssh runs the real one with the written configuration, an empty home, no terminal
// to ask on and nothing to answer with. at, unless nil, is the sshd that has taken
// the device's place.
func (r *rig) ssh(want int, device string, at *sshd.Server, more ...string) result {
	r.Helper()
	home := r.TempDir()
	args := []string{"-F", filepath.Join(r.dir, "home/ssh_config"), "-i", r.key, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"}
	if at != nil {
		args = append(args, "-p", strings.TrimPrefix(at.Addr(), "127.0.0.1:"))
	}
	got := r.run(want, home, "ssh", append(append(args, more...), device, "true")...)
	if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
		r.Errorf("ssh wrote into its home: %v, %v", left, err)
	}
	if strings.Contains(got.stderr, "continue connecting") {
		r.Errorf("ssh asked: %s", got.stderr)
	}
	return got
}

// age makes what was read of a device older.
func (r *rig) age(device state.Word, by time.Duration) {
	r.Helper()
	path := filepath.Join(r.dir, "home/state", r.anchor.Org.String(), "seen", device.String())
	_, err := os.Stat(path)
	r.must(err)
	r.must(os.WriteFile(path, strconv.AppendInt(nil, time.Now().Add(-by).UnixNano(), 10), 0o600))
}

func (r *rig) dpki(want int, args ...string) result {
	r.Helper()
	return r.run(want, r.dir, harness.Bin(r.T, "dpki"),
		append([]string{"--home", filepath.Join(r.dir, "home"), "--passphrase-file", filepath.Join(r.sandbox, "admin.passphrase")}, args...)...)
}

func (r *rig) run(want int, home, program string, args ...string) result {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = home
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + home, "TMPDIR=" + os.TempDir()}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal to ask on
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.Fatalf("%s %q: %v", filepath.Base(program), args, err)
	}
	got := result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String(), time.Since(began)}
	if got.code != want {
		r.Fatalf("%s %q ended with %d, want %d\n%s%s", filepath.Base(program), args, got.code, want, got.stdout, got.stderr)
	}
	return got
}

func (r *rig) says(text string, words ...string) {
	r.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			r.Errorf("no %q in\n%s", w, text)
		}
	}
}

func (r *rig) decode(got result, v any) {
	r.Helper()
	r.must(json.Unmarshal([]byte(got.stdout), v))
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}
