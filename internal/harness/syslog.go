package harness

import (
	"errors"
	"net"
	"os"
	"testing"
	"time"
)

// A Syslog is the namespace's syslog daemon: it keeps what is written to /dev/log.
type Syslog struct{ out output }

// StartSyslog listens on /dev/log until the test ends. One test at a time can.
func StartSyslog(t testing.TB) *Syslog {
	t.Helper()
	Need(t, Namespace)
	const path = "/dev/log"
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	s, done := new(Syslog), make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 64<<10)
		for {
			n, err := conn.Read(buf)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			s.out.Write(append(buf[:n:n], '\n'))
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
		os.Remove(path)
	})
	return s
}

// Text is everything received so far, a line a message.
func (s *Syslog) Text() string { return s.out.String() }

// Wait waits until a message holds the text; the sender does not wait for us.
func (s *Syslog) Wait(t testing.TB, text string, within time.Duration) {
	t.Helper()
	Eventually(t, within, func() error { return contains(s.Text(), text) })
}
