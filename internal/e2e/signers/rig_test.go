package signers

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/accounts/keystore"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/google/uuid"

	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/state"
)

const (
	passphrase   = "correct horse battery staple"
	caPassphrase = "a goose walks over the bridge"
	pin          = "80246813"
)

// rig is a chain and an administrator's folder.
type rig struct {
	*testing.T
	chain   *devchain.Chain
	dir     string
	key     *ecdsa.PrivateKey
	account state.Address
	env     []string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "s") // the path of a socket is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &rig{T: t, chain: devchain.New(t, devchain.Options{MaxDrift: 2 * time.Minute}), dir: dir}
	if r.key, err = crypto.GenerateKey(); err != nil {
		t.Fatal(err)
	}
	r.account = state.Address(crypto.PubkeyToAddress(r.key.PublicKey))
	r.must(r.chain.Fund(context.Background(), r.account, devchain.Ether(10)))
	text, err := r.chain.Network().Marshal()
	r.must(err)
	r.write("network.toml", text)
	r.write("pass", []byte(passphrase+"\n"+caPassphrase+"\n"))
	return r
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rig) path(name string) string { return filepath.Join(r.dir, name) }

func (r *rig) write(name string, content []byte) {
	r.Helper()
	r.must(os.WriteFile(r.path(name), content, 0o600))
}

// keystore writes the account's key as clef and dpki read it.
func (r *rig) keystore(path string) {
	r.Helper()
	text, err := keystore.EncryptKey(&keystore.Key{Id: uuid.New(), Address: crypto.PubkeyToAddress(r.key.PublicKey), PrivateKey: r.key}, passphrase, 2, 1)
	r.must(err)
	r.must(os.MkdirAll(filepath.Dir(path), 0o700))
	r.must(os.WriteFile(path, text, 0o600))
}

// run runs a program and wants it to end with 0; its output is both streams.
func (r *rig) run(program string, args ...string) (stdout, stderr string) {
	r.Helper()
	code, stdout, stderr := r.try(program, args...)
	if code != 0 {
		r.Fatalf("%s %q ended with %d\n%s%s", filepath.Base(program), args, code, stdout, stderr)
	}
	return stdout, stderr
}

func (r *rig) try(program string, args ...string) (code int, stdout, stderr string) {
	r.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = r.dir
	cmd.Env = append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + r.dir}, r.env...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); e != nil && !errors.As(e, &exit) {
		r.Fatalf("%s %q: %v", filepath.Base(program), args, e)
	}
	return cmd.ProcessState.ExitCode(), out.String(), err.String()
}

func (r *rig) dpkiArgs(args ...string) []string {
	return append([]string{"--home", r.path("home"), "--passphrase-file", r.path("pass")}, args...)
}

func (r *rig) dpki(args ...string) string {
	r.Helper()
	out, _ := r.run(harness.Build(r.T, "./cmd/dpki"), r.dpkiArgs(args...)...)
	return out
}

// device enrols gate-7 and makes a technician's key, tech.
func (r *rig) device() {
	r.Helper()
	var org struct{ Anchor string }
	r.must(json.Unmarshal([]byte(r.dpki("org", "show", "--json")), &org))
	a, err := anchor.Parse(org.Anchor)
	r.must(err)
	id, err := bundle.GenerateIdentity()
	r.must(err)
	r.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", r.path("host"))
	host, err := os.ReadFile(r.path("host.pub"))
	r.must(err)
	request, err := id.NewRequest(a, "gate-7", string(host))
	r.must(err)
	text, err := request.Marshal()
	r.must(err)
	r.write("gate-7.req", text)
	r.dpki("device", "add", r.path("gate-7.req"), "--yes")
	r.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", r.path("tech"))
}

// grantAndLook grants root on gate-7 and has the decision itself say that the
// certificate lets in, and that another key does not.
func (r *rig) grantAndLook() (printed string) {
	r.Helper()
	out, notes := r.run(harness.Build(r.T, "./cmd/dpki"), r.dpkiArgs("grant", "gate-7", "--account", "root", "--for", "5m", "--key", r.path("tech.pub"), "--out", r.path("cert.pub"))...)
	r.dpki("explain", "gate-7", "--account", "root", "--cert", r.path("cert.pub"))
	if code, _, _ := r.try(harness.Build(r.T, "./cmd/dpki"), r.dpkiArgs("explain", "gate-7", "--account", "root", "--key", r.path("tech.pub"))...); code != 3 {
		r.Errorf("the key without its certificate: status %d, want 3", code)
	}
	return out + notes
}
