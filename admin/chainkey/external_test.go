package chainkey

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"dpki/state"
)

func TestRefer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	want := External{"unix:/run/user/1000/clef.ipc", state.Address{1}}
	if err := Refer(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := Where(path); err != nil || got != want {
		t.Errorf("Where: %v, %v", got, err)
	}
	if a, err := Address(path); err != nil || a != want.Address {
		t.Errorf("Address: %v, %v", a, err)
	}
	if _, err := Open(path, nil); !errors.Is(err, ErrExternal) {
		t.Errorf("opened: %v", err)
	}
	if err := Refer(path, want); err == nil {
		t.Error("it was replaced")
	}
	if _, err := Import(filepath.Join(t.TempDir(), "x"), mustRead(t, path), nil); !errors.Is(err, ErrFormat) {
		t.Errorf("taken over as a key: %v", err)
	}
	kept := filepath.Join(t.TempDir(), "kept.json")
	if _, err := Create(kept, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if got, err := Where(kept); err != nil || got != (External{}) {
		t.Errorf("a keystore file is elsewhere: %v, %v", got, err)
	}
}

// A signer on another machine would be shown, and could be shown falsely, what is
// signed here.
func TestSignersElsewhereAreRefused(t *testing.T) {
	for _, good := range []string{"http://127.0.0.1:8550", "http://127.0.0.1:8550/", "http://[::1]:8550", "unix:/run/clef.ipc", LedgerURL} {
		if err := (External{good, state.Address{1}}).Check(); err != nil {
			t.Errorf("twin %s: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "http://192.0.2.1:8550", "http://localhost:8550", "https://127.0.0.1:8550", "http://127.0.0.1", "http://u:p@127.0.0.1:8550", "http://127.0.0.1:8550/?k=v",
		"http://127.0.0.1:8550/path", "http://127.0.0.1.example.org:8550", "ws://127.0.0.1:8550", "unix:", "unix:clef.ipc", "unix:/run/../tmp/x", "ledger:1", "file:/x",
	} {
		if err := (External{bad, state.Address{1}}).Check(); !errors.Is(err, ErrURL) {
			t.Errorf("%q: %v, want ErrURL", bad, err)
		}
	}
	if err := (External{LedgerURL, state.Address{}}).Check(); err == nil {
		t.Error("no account was accepted")
	}
}

// What needs C libraries and a device is at least compiled, so that it does not rot.
func TestLedgerCompiles(t *testing.T) {
	cmd := exec.Command("go", "vet", "-tags", "ledger", ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := (External{LedgerURL, state.Address{1}}).Signer(); !errors.Is(err, ErrSigner) {
		t.Errorf("a build without it: %v", err)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Whatever stands in the file: it says one thing or nothing.
func FuzzExternal(f *testing.F) {
	f.Add([]byte(`{"version":1,"signer":"unix:/run/clef.ipc","address":"0x0100000000000000000000000000000000000000"}`))
	f.Add([]byte(`{"version":1,"signer":"ledger:","address":"0x0100000000000000000000000000000000000000"}{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseExternal(b)
		if err == nil && (e.Check() != nil || IsKeystore(b)) {
			t.Errorf("%q was read as %v", b, e)
		}
	})
}
