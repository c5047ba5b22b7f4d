package hostile

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// pieceSize is what Endless sends at once, in bytes.
const pieceSize = 16 << 10

type connKey struct{}

// withConn keeps the connection where a handler finds it.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

func connOf(r *http.Request) net.Conn {
	c, _ := r.Context().Value(connKey{}).(net.Conn)
	return c
}

// drained waits until the program at the other end, which is on this machine,
// has read all that was sent. It reports false when the connection ended or the
// question did.
func drained(ctx context.Context, c net.Conn) bool {
	for c != nil && ctx.Err() == nil {
		left, open := unread(c)
		if !open {
			return false
		}
		if left == 0 {
			return true
		}
		time.Sleep(200 * time.Microsecond)
	}
	return false
}

// unread is how many bytes of a loopback connection the reader has not read: what
// the kernel has not delivered and what waits in the reader's buffer, as
// /proc/net/tcp has them (proc(5)).
func unread(c net.Conn) (bytes uint64, open bool) {
	text, err := os.ReadFile("/proc/self/net/tcp")
	if err != nil {
		return 0, false
	}
	local, remote := procAddr(c.LocalAddr()), procAddr(c.RemoteAddr())
	ends := 0
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) < 5 || f[3] != established {
			continue
		}
		sending, waiting, _ := strings.Cut(f[4], ":")
		switch {
		case f[1] == local && f[2] == remote:
			n, _ := strconv.ParseUint(sending, 16, 64)
			bytes, ends = bytes+n, ends+1
		case f[1] == remote && f[2] == local:
			n, _ := strconv.ParseUint(waiting, 16, 64)
			bytes, ends = bytes+n, ends+1
		}
	}
	return bytes, ends == 2
}

// established is TCP_ESTABLISHED.
const established = "01"

// procAddr is an IPv4 address as /proc/net/tcp writes it, on a little-endian
// machine.
func procAddr(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || tcp.IP.To4() == nil {
		return ""
	}
	ip := tcp.IP.To4()
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], tcp.Port)
}
