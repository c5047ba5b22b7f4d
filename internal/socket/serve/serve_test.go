package serve

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"dpki/internal/socket"
)

func me(p Peer) bool { return p.UID == uint32(os.Getuid()) && p.PID == int32(os.Getpid()) }

func echo(_ context.Context, _ Peer, r socket.Request) socket.Answer {
	return socket.Answer{Code: socket.Allow, Text: string(r.Fields[0])}
}

// start serves s until the test ends and returns the socket's path.
func start(t *testing.T, s *Server) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(Options{Path: path, Mode: 0o600, UID: -1, GID: -1})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return path
}

func call(t *testing.T, path string, r socket.Request) (socket.Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return Call(ctx, path, r)
}

func TestCall(t *testing.T) {
	path := start(t, &Server{Handler: echo, Allow: me, Types: []socket.Type{socket.Explain}})
	got, err := call(t, path, socket.NewRequest(socket.Explain, "hello"))
	if want := (socket.Answer{Code: socket.Allow, Text: "hello"}); err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != fs.ModeSocket|0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
}

// Each row closes without an answer; TestCall is the accepted twin of all of them.
func TestRefusals(t *testing.T) {
	ok := Server{Handler: echo, Allow: me, Types: []socket.Type{socket.Explain}}
	explain := socket.NewRequest(socket.Explain, "hello")
	for _, row := range []struct {
		name string
		edit func(*Server)
		req  socket.Request
	}{
		{"zero server", func(s *Server) { *s = Server{} }, explain},
		{"no handler", func(s *Server) { s.Handler = nil }, explain},
		{"nobody allowed", func(s *Server) { s.Allow = nil }, explain},
		{"another uid", func(s *Server) { s.Allow = func(p Peer) bool { return p.UID != uint32(os.Getuid()) } }, explain},
		{"no types", func(s *Server) { s.Types = nil }, explain},
		{"a type of another socket", func(s *Server) {}, socket.NewRequest(socket.ResetTrust, "hello")},
		{"panic", func(s *Server) {}, socket.NewRequest(socket.Explain)}, // echo takes a field that is not there
		{"answer too long", func(s *Server) {
			s.Handler = func(context.Context, Peer, socket.Request) socket.Answer {
				return socket.Answer{Code: socket.Allow, Text: strings.Repeat("x", socket.MaxText+1)}
			}
		}, explain},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := ok
			row.edit(&s)
			path := start(t, &s)
			if a, err := call(t, path, row.req); err == nil || a != (socket.Answer{}) {
				t.Errorf("answer %v, %v", a, err)
			}
		})
	}
}

func TestMalformedCloses(t *testing.T) {
	path := start(t, &Server{Handler: echo, Allow: me, Types: []socket.Type{socket.Explain}})
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Write([]byte("DPK2\x03\x00\x00")); err != nil {
		t.Fatal(err)
	}
	if a, err := socket.ReadAnswer(conn); err == nil {
		t.Errorf("answer %v", a)
	}
}

func TestSilentPeerIsClosedAtTheDeadline(t *testing.T) {
	path := start(t, &Server{Handler: echo, Allow: me, Types: []socket.Type{socket.Explain}, Timeout: 50 * time.Millisecond})
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read: %v; want a close by the server", err)
	}
}

func TestSlowHandlerIsTooLate(t *testing.T) {
	path := start(t, &Server{Allow: me, Types: []socket.Type{socket.Explain}, Timeout: 50 * time.Millisecond,
		Handler: func(ctx context.Context, _ Peer, _ socket.Request) socket.Answer {
			<-ctx.Done()
			return socket.Answer{Code: socket.Allow}
		}})
	if a, err := call(t, path, socket.NewRequest(socket.Explain)); err == nil {
		t.Errorf("answer %v", a)
	}
}

func TestMoreThanMaxConns(t *testing.T) {
	busy, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := &Server{Allow: me, Types: []socket.Type{socket.Explain}, MaxConns: 1, Timeout: 5 * time.Second,
		Handler: func(context.Context, Peer, socket.Request) socket.Answer {
			once.Do(func() { close(busy) })
			<-release
			return socket.Answer{Code: socket.Allow}
		}}
	path := start(t, s)
	first := make(chan error, 1)
	go func() { _, err := Call(context.Background(), path, socket.NewRequest(socket.Explain)); first <- err }()
	<-busy
	if a, err := call(t, path, socket.NewRequest(socket.Explain)); err == nil {
		t.Errorf("the second got %v", a)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the first: %v", err)
	}
}

func TestAbsentDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if _, err := call(t, path, socket.NewRequest(socket.Status)); !errors.Is(err, syscall.ENOENT) {
		t.Errorf("no socket: %v", err)
	}
	l, err := Listen(Options{Path: path, Mode: 0o600, UID: -1, GID: -1})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if _, err := call(t, path, socket.NewRequest(socket.Status)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("nobody listens: %v", err)
	}
	// A daemon that starts again takes the place of the socket that it left.
	l, err = Listen(Options{Path: path, Mode: 0o600, UID: -1, GID: -1})
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

func TestListenReplacesOnlySockets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Listen(Options{Path: path, Mode: 0o600, UID: -1, GID: -1}); err == nil {
		l.Close()
		t.Error("a file was replaced")
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestServeEndsWithRunningExchanges(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	l, err := Listen(Options{Path: path, Mode: 0o600, UID: -1, GID: -1})
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan struct{})
	s := &Server{Allow: me, Types: []socket.Type{socket.Explain},
		Handler: func(ctx context.Context, _ Peer, _ socket.Request) socket.Answer {
			close(entered)
			<-ctx.Done()
			return socket.Answer{Code: socket.Allow, Text: "done"}
		}}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l) }()
	answered := make(chan error, 1)
	go func() { _, err := Call(context.Background(), path, socket.NewRequest(socket.Explain)); answered <- err }()
	<-entered
	stop()
	if err := <-answered; err != nil {
		t.Errorf("the running exchange: %v", err)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
}
