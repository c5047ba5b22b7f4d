package main

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
)

// proxy stands between the device and its only endpoint. It counts what passes
// on the device's side, headers of HTTP included, and can withhold the
// subscriptions by which an endpoint announces blocks.
type proxy struct {
	addr     string
	requests atomic.Int64 // by HTTP, subscriptions not counted
	silent   atomic.Bool

	mu    sync.Mutex
	conns []*counted
}

// counted is one connection of the device.
type counted struct {
	net.Conn
	bytes  atomic.Int64
	pushes atomic.Bool // it became a WebSocket
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.bytes.Add(int64(n))
	return n, err
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.bytes.Add(int64(n))
	return n, err
}

// listener counts the connections that it accepts.
type listener struct {
	net.Listener
	p *proxy
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	n := &counted{Conn: c}
	l.p.mu.Lock()
	l.p.conns = append(l.p.conns, n)
	l.p.mu.Unlock()
	return n, nil
}

type connKey struct{}

func startProxy(s *stage, to string) *proxy {
	target, err := url.Parse(to)
	s.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	p := &proxy{addr: l.Addr().String()}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorLog = log.New(io.Discard, "", 0) // it tells of each connection that the device ends
	server := &http.Server{
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
				p.requests.Add(1)
				forward.ServeHTTP(w, r)
				return
			}
			r.Context().Value(connKey{}).(*counted).pushes.Store(true)
			if p.silent.Load() {
				http.Error(w, "no subscriptions", http.StatusForbidden)
				return
			}
			forward.ServeHTTP(w, r)
		}),
	}
	go server.Serve(listener{l, p})
	s.Cleanup(func() { server.Close() })
	return p
}

// passed is what has passed by HTTP so far.
func (p *proxy) passed() (requests, bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		if !c.pushes.Load() {
			bytes += c.bytes.Load()
		}
	}
	return p.requests.Load(), bytes
}

// silence ends the subscriptions and refuses new ones.
func (p *proxy) silence() {
	p.silent.Store(true)
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		if c.pushes.Load() {
			c.Close()
		}
	}
}
