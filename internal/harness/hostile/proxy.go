package hostile

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

// maxPassed bounds what the proxy reads of anybody, in bytes.
const maxPassed = 16 << 20

// Lie is a handler around the honest one.
type Lie func(honest http.Handler) http.Handler

// Both tells two lies, the first of them further from the truth.
func Both(outer, inner Lie) Lie {
	return func(honest http.Handler) http.Handler { return outer(inner(honest)) }
}

// Proxy is one endpoint or gateway as a device sees it.
type Proxy struct {
	HTTP string // http://127.0.0.1:port
	WS   string // ws://127.0.0.1:port, the same with hints

	server *http.Server

	mu      sync.Mutex
	to      string
	lie     Lie
	changed context.Context // ends with the lie
	change  context.CancelFunc
	count   Count
	heard   map[*websocket.Conn]bool // who waits for hints
}

// Count is what has passed since the last Tell.
type Count struct {
	Begun   int // requests
	Asked   int // requests that have ended
	Altered int // of them those whose answer was not the honest one
	Longest int // most bytes of one answer, without its header
}

// Start starts a proxy before a base URL, and closes it with the test.
func Start(t testing.TB, to string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{HTTP: "http://" + l.Addr().String(), WS: "ws://" + l.Addr().String(), to: to, heard: map[*websocket.Conn]bool{}}
	p.Tell(nil)
	p.server = &http.Server{Handler: p, ConnContext: withConn}
	ended := make(chan struct{})
	go func() { defer close(ended); p.server.Serve(l) }()
	t.Cleanup(func() { p.Tell(nil); p.server.Close(); <-ended })
	return p
}

// Lead makes the proxy stand before another place.
func (p *Proxy) Lead(to string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.to = to
}

// Tell makes it tell a lie from now on, nil the truth. What was told before ends
// in the middle of its answer, and the count begins anew.
func (p *Proxy) Tell(l Lie) {
	if l == nil {
		l = func(honest http.Handler) http.Handler { return honest }
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.change != nil {
		p.change()
	}
	p.changed, p.change = context.WithCancel(context.Background())
	p.lie, p.count = l, Count{}
}

// Count is what has passed since the last Tell.
func (p *Proxy) Count() Count {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.count
}

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		p.hints(w, r)
		return
	}
	p.mu.Lock()
	lie, changed, to := p.lie, p.changed, p.to
	p.count.Begun++
	p.mu.Unlock()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(changed, cancel)()
	r = r.WithContext(ctx)
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPassed))
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	truth, told := &pass{to: to}, &sent{ResponseWriter: w}
	defer func() { // also when the lie breaks the connection off
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.changed != changed {
			return
		}
		p.count.Asked++
		p.count.Longest = max(p.count.Longest, told.bytes)
		if !truth.asked || !bytes.Equal(truth.body, told.begin.Bytes()) || truth.status != told.status {
			p.count.Altered++
		}
	}()
	lie(truth).ServeHTTP(told, r)
}

// pass is the honest handler of one request.
type pass struct {
	to     string
	asked  bool
	status int
	body   []byte
}

// forward follows no redirect: what the place behind says is handed on.
var forward = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (h *pass) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, strings.TrimSuffix(h.to, "/")+r.URL.RequestURI(), r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	req.Header = r.Header.Clone()
	req.Header.Del("Accept-Encoding") // lies are about plain text
	res, err := forward.Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	if h.body, err = io.ReadAll(io.LimitReader(res.Body, maxPassed)); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	h.asked, h.status = true, res.StatusCode
	for _, name := range []string{"Content-Type", "Location", "Retry-After", "Cache-Control", "Etag"} {
		if v := res.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	w.WriteHeader(res.StatusCode)
	w.Write(h.body)
}

// sent notes what is sent.
type sent struct {
	http.ResponseWriter
	status, bytes int
	begin         bytes.Buffer // the first maxPassed bytes
}

func (s *sent) WriteHeader(status int) {
	s.status = status
	s.ResponseWriter.WriteHeader(status)
}

func (s *sent) Write(b []byte) (int, error) {
	if s.status == 0 {
		s.status = http.StatusOK
	}
	n, err := s.ResponseWriter.Write(b)
	s.bytes += n
	s.begin.Write(b[:min(n, maxPassed-min(s.begin.Len(), maxPassed))])
	return n, err
}

// Unwrap is for http.ResponseController.
func (s *sent) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// honestly asks the honest handler and returns its answer.
func honestly(honest http.Handler, r *http.Request) *httptest.ResponseRecorder {
	rec := httptest.NewRecorder()
	honest.ServeHTTP(rec, r)
	return rec
}

// hand sends an answer on, with another body.
func hand(w http.ResponseWriter, rec *httptest.ResponseRecorder, body []byte) {
	for name, v := range rec.Header() {
		w.Header()[name] = v
	}
	w.WriteHeader(rec.Code)
	w.Write(body)
}
