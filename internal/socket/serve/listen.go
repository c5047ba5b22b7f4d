package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
)

// Options says where a socket stands and who may connect to it.
type Options struct {
	Path string
	Mode fs.FileMode // permission bits; connecting needs write permission
	UID  int         // -1: leave it
	GID  int         // -1: leave it
}

// Listen makes the socket. It is bound under another name, given its owner and mode and then renamed, so that Path never stands
// with a wider mode than asked for and a helper never finds it gone while the daemon restarts. The folder must be writable by the
// daemon alone: that is the caller's to ensure. What stood at Path is replaced if it is a socket, and an error otherwise.
func Listen(o Options) (*net.UnixListener, error) {
	if info, err := os.Lstat(o.Path); err == nil {
		if info.Mode().Type() != fs.ModeSocket {
			return nil, fmt.Errorf("socket: %q exists and is not a socket", o.Path)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	tmp := fmt.Sprintf("%s.%d", o.Path, os.Getpid())
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: tmp, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := place(o, tmp); err != nil {
		l.Close()
		os.Remove(tmp)
		return nil, err
	}
	return l, nil
}

func place(o Options, tmp string) error {
	// First nobody, then the owner, then the mode: a group that is about to change must not connect in between.
	if err := os.Chmod(tmp, 0); err != nil {
		return err
	}
	if err := os.Lchown(tmp, o.UID, o.GID); err != nil {
		return err
	}
	if err := os.Chmod(tmp, o.Mode.Perm()); err != nil {
		return err
	}
	return os.Rename(tmp, o.Path)
}
