package config

import (
	"errors"
	"io/fs"
	"os"
	"slices"
)

// Change is what one file becomes. Nil is no file.
type Change struct {
	Path     string
	Old, New []byte
	Mode     fs.FileMode
}

// Changes are made together.
type Changes []Change

// Make makes all changes. Where one cannot be made, those before it are taken back.
func (all Changes) Make() error {
	for i, c := range all {
		if err := c.put(c.New); err != nil {
			return errors.Join(err, all[:i].TakeBack())
		}
	}
	return nil
}

// TakeBack writes what was there.
func (all Changes) TakeBack() (err error) {
	for _, c := range slices.Backward(all) {
		err = errors.Join(err, c.put(c.Old))
	}
	return err
}

func (c Change) put(text []byte) error {
	if text == nil {
		return os.Remove(c.Path)
	}
	return Write(c.Path, text, c.Mode)
}
