package enroll

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"dpki/bundle"
	"dpki/device/config"
	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

var org = anchor.Anchor{Registry: state.Registry{ChainID: 7, Contract: state.Address{1}}, Org: state.Word{2}}

func setUp(t *testing.T) (config.Paths, Request) {
	t.Helper()
	dir := t.TempDir()
	p := config.Paths{Etc: filepath.Join(dir, "etc"), State: filepath.Join(dir, "state"), Run: filepath.Join(dir, "run")}
	return p, Request{Anchor: org, Name: "gate-7", HostKey: hostKey(t), Network: networkText(t, org.Registry)}
}

func hostKey(t *testing.T) string {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(ssh.MarshalAuthorizedKey(key)))
}

func networkText(t *testing.T, r state.Registry) []byte {
	t.Helper()
	b, err := network.File{Name: "test", ChainID: r.ChainID, Contract: r.Contract, Agree: 1, FeeModel: network.EIP1559, Endpoints: []string{"http://127.0.0.1:1"}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEnroll(t *testing.T) {
	p, r := setUp(t)
	first, err := Enroll(p, r)
	if err != nil || !first.Config {
		t.Fatalf("%+v, %v", first, err)
	}
	parsed, err := bundle.ParseRequest(first.Text)
	if err != nil || parsed.Name != "gate-7" || parsed.HostKey != r.HostKey || parsed.Anchor != org {
		t.Errorf("request: %+v, %v", parsed, err)
	}
	for path, mode := range map[string]os.FileMode{
		p.Identity(): 0o600, p.Journal(): 0o600, p.Request(): 0o600, p.Network(): 0o600, p.Config(): 0o644,
		p.State: 0o711 | os.ModeDir, p.BreakGlass(): 0o755 | os.ModeDir,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode() != mode {
			t.Errorf("%s: %v, %v; want %v", path, info.Mode(), err, mode)
		}
	}
	// The fingerprint that was read out stays the same.
	again, err := Enroll(p, r)
	if err != nil || again.Request.Fingerprint() != first.Request.Fingerprint() || again.Config {
		t.Errorf("again: %+v, %v", again, err)
	}
	// Another host key is another request, by the same identity.
	r.HostKey, r.Network = hostKey(t), nil
	other, err := Enroll(p, r)
	if err != nil || other.Request.Fingerprint() == first.Request.Fingerprint() || other.Request.SigningKey != first.Request.SigningKey {
		t.Errorf("another host key: %+v, %v", other, err)
	}
}

func TestEnrollRefuses(t *testing.T) {
	p, r := setUp(t)
	missing := r
	missing.Network = nil
	if _, err := Enroll(p, missing); !errors.Is(err, ErrNetwork) {
		t.Errorf("no network file: %v", err)
	}
	wrong := r
	wrong.Network = networkText(t, state.Registry{ChainID: 8, Contract: org.Registry.Contract})
	if _, err := Enroll(p, wrong); !errors.Is(err, ErrNetwork) {
		t.Errorf("another chain: %v", err)
	}
	if _, err := os.Stat(p.Config()); err == nil {
		t.Error("a refused enrolment wrote a configuration")
	}
	if _, err := Enroll(p, r); err != nil {
		t.Fatal(err)
	}
	other := r
	other.Anchor.Org = state.Word{3}
	if _, err := Enroll(p, other); !errors.Is(err, ErrOtherAnchor) {
		t.Errorf("another anchor: %v", err)
	}
	// A journal that was deleted is not made anew by enrolling again: an empty
	// one would accept any history.
	if err := os.Remove(p.Journal()); err != nil {
		t.Fatal(err)
	}
	if _, err := Enroll(p, r); !errors.Is(err, journal.ErrMissing) {
		t.Errorf("deleted journal: %v", err)
	}
	if err := journal.Create(p.Journal(), org); err != nil {
		t.Fatal(err)
	}
	if _, err := Enroll(p, r); err != nil {
		t.Errorf("the twin: %v", err)
	}
	os.Chmod(p.Identity(), 0o644)
	if _, err := Enroll(p, r); !errors.Is(err, bundle.ErrFileMode) {
		t.Errorf("identity that others may read: %v", err)
	}
}

func TestLeave(t *testing.T) {
	p, r := setUp(t)
	if _, err := Enroll(p, r); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(p.Journal(), org)
	if err != nil {
		t.Fatal(err)
	}
	if err := Leave(p); !errors.Is(err, ErrRunning) {
		t.Errorf("while the journal is in use: %v", err)
	}
	j.Close()
	if err := Leave(p); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{p.Config(), p.Identity(), p.Journal(), p.Request(), p.Network()} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s is left", path)
		}
	}
	other := r
	other.Anchor.Org = state.Word{3}
	if _, err := Enroll(p, other); err != nil {
		t.Errorf("another anchor after leaving: %v", err)
	}
}
