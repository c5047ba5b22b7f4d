package sshca

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/internal/file"
	"dpki/internal/harness"
)

func ask(secret string) Passphrase {
	return func() ([]byte, error) { return []byte(secret), nil }
}

func TestCreateAndLoadKey(t *testing.T) {
	for _, secret := range []string{"", "correct horse"} {
		path := filepath.Join(t.TempDir(), "ca")
		pub, err := CreateKey(path, "a CA", []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
		s, err := LoadKey(path, ask(secret))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.PublicKey().Marshal(), pub.Marshal()) {
			t.Error("another key came back")
		}
		before, _ := os.ReadFile(path)
		if _, err := CreateKey(path, "", nil); !errors.Is(err, file.ErrExists) {
			t.Errorf("over an existing file: %v", err)
		}
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Error("the existing file changed")
		}
	}
}

func TestLoadKeyRefuses(t *testing.T) {
	none := errors.New("no terminal")
	for _, row := range []struct {
		name string
		edit func(path string) error
		ask  Passphrase
		want error
	}{
		{"wrong passphrase", nil, ask("wrong"), ErrPassphrase},
		{"empty passphrase", nil, ask(""), ErrPassphrase},
		{"no passphrase", nil, nil, ErrNoPassphrase},
		{"nobody to ask", nil, func() ([]byte, error) { return nil, none }, none},
		{"readable by others", func(p string) error { return os.Chmod(p, 0o644) }, ask("right"), ErrKeyFileMode},
		{"writable by the group", func(p string) error { return os.Chmod(p, 0o620) }, ask("right"), ErrKeyFileMode},
		{"absent", os.Remove, ask("right"), fs.ErrNotExist},
		{"a folder", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, ask("right"), ErrKeyFileMode},
		{"a FIFO", func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) }, ask("right"), ErrKeyFileMode},
		{"empty", func(p string) error { return os.Truncate(p, 0) }, ask("right"), ErrKeyFileFormat},
		{"truncated", func(p string) error { return os.Truncate(p, 200) }, ask("right"), ErrKeyFileFormat},
		{"too long", func(p string) error { return os.Truncate(p, maxKeyFile+1) }, ask("right"), ErrKeyFileFormat},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "ca")
			if _, err := CreateKey(path, "", []byte("right")); err != nil {
				t.Fatal(err)
			}
			if _, err := LoadKey(path, ask("right")); err != nil {
				t.Fatalf("twin: %v", err)
			}
			if row.edit != nil {
				if err := row.edit(path); err != nil {
					t.Fatal(err)
				}
			}
			if s, err := LoadKey(path, row.ask); s != nil || !errors.Is(err, row.want) {
				t.Errorf("%v; want %v", err, row.want)
			}
		})
	}
}

// The passphrase's bytes are gone when LoadKey returns.
func TestPassphraseIsWiped(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca")
	if _, err := CreateKey(path, "", []byte("right")); err != nil {
		t.Fatal(err)
	}
	secret := []byte("right")
	if _, err := LoadKey(path, func() ([]byte, error) { return secret, nil }); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(secret, make([]byte, len(secret))) {
		t.Errorf("left %q", secret)
	}
}

// Keys that ssh-keygen has made load, whatever their algorithm.
func TestLoadKeysOfSSHKeygen(t *testing.T) {
	harness.Need(t, harness.SshKeygen)
	for _, args := range [][]string{
		{"-t", "ed25519", "-N", ""}, {"-t", "ed25519", "-N", "secret"}, {"-t", "ecdsa", "-b", "384", "-N", "secret"},
		{"-t", "rsa", "-b", "2048", "-N", ""}, {"-t", "rsa", "-b", "2048", "-m", "PEM", "-N", ""},
	} {
		path := filepath.Join(t.TempDir(), "ca")
		if out, err := exec.Command("ssh-keygen", append(args, "-q", "-f", path)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
		s, err := LoadKey(path, ask("secret"))
		if err != nil {
			t.Errorf("%v: %v", args, err)
			continue
		}
		text, err := os.ReadFile(path + ".pub")
		if err != nil {
			t.Fatal(err)
		}
		pub, _, _, _, err := ssh.ParseAuthorizedKey(text)
		if err != nil || !bytes.Equal(pub.Marshal(), s.PublicKey().Marshal()) {
			t.Errorf("%v: another key, %v", args, err)
		}
	}
}
