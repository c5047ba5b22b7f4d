package bundle

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestIdentityFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "identity")
	i := newIdentity(t)
	if err := i.Save(path); err != nil {
		t.Fatal(err)
	}
	got, err := LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.Recipient().String() != i.Recipient().String() || !got.SigningKey().Equal(i.SigningKey()) || got.MailboxSecret() != i.MailboxSecret() {
		t.Error("the loaded identity is another one")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	if err := newIdentity(t).Save(path); !errors.Is(err, ErrExists) {
		t.Errorf("saved over an identity: %v, want ErrExists", err)
	}
	if again, err := LoadIdentity(path); err != nil || again.MailboxSecret() != i.MailboxSecret() {
		t.Errorf("the refused save changed the file: %v", err)
	}
	names, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	hidden, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if err != nil || len(names)+len(hidden) != 1 {
		t.Errorf("left behind: %v %v", names, hidden)
	}
}

// Each row makes the file unsafe; the twin is the untouched file, checked first.
func TestAttackIdentityFile(t *testing.T) {
	for _, test := range []struct {
		name string
		do   func(path string) error
		want error
	}{
		{"readable by the group", func(p string) error { return os.Chmod(p, 0o640) }, ErrFileMode},
		{"readable by all", func(p string) error { return os.Chmod(p, 0o604) }, ErrFileMode},
		{"writable by the group", func(p string) error { return os.Chmod(p, 0o620) }, ErrFileMode},
		{"a symbolic link", func(p string) error {
			return errors.Join(os.Rename(p, p+".real"), os.Symlink(p+".real", p))
		}, ErrFileMode},
		{"a FIFO", func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) }, ErrFileMode},
		{"a folder", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, ErrFileMode},
		{"empty", func(p string) error { return os.Truncate(p, 0) }, ErrMalformed},
		{"cut short", func(p string) error { return os.Truncate(p, 100) }, ErrMalformed},
		{"too large", func(p string) error { return os.Truncate(p, 1<<20) }, ErrTooLarge},
		{"absent", os.Remove, os.ErrNotExist},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "identity")
			if err := testIdentity(t).Save(path); err != nil {
				t.Fatal(err)
			}
			if _, err := LoadIdentity(path); err != nil {
				t.Fatalf("twin: %v", err)
			}
			if err := test.do(path); err != nil {
				t.Fatal(err)
			}
			if i, err := LoadIdentity(path); !errors.Is(err, test.want) || i != nil {
				t.Errorf("%v, want %v", err, test.want)
			}
		})
	}
}

func TestAttackIdentityOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		// Without root nobody can make a file of another user: use one that is there.
		if _, err := LoadIdentity("/etc/passwd"); !errors.Is(err, ErrFileMode) {
			t.Errorf("a file of root: %v, want ErrFileMode", err)
		}
		return
	}
	path := filepath.Join(t.TempDir(), "identity")
	if err := testIdentity(t).Save(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadIdentity(path); !errors.Is(err, ErrFileMode) {
		t.Errorf("a file of somebody else: %v, want ErrFileMode", err)
	}
	if err := os.Chown(path, 0, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadIdentity(path); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestParseIdentityRefuses(t *testing.T) {
	good, err := testIdentity(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	replace := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q in the identity", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	for name, b := range map[string][]byte{
		"unknown version": replace(`"version":1`, `"version":2`),
		"unknown field":   replace(`{`, `{"more":1,`),
		"field twice":     replace(`{`, `{"version":1,`),
		"other case":      replace(`"version"`, `"Version"`),
		"null":            replace(`"version":1`, `"version":null`),
		"no mailbox":      replace(`mailbox_secret":"WkzYC52evF1Mxuef9DOAgorMqeGvChydQKH/ueJ82/A=`, `mailbox_secret":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=`),
		"lax base64":      replace(`2/A="`, `2/B="`),
		"lower-case key":  replace(`AGE-SECRET`, `age-secret`),
		"trailing":        append(bytes.Clone(good), '1'),
		"broken UTF-8":    replace(`AGE`, "AG\xff"),
	} {
		_, err := ParseIdentity(b)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), "SECRET-KEY") || strings.Contains(err.Error(), "WkzY")) {
			t.Errorf("%s: the message holds a secret: %v", name, err)
		}
	}
	i, err := ParseIdentity(good)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := i.Marshal(); err != nil || !bytes.Equal(again, good) {
		t.Errorf("Marshal(Parse(x)) differs: %v", err)
	}
}
