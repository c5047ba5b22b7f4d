package harness

import (
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
)

// Nobody else gets a port before its test ends, and no connection is given it as its own.
func TestFreePort(t *testing.T) {
	seen := map[int]bool{}
	for range 200 {
		port := FreePort(t)
		if seen[port] {
			t.Fatalf("%d twice", port)
		}
		seen[port] = true
	}
	port := FreePort(t)
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if other, err := net.Listen("unix", fmt.Sprintf("@dpki-test-port-%d", port)); err == nil {
		other.Close()
		t.Error("another test could take it")
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		t.Fatal(err)
	}
	var first, last int
	if _, err := fmt.Sscan(strings.TrimSpace(string(text)), &first, &last); err != nil || first < lastPort {
		t.Logf("this machine gives ports from %d on to whoever connects, %v: those of tests can be among them", first, err)
	}
	// The port is free again with its test.
	var again int
	t.Run("ended", func(t *testing.T) { again = FreePort(t) })
	taken, err := net.Listen("unix", fmt.Sprintf("@dpki-test-port-%d", again))
	if err != nil {
		t.Fatalf("%d is still taken: %v", again, err)
	}
	taken.Close()
}
