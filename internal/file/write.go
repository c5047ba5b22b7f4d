package file

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExists: the file is there already and is not replaced.
var ErrExists = errors.New("exists already")

// unnamed are the names of files that are being written.
const unnamed = ".dpki-*"

// Tidy removes files that were being written in a folder when the program was
// killed. Nobody may be writing there.
func Tidy(folder string) {
	left, err := filepath.Glob(filepath.Join(folder, unnamed))
	if err != nil {
		return // a folder whose name is a pattern
	}
	for _, path := range left {
		os.Remove(path)
	}
}

// Replace writes a file. Whoever reads it, and whatever crashes, finds the old
// bytes or the new ones.
func Replace(path string, content []byte, mode fs.FileMode) error {
	return write(path, content, mode, os.Rename)
}

// Create writes a new file, and fails with ErrExists where anything has its
// name. A crash leaves the whole file or none.
func Create(path string, content []byte, mode fs.FileMode) error {
	err := write(path, content, mode, os.Link)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s: %w", path, ErrExists)
	}
	return err
}

// write has the bytes on disk under another name, in the same folder, before
// place gives them theirs.
func write(path string, content []byte, mode fs.FileMode, place func(from, to string) error) error {
	temp, err := os.CreateTemp(filepath.Dir(path), unnamed) // O_EXCL, 0600
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // a link; gone already where it was renamed
	_, err = temp.Write(content)
	if err == nil {
		err = temp.Chmod(mode)
	}
	if err == nil {
		err = temp.Sync()
	}
	if err := errors.Join(err, temp.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := place(temp.Name(), path); err != nil {
		return err
	}
	return SyncFolder(filepath.Dir(path))
}

// SyncFolder has a folder's names on disk.
func SyncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
