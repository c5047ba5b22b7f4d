package chainkey

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"dpki/internal/file"
	"dpki/state"
)

func TestCreateAndOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key.json")
	made, err := Create(path, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Address(path); err != nil || got != made {
		t.Errorf("Address: %v, %v, want %v", got, err, made)
	}
	key, err := Open(path, []byte("secret"))
	if err != nil || state.Address(crypto.PubkeyToAddress(key.PublicKey)) != made {
		t.Errorf("Open: %v", err)
	}
	if _, err := Open(path, []byte("Secret")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("wrong passphrase: %v", err)
	}
	if _, err := Create(path, []byte("secret")); !errors.Is(err, file.ErrExists) {
		t.Errorf("replaced: %v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil || strings.Contains(string(text), hex.EncodeToString(crypto.FromECDSA(key))) {
		t.Errorf("the key stands in the file in clear, or %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, []byte("secret")); !errors.Is(err, ErrMode) {
		t.Errorf("a file that others may read was opened: %v", err)
	}
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Address(fifo); !errors.Is(err, ErrMode) {
		t.Errorf("a FIFO: %v", err)
	}
}

func TestImport(t *testing.T) {
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	want := state.Address(crypto.PubkeyToAddress(key.PublicKey))
	dir := t.TempDir()
	raw := filepath.Join(dir, "raw.json")
	got, err := Import(raw, []byte("0x"+hex.EncodeToString(crypto.FromECDSA(key))+"\n"), []byte("secret"))
	if err != nil || got != want {
		t.Fatalf("%v, %v, want %v", got, err, want)
	}
	text, err := os.ReadFile(raw)
	if err != nil || !IsKeystore(text) {
		t.Fatalf("not a keystore: %v", err)
	}
	if got, err := Import(filepath.Join(dir, "again.json"), text, nil); err != nil || got != want {
		t.Errorf("keystore: %v, %v", got, err)
	}
	for name, bad := range map[string]string{
		"empty": "", "short": "abcd", "not hex": strings.Repeat("x", 64), "zero": strings.Repeat("0", 64), "long": strings.Repeat("1", 66),
		"version 1": `{"version":1,"address":"00"}`, "no address": `{"version":3}`,
	} {
		if _, err := Import(filepath.Join(dir, name), []byte(bad), []byte("secret")); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
	// A file whose clear address is not the key's: a payment to it would be lost.
	other := strings.Replace(string(text), hex.EncodeToString(want[:]), strings.Repeat("ab", 20), 1)
	path := filepath.Join(dir, "other.json")
	if err := os.WriteFile(path, []byte(other), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, []byte("secret")); !errors.Is(err, ErrFormat) {
		t.Errorf("another account's address: %v, want ErrFormat", err)
	}
}
