package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExists says that a file is there already.
var ErrExists = errors.New("exists already")

// Write replaces a file as a whole: whoever reads it, and whatever crashes,
// finds the old bytes or the new ones.
func Write(path string, text []byte, mode fs.FileMode) error {
	return write(path, text, mode, os.Rename)
}

// WriteNew makes a file and refuses to replace one.
func WriteNew(path string, text []byte, mode fs.FileMode) error {
	err := write(path, text, mode, func(temp, path string) error {
		if err := os.Link(temp, path); errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("%s: %w", path, ErrExists)
		} else if err != nil {
			return err
		}
		return os.Remove(temp)
	})
	return err
}

func write(path string, text []byte, mode fs.FileMode, place func(temp, path string) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".dpki-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := place(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
