package mirror

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"dpki/internal/harness"
	"dpki/internal/harness/machine"

	"golang.org/x/sys/unix"
)

// island is a network of its own: a loopback device, and one address on it that
// leads elsewhere.
type island struct {
	addr string // the only one that anybody answers at
	path string // of the network namespace

	mu sync.Mutex
	to string // where addr leads, in the network of the tests
}

func newIsland(t *testing.T) *island {
	t.Helper()
	i := &island{path: filepath.Join(harness.RootDir(t), "net")}
	if err := os.WriteFile(i.path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var l net.Listener
	made := make(chan error)
	go func() {
		// The thread takes on another network and is given up with the goroutine.
		runtime.LockOSThread()
		var err error
		l, err = i.make()
		made <- err
	}()
	if err := <-made; err != nil {
		t.Fatal(err)
	}
	i.addr = l.Addr().String()
	t.Cleanup(func() { l.Close(); unix.Unmount(i.path, unix.MNT_DETACH) })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go i.carry(c)
		}
	}()
	return i
}

// make makes the network the thread's, and keeps it at the path.
func (i *island) make() (net.Listener, error) {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return nil, err
	}
	if err := unix.Mount("/proc/thread-self/ns/net", i.path, "", unix.MS_BIND, ""); err != nil {
		return nil, err
	}
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer unix.Close(s)
	up, err := unix.NewIfreq("lo")
	if err != nil {
		return nil, err
	}
	up.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, up); err != nil {
		return nil, err
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

func (i *island) lead(to string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.to = to
}

func (i *island) carry(c net.Conn) {
	defer c.Close()
	i.mu.Lock()
	to := i.to
	i.mu.Unlock()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	defer far.Close()
	go func() { io.Copy(far, c); far.Close() }()
	io.Copy(c, far)
}

const nsenter = "/usr/bin/nsenter" // of util-linux, which each Debian has

// settle makes every dpkid of the machine start on the island. What answers sshd
// is a Unix socket, which knows no networks.
func (i *island) settle(m *machine.Machine) {
	bin := harness.Bin(m, "dpkid")
	real := bin + ".real"
	m.Must(os.Rename(bin, real))
	m.Cleanup(func() { os.Rename(real, bin) })
	m.Must(os.WriteFile(bin, fmt.Appendf(nil, "#!/bin/sh\nexec %s --net=%s %s \"$@\"\n", nsenter, i.path, real), 0o755))
}

// reaches reports whether somebody on the island reaches an address.
func (i *island) reaches(t *testing.T, addr string) bool {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(nsenter, "--net="+i.path, "/bin/bash", "-c", fmt.Sprintf("exec 3<>/dev/tcp/%s/%s", host, port)).Run() == nil
}
