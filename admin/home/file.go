package home

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"dpki/internal/file"
)

// Replace writes a file of mode 0600: whole or not at all, whatever happens.
func Replace(path string, content []byte) error { return file.Replace(path, content, 0o600) }

// Publish writes a file of mode 0644 as Replace does: public keys, certificates.
func Publish(path string, content []byte) error { return file.Replace(path, content, 0o644) }

// Create writes a new file of mode 0600 and refuses to replace one
// (file.ErrExists): keys.
func Create(path string, content []byte) error { return file.Create(path, content, 0o600) }

// Read reads a file of at most max bytes. The limit holds for pipes and devices too.
func Read(path string, max int) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, int64(max)+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(b) > max {
		return nil, fmt.Errorf("%s is longer than %d bytes", path, max)
	}
	return b, nil
}

// ErrForeign: the file is there already and holds something else.
var ErrForeign = errors.New("it is there already and holds something else")

// CheckOwn refuses to have a file written over that does not begin as what a
// command writes there: a mistyped name may be that of a key.
func CheckOwn(path, begins string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	head := make([]byte, len(begins))
	switch n, err := io.ReadFull(f, head); {
	case n == 0 && errors.Is(err, io.EOF), err == nil && string(head) == begins:
		return nil
	default:
		return ErrForeign
	}
}
