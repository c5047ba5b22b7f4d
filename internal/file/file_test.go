package file

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

func TestWrite(t *testing.T) {
	for name, c := range map[string]struct {
		write func(string, []byte, fs.FileMode) error
		again error // where the file is there already
	}{"Replace": {Replace, nil}, "Create": {Create, ErrExists}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "f")
			if err := c.write(path, []byte("one"), 0o640); err != nil {
				t.Fatal(err)
			}
			if info, err := os.Stat(path); err != nil || info.Mode() != 0o640 {
				t.Errorf("mode %v, %v", info.Mode(), err)
			}
			if err := c.write(path, []byte("two"), 0o600); !errors.Is(err, c.again) {
				t.Errorf("again: %v, want %v", err, c.again)
			}
			want := map[bool]string{true: "two", false: "one"}[c.again == nil]
			if got, err := os.ReadFile(path); err != nil || string(got) != want {
				t.Errorf("holds %q, %v; want %q", got, err, want)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
	// A link in the name's place, to nowhere, counts as something that is there.
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	if err := Create(filepath.Join(dir, "link"), nil, 0o600); !errors.Is(err, ErrExists) {
		t.Errorf("over a link: %v", err)
	}
	if err := Replace(filepath.Join(dir, "no", "f"), nil, 0o600); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

func TestReadSecret(t *testing.T) {
	const max = 8
	for name, c := range map[string]struct {
		change func(path string) error
		links  Links
		want   error
	}{
		"good":                   {func(string) error { return nil }, NoLinks, nil},
		"read only":              {func(p string) error { return os.Chmod(p, 0o400) }, NoLinks, nil},
		"readable by the group":  {func(p string) error { return os.Chmod(p, 0o640) }, NoLinks, ErrUnsafe},
		"readable by all":        {func(p string) error { return os.Chmod(p, 0o604) }, FollowLinks, ErrUnsafe},
		"writable by the group":  {func(p string) error { return os.Chmod(p, 0o620) }, NoLinks, ErrUnsafe},
		"a link":                 {link, NoLinks, ErrUnsafe},
		"a link that may be one": {link, FollowLinks, nil},
		"a FIFO":                 {func(p string) error { return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o600)) }, FollowLinks, ErrUnsafe},
		"a folder":               {func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o700)) }, FollowLinks, ErrUnsafe},
		"absent":                 {os.Remove, NoLinks, fs.ErrNotExist},
		"too long":               {func(p string) error { return os.WriteFile(p, make([]byte, max+1), 0o600) }, NoLinks, ErrTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "secret")
			secret := []byte("12345678")
			if err := os.WriteFile(path, secret, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := c.change(path); err != nil {
				t.Fatal(err)
			}
			got, err := ReadSecret(path, max, c.links)
			if !errors.Is(err, c.want) || (err == nil) != bytes.Equal(got, secret) {
				t.Errorf("%q, %v; want %v", got, err, c.want)
			}
		})
	}
}

// link puts a link in a file's place, to that file.
func link(path string) error {
	return errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path))
}

func TestReadSecretOfAnother(t *testing.T) {
	if os.Geteuid() == 0 {
		path := filepath.Join(t.TempDir(), "secret")
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, 12345, -1)); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadSecret(path, 8, NoLinks); !errors.Is(err, ErrUnsafe) {
			t.Errorf("a file of another user: %v", err)
		}
		return
	}
	if _, err := ReadSecret("/etc/passwd", 1<<20, NoLinks); !errors.Is(err, ErrUnsafe) {
		t.Errorf("a file of root: %v", err)
	}
}

// What a killed program was writing is removed, and nothing else.
func TestTidy(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{".dpki-123", "kept", ".dpki"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	Tidy(dir)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 || left[0].Name() != ".dpki" || left[1].Name() != "kept" {
		t.Errorf("left: %v, %v", left, err)
	}
}
