package breakglass

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// ErrUnsafe says that a file or folder, or one above it, does not belong to root, is writable by others or is a link.
var ErrUnsafe = errors.New("not root's alone, or not a plain file or folder")

// oPath is O_PATH of open(2), which package syscall lacks: a folder that may be searched but not listed can be passed through.
const oPath = 0x200000

// open walks from root to the absolute path and opens its last component with flags. Nothing on the way is a link and nothing
// can be replaced by anybody but the owner.
func open(root string, owner uint32, path string, flags int) (*os.File, error) {
	dir, err := retry(func() (int, error) { return syscall.Open(root, oPath|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0) })
	if err != nil {
		return nil, fmt.Errorf("%q: %w", root, err)
	}
	parts := strings.Split(strings.TrimPrefix(path, "/"), "/")
	for i, part := range parts {
		if err := check(dir, owner, syscall.S_IFDIR); err != nil {
			syscall.Close(dir)
			return nil, fmt.Errorf("%q: %w", "/"+strings.Join(parts[:i], "/"), err)
		}
		how := oPath | syscall.O_DIRECTORY
		if i == len(parts)-1 {
			how = flags
		}
		next, err := openAt(dir, part, how)
		syscall.Close(dir)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", path, err)
		}
		dir = next
	}
	return os.NewFile(uintptr(dir), path), nil
}

func openAt(dir int, name string, flags int) (int, error) {
	fd, err := retry(func() (int, error) {
		return syscall.Openat(dir, name, flags|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	})
	// Of a link O_NOFOLLOW says ELOOP, and with O_DIRECTORY ENOTDIR.
	if errors.Is(err, syscall.ELOOP) || errors.Is(err, syscall.ENOTDIR) {
		err = ErrUnsafe
	}
	return fd, err
}

func retry(f func() (int, error)) (int, error) {
	for {
		n, err := f()
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// check looks at the opened descriptor, so that what is checked is what is read.
func check(fd int, owner, format uint32) error {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Mode&syscall.S_IFMT != format || st.Uid != owner || st.Mode&0o022 != 0 {
		return ErrUnsafe
	}
	return nil
}

// readAll reads a plain file of at most max bytes.
func readAll(f *os.File, owner uint32, max int) ([]byte, error) {
	if err := check(int(f.Fd()), owner, syscall.S_IFREG); err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, int64(max)+1))
	if err != nil {
		return nil, err
	}
	if len(b) > max {
		return nil, errors.New("too long")
	}
	return b, nil
}
