package harness

import (
	"net"
	"testing"
)

// FreePort gives a loopback TCP port that nobody listens on. Outside the namespace another process may take it first.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
