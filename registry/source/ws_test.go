package source

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"dpki/registry"
)

// wsEndpoint is a server whose answer to each message the test chooses.
type wsEndpoint struct {
	*httptest.Server
	dials  atomic.Int64
	answer atomic.Pointer[func(ctx context.Context, c *websocket.Conn, batch []call)]
}

func serveWS(t *testing.T) (*wsEndpoint, *Client) {
	t.Helper()
	e := &wsEndpoint{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.dials.Add(1)
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		c.SetReadLimit(1 << 20)
		for {
			_, b, err := c.Read(r.Context())
			if err != nil {
				return
			}
			var batch []call
			if json.Unmarshal(b, &batch) != nil {
				return
			}
			(*e.answer.Load())(r.Context(), c, batch)
		}
	}))
	e.set(honest)
	t.Cleanup(e.Server.Close)
	c, err := Dial("ws" + strings.TrimPrefix(e.URL, "http") + "/v1/secret-key")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return e, c
}

func (e *wsEndpoint) set(f func(ctx context.Context, c *websocket.Conn, batch []call)) {
	e.answer.Store(&f)
}

// answerWS answers a message honestly.
func answerWS(ctx context.Context, c *websocket.Conn, message []byte) {
	var batch []call
	if json.Unmarshal(message, &batch) == nil {
		honest(ctx, c, batch)
	}
}

// honest answers each request with its method.
func honest(ctx context.Context, c *websocket.Conn, batch []call) {
	var all []map[string]any
	for _, one := range batch {
		all = append(all, map[string]any{"jsonrpc": "2.0", "id": one.ID, "result": one.Method})
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	c.Write(ctx, websocket.MessageText, b)
}

func text(s string) func(context.Context, *websocket.Conn, []call) {
	return func(ctx context.Context, c *websocket.Conn, _ []call) { c.Write(ctx, websocket.MessageText, []byte(s)) }
}

// Questions go over one connection as long as it is good.
func TestWebSocket(t *testing.T) {
	e, c := serveWS(t)
	for range 3 {
		r, err := c.Head(t.Context(), headQuery)
		if err != nil || string(r.Latest) != `"eth_getHeaderByNumber"` || string(r.Proof) != `"eth_getProof"` {
			t.Fatalf("%s, %v", r.Latest, err)
		}
	}
	if n := e.dials.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	// One that the server ended while nobody asked is made anew, unnoticed.
	e.set(func(ctx context.Context, c *websocket.Conn, b []call) { honest(ctx, c, b); c.CloseNow() })
	if _, err := c.Head(t.Context(), headQuery); err != nil {
		t.Fatal(err)
	}
	e.set(honest)
	if _, err := c.Head(t.Context(), headQuery); err != nil {
		t.Errorf("after the server ended the connection: %v", err)
	}
	// And one that was kept for long is not tried.
	dials := e.dials.Load()
	for i := range c.pool.idle {
		c.pool.idle[i].used = time.Now().Add(-wsIdle)
	}
	if _, err := c.Head(t.Context(), headQuery); err != nil || e.dials.Load() != dials+1 {
		t.Errorf("%v, %d connections more", err, e.dials.Load()-dials)
	}
	// As many as there are questions at once, and few of them kept.
	done := make(chan error)
	for range 8 {
		go func() { _, err := c.Head(t.Context(), headQuery); done <- err }()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := len(c.pool.idle); n > wsKept {
		t.Errorf("%d connections are kept", n)
	}
}

// What an endpoint over WebSocket may do wrong; each has its honest twin.
func TestWebSocketFaults(t *testing.T) {
	long := strings.Repeat(" ", 3*registry.MaxHeader+registry.MaxProof+6*overhead)
	for name, row := range map[string]struct {
		answer func(context.Context, *websocket.Conn, []call)
		want   registry.Fault
	}{
		"too long":            {text("[" + long + "]"), registry.TooLarge},
		"garbage":             {text("<html>"), registry.Unavailable},
		"too few answers":     {text(`[{"id":0,"result":1}]`), registry.Unavailable},
		"an error for all":    {text(`{"id":null,"error":{"code":-32600,"message":"no batches"}}`), registry.Refused},
		"closes":              {func(_ context.Context, c *websocket.Conn, _ []call) { c.CloseNow() }, registry.Unavailable},
		"says nothing":        {func(context.Context, *websocket.Conn, []call) {}, registry.Unavailable},
		"a frame without end": {endlessFrame, registry.TooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			e, c := serveWS(t)
			c.timeout = 2 * time.Second
			if name == "says nothing" {
				c.timeout = 50 * time.Millisecond
			}
			e.set(row.answer)
			_, err := c.Head(t.Context(), headQuery)
			if err == nil || registry.FaultOf(err) != row.want {
				t.Fatalf("got %v, want %v", err, row.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("%q shows an access key", err)
			}
			e.set(honest)
			c.backoff.succeeded()
			c.timeout = 2 * time.Second
			if _, err := c.Head(t.Context(), headQuery); err != nil {
				t.Errorf("the twin: %v", err)
			}
		})
	}
}

func endlessFrame(ctx context.Context, c *websocket.Conn, _ []call) {
	w, err := c.Writer(ctx, websocket.MessageText)
	for err == nil {
		_, err = io.WriteString(w, strings.Repeat(" ", 1<<16))
	}
}

// A server that is not there, and one that speaks no WebSocket, are unavailable:
// the error does not show the URL.
func TestWebSocketDial(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	gone := httptest.NewServer(nil)
	gone.Close()
	for url, want := range map[string]time.Duration{plain.URL: 7 * time.Second, gone.URL: 0} {
		c, err := Dial("ws" + strings.TrimPrefix(url, "http") + "/secret")
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Head(t.Context(), headQuery)
		f, ok := err.(*registry.Failure)
		if !ok || f.Fault != registry.Unavailable || f.RetryAfter != want || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v, retry after %v", err, f.RetryAfter)
		}
		if _, err := c.Head(t.Context(), headQuery); registry.FaultOf(err) != registry.BackOff {
			t.Errorf("at once again: %v, want back-off", err)
		}
		c.Close()
	}
	plain.Close()
}
