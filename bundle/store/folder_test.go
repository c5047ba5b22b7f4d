package store_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/bundle/store/storetest"
)

func TestFolder(t *testing.T) {
	f := store.Folder{Path: filepath.Join(t.TempDir(), "a", "blocks")}
	storetest.Test(t, f)
	files, err := os.ReadDir(f.Path)
	if err != nil || len(files) != 3 {
		t.Errorf("%d files, %v, want the three blocks and nothing else", len(files), err)
	}
	for _, file := range files {
		if _, err := bundle.ParseCID(file.Name()); err != nil {
			t.Errorf("left behind: %s", file.Name())
		}
	}
}

func TestFolderUnpin(t *testing.T) {
	f := store.Folder{Path: t.TempDir()}
	id, err := f.Put(t.Context(), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Unpin(t.Context(), id); err != nil {
			t.Errorf("Unpin: %v", err)
		}
	}
	if _, err := f.Get(t.Context(), id, 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after Unpin: %v, want ErrNotFound", err)
	}
}

// Whoever can write the folder can withhold, and nothing else.
func TestAttackFolder(t *testing.T) {
	block := []byte("a block")
	id := bundle.Sum(block)
	for _, test := range []struct {
		name string
		do   func(path string) error
		want error
	}{
		{"other bytes", func(p string) error { return os.WriteFile(p, []byte("a clock"), 0o644) }, store.ErrAltered},
		{"cut short, as by a full disk", func(p string) error { return os.Truncate(p, 3) }, store.ErrAltered},
		{"emptied", func(p string) error { return os.Truncate(p, 0) }, store.ErrAltered},
		{"a terabyte", func(p string) error { return os.Truncate(p, 1<<40) }, store.ErrTooLarge},
		{"a FIFO that would hang the reader", func(p string) error {
			return errors.Join(os.Remove(p), syscall.Mkfifo(p, 0o644))
		}, store.ErrUnavailable},
		{"an endless device", func(p string) error {
			return errors.Join(os.Remove(p), os.Symlink("/dev/zero", p))
		}, store.ErrUnavailable},
		{"a folder", func(p string) error { return errors.Join(os.Remove(p), os.Mkdir(p, 0o755)) }, store.ErrUnavailable},
		{"removed", os.Remove, store.ErrNotFound},
		{"untouched", func(string) error { return nil }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := store.Folder{Path: t.TempDir()}
			if _, err := f.Put(t.Context(), block); err != nil {
				t.Fatal(err)
			}
			if err := test.do(filepath.Join(f.Path, id.String())); err != nil {
				t.Fatal(err)
			}
			got, err := f.Get(t.Context(), id, 0)
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || bytes.Equal(got, block) != (test.want == nil) {
				t.Errorf("%q, %v, want %v", got, err, test.want)
			}
			if test.name == "a folder" {
				return // cannot be replaced by a file; Put says so
			}
			if _, err := f.Put(t.Context(), block); err != nil {
				t.Errorf("Put over it: %v", err)
			}
			if got, err := f.Get(t.Context(), id, 0); err != nil || !bytes.Equal(got, block) {
				t.Errorf("after Put: %q, %v", got, err)
			}
		})
	}
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	f := store.Folder{Path: filepath.Join(file, "sub")}
	if _, err := f.Put(t.Context(), []byte("x")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Put: %v, want ErrUnavailable", err)
	}
	if _, err := f.Get(t.Context(), bundle.Sum([]byte("x")), 0); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Get: %v, want ErrUnavailable", err)
	}
}
