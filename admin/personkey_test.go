package admin

import (
	"os"
	"path/filepath"
	"testing"

	"dpki/admin/home"
	"dpki/sshca/profile"
)

// A login key whose public half was lost, or not written yet by who was killed, is
// the key that is used: another one in its place would be the end of it.
func TestLoginKeyIsNeverReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "home")
	h, err := home.New(dir, os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	first, err := CreatePerson(h, "")
	if err != nil {
		t.Fatal(err)
	}
	private, err := os.ReadFile(h.LoginKey())
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(h.LoginKey() + ".pub")
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "other")
	key, _, err := newPair()
	if err != nil {
		t.Fatal(err)
	}
	if err := home.Publish(other+".pub", []byte(profile.Line(key))); err != nil {
		t.Fatal(err)
	}
	kept := func(after string) {
		t.Helper()
		if now, err := os.ReadFile(h.LoginKey()); err != nil || string(now) != string(private) {
			t.Errorf("after %s the key is another: %v", after, err)
		}
	}
	if err := os.Remove(h.LoginKey() + ".pub"); err != nil {
		t.Fatal(err)
	}
	// Another key is not put in its place.
	if _, err := CreatePerson(h, other+".pub"); err == nil {
		t.Error("another key was taken")
	}
	kept("another key")
	// Nor one that needs a passphrase nobody was asked for, or is none.
	if err := os.WriteFile(h.LoginKey(), []byte("-----BEGIN OPENSSH PRIVATE KEY-----\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := CreatePerson(h, ""); err == nil {
		t.Error("what cannot be read was replaced")
	}
	if err := os.WriteFile(h.LoginKey(), private, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := CreatePerson(h, "")
	if err != nil || again.LoginKey != first.LoginKey {
		t.Errorf("%+v, want login key %s: %v", again, first.LoginKey, err)
	}
	kept("asking again")
	if text, err := os.ReadFile(h.LoginKey() + ".pub"); err != nil || string(text) != string(public) {
		t.Errorf("its public half: %q, %v", text, err)
	}
}
