package main

import (
	"compress/gzip"
	"context"
	"crypto/tls"
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
	addr   string
	silent atomic.Bool
	packs  atomic.Bool // it compresses answers for who accepts that

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

// startProxy starts one before a chain's endpoint; secure, unless nil, makes it
// speak TLS.
func startProxy(s *stage, to string, secure *tls.Config) *proxy {
	target, err := url.Parse(to)
	s.must(err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err)
	p := &proxy{addr: l.Addr().String()}
	forward := httputil.NewSingleHostReverseProxy(target)
	forward.ErrorLog = log.New(io.Discard, "", 0) // it tells of each connection that the device ends
	server := &http.Server{
		ErrorLog:    log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, connKey{}, c) },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
				p.forward(forward, w, r)
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
	l = listener{l, p}
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	go server.Serve(l)
	s.Cleanup(func() { server.Close() })
	return p
}

// forward hands on a question, and its answer compressed as geth's own server
// does.
func (p *proxy) forward(to http.Handler, w http.ResponseWriter, r *http.Request) {
	accepts := strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
	r.Header.Del("Accept-Encoding")
	if !p.packs.Load() || !accepts {
		to.ServeHTTP(w, r)
		return
	}
	z := gzip.NewWriter(w)
	defer z.Close()
	to.ServeHTTP(&packed{w, z}, r)
}

// packed compresses the body of an answer.
type packed struct {
	http.ResponseWriter
	z *gzip.Writer
}

func (w *packed) WriteHeader(status int) {
	w.Header().Del("Content-Length")
	w.Header().Set("Content-Encoding", "gzip")
	w.ResponseWriter.WriteHeader(status)
}

func (w *packed) Write(b []byte) (int, error) { return w.z.Write(b) }

// passed is how many bytes have passed by HTTP so far.
func (p *proxy) passed() (bytes int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		if !c.pushes.Load() {
			bytes += c.bytes.Load()
		}
	}
	return bytes
}

// hangUp ends all connections, as servers do with those that nobody uses.
func (p *proxy) hangUp() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
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
