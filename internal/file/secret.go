package file

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
)

// Why a file is not read. A caller wraps them in words of its own.
var (
	// ErrUnsafe: no regular file, another owner than the effective user, or open
	// to anybody else.
	ErrUnsafe = errors.New("unsafe owner, mode or type")
	// ErrTooLong: more bytes than the caller takes.
	ErrTooLong = errors.New("too long")
)

// Links says whether a path may end in a symbolic link.
type Links bool

// A link that is not followed is ErrUnsafe.
const (
	NoLinks     Links = false
	FollowLinks Links = true
)

// ReadSecret reads a file of at most max bytes that belongs to the effective
// user and that nobody else may read or write.
func ReadSecret(path string, max int, links Links) ([]byte, error) {
	flags := os.O_RDONLY | syscall.O_NONBLOCK // of a FIFO, O_NONBLOCK opens at once
	if !links {
		flags |= syscall.O_NOFOLLOW
	}
	f, err := os.OpenFile(path, flags, 0)
	if !bool(links) && errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%s is a symbolic link: %w", path, ErrUnsafe)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || int(owner.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s has mode %v: %w", path, info.Mode(), ErrUnsafe)
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(max)+1))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	if len(b) > max {
		clear(b)
		return nil, fmt.Errorf("%s has more than %d bytes: %w", path, max, ErrTooLong)
	}
	return b, nil
}
