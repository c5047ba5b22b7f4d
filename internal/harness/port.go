package harness

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports for tests: below those that Linux gives to whoever connects or asks for any (ip_local_port_range, from 32768 on),
// so that no connection takes one between its choice and its use.
const firstPort, lastPort = 10000, 30000

// FreePort gives a loopback TCP port that nobody listens on, and no other test gets until this one ends.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := firstPort + rand.IntN(lastPort-firstPort)
		taken, err := net.Listen("unix", fmt.Sprintf("@dpki-test-port-%d", port)) // abstract: one for each network namespace
		if err != nil {
			continue
		}
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			taken.Close()
			continue
		}
		l.Close()
		t.Cleanup(func() { taken.Close() })
		return port
	}
	t.Fatal("no free port")
	return 0
}
