package spawn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// pipeFD is the descriptor of fetch's end.
const pipeFD = 3

// ErrUser says that the account for fetch does not exist or is root.
var ErrUser = errors.New("no account for the process with the network")

// Starter starts fetch processes as an account. Program is the path of dpkid;
// Stderr takes what fetch has to say.
type Starter struct {
	Program string
	UID     uint32
	GID     uint32
	Stderr  *os.File
}

// NewStarter looks the account up.
func NewStarter(program, account string, stderr *os.File) (*Starter, error) {
	uid, gid, err := Account(account)
	if err != nil {
		return nil, err
	}
	return &Starter{Program: program, UID: uid, GID: gid, Stderr: stderr}, nil
}

// Account is the uid and gid of an account that is not root.
func Account(name string) (uid, gid uint32, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, fmt.Errorf("%w: %w", ErrUser, err)
	}
	id, err1 := strconv.ParseUint(u.Uid, 10, 32)
	group, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err1 != nil || err2 != nil || id == 0 {
		return 0, 0, fmt.Errorf("%w: %q", ErrUser, name)
	}
	return uint32(id), uint32(group), nil
}

// Start is a device.Starter. The process ends when its pipe does.
func (s *Starter) Start(ctx context.Context) (io.ReadWriteCloser, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "fetch"), os.NewFile(uintptr(fds[1]), "run")
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	cmd := exec.Command(s.Program, "fetch")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8"}
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = s.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential: &syscall.Credential{Uid: s.UID, Gid: s.GID}, // without groups
		Setsid:     true,                                        // a terminal is root's: its ^C is for run, and fetch cannot type into it (TIOCSTI)
	}
	if err := cmd.Start(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return &process{Conn: conn, cmd: cmd}, nil
}

// process is a running fetch as its pipe.
type process struct {
	net.Conn
	cmd *exec.Cmd
}

// Close ends the pipe and the process, and waits for it.
func (p *process) Close() error {
	err := p.Conn.Close()
	p.cmd.Process.Kill()
	p.cmd.Wait()
	return err
}

// ErrNotFetch says that this process was not started by Start.
var ErrNotFetch = errors.New("fetch is started by `dpkid run`, as a user of its own")

// Inherit takes what Start left to this process and gives up what it does not
// need: new privileges, core dumps, files to write.
func Inherit() (io.ReadWriteCloser, error) {
	if os.Geteuid() == 0 || os.Getuid() == 0 {
		return nil, ErrNotFetch
	}
	f := os.NewFile(pipeFD, "run")
	if f == nil {
		return nil, ErrNotFetch
	}
	unix.CloseOnExec(pipeFD)
	conn, err := net.FileConn(f)
	f.Close()
	if err != nil {
		return nil, ErrNotFetch
	}
	if _, ok := conn.(*net.UnixConn); !ok {
		conn.Close()
		return nil, ErrNotFetch
	}
	err = errors.Join(
		noNewPrivileges(),
		unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0),
		unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}),
		unix.Setrlimit(unix.RLIMIT_FSIZE, &unix.Rlimit{}),
	)
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return conn, nil
}

// noNewPrivileges holds for a thread and those that it starts, so that each of
// the runtime's is told (prctl(2)).
func noNewPrivileges() error {
	if _, _, errno := syscall.AllThreadsSyscall6(syscall.SYS_PRCTL, unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}
