package clients

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/internal/harness"
	"dpki/internal/harness/desk"
	"dpki/internal/harness/sshd"
	"dpki/internal/harness/sshkey"
	"dpki/sshca"
	"dpki/state"
)

func TestMain(m *testing.M) { harness.Main(m, "dpki", "dpki-sandbox") }

// rig is an organisation whose host CA certifies, and an sshd that lets one key in:
// who may log in is not the question here.
type rig struct {
	*desk.Desk
	ca      ssh.Signer
	key     string // private key file of the user
	allowed string // authorized_keys of every sshd
}

func newRig(t *testing.T) *rig {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	r := &rig{Desk: desk.New(t, nil)}
	r.ca = r.newCA("hosts")
	user := sshkey.New(t)
	r.key, r.allowed = filepath.Join(r.Dir, "user"), filepath.Join(harness.RootDir(t), "authorized_keys")
	user.Save(t, r.key)
	r.Must(os.WriteFile(r.allowed, ssh.MarshalAuthorizedKey(user.PublicKey()), 0o644))
	return r
}

// newCA makes a host CA.
func (r *rig) newCA(label string) ssh.Signer {
	r.Helper()
	r.Dpki(0, "ca", "create", label, "--host")
	return r.CA(label)
}

// enrol adds a device by its host key, at an address, and returns its id.
func (r *rig) enrol(name string, host ssh.PublicKey, address string) state.Word {
	r.Helper()
	id, err := bundle.GenerateIdentity()
	r.Must(err)
	file, request := r.Request(id, name, host)
	r.Dpki(0, "device", "add", file, "--address", address, "--fingerprint", request.Fingerprint())
	return r.Device(name)
}

// certified is the HostCertificate of an sshd, for a device, from now for an hour.
func (r *rig) certified(ca ssh.Signer, device state.Word) func(ssh.PublicKey) []byte {
	return func(host ssh.PublicKey) []byte {
		now := uint64(time.Now().Unix())
		cert, err := sshca.IssueHost(ca, host, sshca.Host{Device: device, From: now - 60, Until: now + 3600})
		r.Must(err)
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
func (r *rig) ssh(want int, device string, at *sshd.Server, more ...string) desk.Result {
	r.Helper()
	home := r.TempDir()
	args := []string{"-F", filepath.Join(r.Home(), "ssh_config"), "-i", r.key, "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"}
	if at != nil {
		args = append(args, "-p", strings.TrimPrefix(at.Addr(), "127.0.0.1:"))
	}
	got := r.Run(want, home, "ssh", append(append(args, more...), device, "true")...)
	if left, err := os.ReadDir(home); err != nil || len(left) > 0 {
		r.Errorf("ssh wrote into its home: %v, %v", left, err)
	}
	if strings.Contains(got.Stderr, "continue connecting") {
		r.Errorf("ssh asked: %s", got.Stderr)
	}
	return got
}

// age makes what was read of a device older.
func (r *rig) age(device state.Word, by time.Duration) {
	r.Helper()
	path := filepath.Join(r.Home(), "state", r.Anchor.Org.String(), "seen", device.String())
	_, err := os.Stat(path)
	r.Must(err)
	r.Must(os.WriteFile(path, strconv.AppendInt(nil, time.Now().Add(-by).UnixNano(), 10), 0o600))
}
