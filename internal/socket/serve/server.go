package serve

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"dpki/internal/socket"
)

const (
	// DefaultTimeout is how long one exchange may take, from accept to close.
	DefaultTimeout = 2 * time.Second
	// DefaultMaxConns is how many exchanges run at once.
	DefaultMaxConns = 64
)

// Handler answers one request. ctx ends with the exchange's deadline, or when the server is told to stop.
type Handler func(ctx context.Context, peer Peer, req socket.Request) socket.Answer

// Server serves one socket. Every field is read-only once Serve runs.
type Server struct {
	Handler  Handler
	Allow    func(Peer) bool // nil: nobody
	Types    []socket.Type   // what this socket serves; empty: nothing
	Timeout  time.Duration   // 0: DefaultTimeout
	MaxConns int             // 0: DefaultMaxConns
	Logf     func(format string, args ...any)
}

// Serve accepts on l until ctx ends or l is closed, then closes l, waits for the running exchanges and returns nil. An error
// of accept that is not the end is returned.
func (s *Server) Serve(ctx context.Context, l *net.UnixListener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	defer l.Close()
	max := s.MaxConns
	if max <= 0 {
		max = DefaultMaxConns
	}
	slots := make(chan struct{}, max)
	var running sync.WaitGroup
	defer running.Wait()
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			if !passing(err) {
				return err
			}
			time.Sleep(10 * time.Millisecond)
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			s.logf("socket: %d exchanges are running: refused one more", max)
			conn.Close()
			continue
		}
		running.Go(func() {
			defer func() { <-slots }()
			s.exchange(ctx, conn)
		})
	}
}

// passing: out of descriptors or memory, or a connection that was gone already. The next one may be served, and a daemon that
// ended here would count as absent.
func passing(err error) bool {
	for _, e := range []error{unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM, unix.ECONNABORTED, unix.EPROTO} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// exchange reads one request, answers it and closes. Every return without an answer is a denial at the other end.
func (s *Server) exchange(ctx context.Context, conn *net.UnixConn) {
	defer conn.Close()
	timeout := s.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	deadline := time.Now().Add(timeout)
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	if err := conn.SetDeadline(deadline); err != nil {
		return
	}
	peer, err := peerOf(conn)
	if err != nil {
		s.logf("socket: no peer credentials: %v", err)
		return
	}
	if s.Handler == nil || s.Allow == nil || !s.Allow(peer) {
		s.logf("socket: refused peer uid %d pid %d", peer.UID, peer.PID)
		return
	}
	req, err := socket.ReadRequest(conn)
	if err != nil {
		s.logf("socket: uid %d pid %d: %v", peer.UID, peer.PID, err)
		return
	}
	if !slices.Contains(s.Types, req.Type) {
		s.logf("socket: uid %d pid %d: type %d is not served here", peer.UID, peer.PID, req.Type)
		return
	}
	answer, ok := s.handle(ctx, peer, req)
	if !ok {
		return
	}
	b, err := answer.Marshal()
	if err != nil {
		s.logf("socket: answer to type %d: %v", req.Type, err)
		return
	}
	if _, err := conn.Write(b); err != nil {
		s.logf("socket: uid %d pid %d: %v", peer.UID, peer.PID, err)
	}
}

// handle runs the handler. A panic there must neither end the daemon, which would open break-glass, nor answer.
func (s *Server) handle(ctx context.Context, peer Peer, req socket.Request) (a socket.Answer, ok bool) {
	defer func() {
		if r := recover(); r != nil {
			s.logf("socket: handler of type %d: panic: %v", req.Type, r)
			a, ok = socket.Answer{}, false
		}
	}()
	return s.Handler(ctx, peer, req), true
}

func (s *Server) logf(format string, args ...any) {
	if s.Logf != nil {
		s.Logf(format, args...)
	}
}
