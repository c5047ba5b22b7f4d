package sudo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"

	"dpki/pam/proc"
	"dpki/pam/session"

	"golang.org/x/sys/unix"
)

// errOwner says that it is not known as whom to connect.
var errOwner = errors.New("sudo: the session's user is not known")

// owner finds the user of a session by sshd's own child, which has become him: no name service is asked. root's sshd has no
// child of its own, and what it starts is root's.
func owner(s session.Session) (proc.Identity, error) {
	pids, err := proc.PIDs()
	if err != nil {
		return proc.Identity{}, err
	}
	for _, pid := range pids {
		p, err := proc.Find(pid)
		if err != nil {
			continue
		}
		if parent, err := p.Parent(); err != nil || parent != s.Monitor {
			continue
		}
		id, err := p.Identity()
		if err != nil || id.UID == 0 && s.Account != "root" {
			continue
		}
		return id, nil
	}
	return proc.Identity{}, errOwner
}

// dialAs connects with the rights of a user. Only a thread of its own takes them: effective ids and groups are the thread's as far
// as the kernel is concerned, connect(2) records them for the agent and checks them on the way. The real and the saved
// uid stay root's, so that the user cannot signal the thread. The thread ends with the goroutine, because it stays locked.
//
// The path is looked up from root, a folder: that of the process which named it, because the daemon may see another /tmp and another
// /home than sshd does.
func dialAs(ctx context.Context, id proc.Identity, root *os.File, path string) (net.Conn, error) {
	type made struct {
		fd  int
		err error
	}
	result := make(chan made, 1)
	go func() {
		runtime.LockOSThread()
		fd, err := connectAs(ctx, id, fmt.Sprintf("/proc/self/fd/%d%s", root.Fd(), path))
		result <- made{fd, err}
	}()
	m := <-result
	if m.err != nil {
		return nil, m.err
	}
	f := os.NewFile(uintptr(m.fd), "agent")
	defer f.Close()
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(time.Second)
	}
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// connectAs runs on a thread that is given up afterwards, whatever happens.
func connectAs(ctx context.Context, id proc.Identity, path string) (int, error) {
	if os.Geteuid() == 0 {
		restore, err := borrow(id)
		if restore != nil {
			// The thread ends after this, but the first thread of a process cannot: it must not idle as somebody else.
			defer restore()
		}
		if err != nil {
			return -1, err
		}
	} else if uint32(os.Geteuid()) != id.UID {
		return -1, errOwner // a daemon without privilege, in a test
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	// A full backlog is EAGAIN, for which there is no event to wait for.
	for {
		err := unix.Connect(fd, &unix.SockaddrUnix{Name: path})
		if err == nil {
			return fd, nil
		}
		if !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR) || ctx.Err() != nil {
			unix.Close(fd)
			return -1, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
