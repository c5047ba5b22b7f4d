package source

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coder/websocket"

	"dpki/registry"
)

const (
	// wsIdle is how long a connection is kept for the next question. Nobody reads
	// from it meanwhile, so that a server's pings would go unanswered.
	wsIdle = 15 * time.Second
	// wsKept is how many connections are kept.
	wsKept = 2
)

// wsPool is an endpoint's open connections over WS(S). Each serves one question
// at a time, so that whatever comes on it is the answer to that question.
type wsPool struct {
	mu     sync.Mutex
	idle   []wsConn
	closed bool
}

type wsConn struct {
	*websocket.Conn
	used time.Time
}

// take is a connection that was used a moment ago, nil where there is none.
func (p *wsPool) take() *websocket.Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		last := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if time.Since(last.used) < wsIdle {
			return last.Conn
		}
		last.CloseNow()
	}
	return nil
}

func (p *wsPool) put(c *websocket.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) == wsKept {
		c.CloseNow()
		return
	}
	p.idle = append(p.idle, wsConn{c, time.Now()})
}

func (p *wsPool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, c := range p.idle {
		c.CloseNow()
	}
	p.idle = nil
}

// exchangeWS sends a batch as one message and reads one message, which is cut off
// at max bytes.
func (c *Client) exchangeWS(ctx context.Context, batch []call, max int) ([]reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	body, err := json.Marshal(batch)
	if err != nil {
		return nil, unavailable("%v", err)
	}
	raw, err := []byte(nil), errors.New("no connection")
	if conn := c.pool.take(); conn != nil {
		raw, err = c.wsRound(ctx, conn, body, max+overhead*len(batch))
	}
	// One that was kept may have ended meanwhile: that says nothing.
	if err != nil && !errors.Is(err, websocket.ErrMessageTooBig) && ctx.Err() == nil {
		conn, dialErr := c.dialWS(ctx)
		if dialErr != nil {
			return nil, dialErr
		}
		raw, err = c.wsRound(ctx, conn, body, max+overhead*len(batch))
	}
	switch {
	case errors.Is(err, websocket.ErrMessageTooBig):
		return nil, &registry.Failure{Fault: registry.TooLarge}
	case err != nil:
		return nil, unavailable("%v", withoutLocation(err))
	}
	return splitBatch(raw, len(batch))
}

func (c *Client) dialWS(ctx context.Context) (*websocket.Conn, error) {
	conn, res, err := websocket.Dial(ctx, c.ws, &websocket.DialOptions{HTTPClient: c.http})
	if err == nil {
		return conn, nil
	}
	f := unavailable("%v", withoutLocation(err))
	if res != nil && (res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable) {
		f.RetryAfter = retryAfter(res.Header.Get("Retry-After"))
	}
	return nil, f
}

// wsRound is one question on a connection, which is kept unless something went
// wrong on it.
func (c *Client) wsRound(ctx context.Context, conn *websocket.Conn, body []byte, max int) ([]byte, error) {
	conn.SetReadLimit(int64(max))
	err := conn.Write(ctx, websocket.MessageText, body)
	var raw []byte
	if err == nil {
		_, raw, err = conn.Read(ctx)
	}
	if err != nil {
		conn.CloseNow()
		return nil, err
	}
	c.pool.put(conn)
	return raw, nil
}

// withoutLocation drops the URL, which may hold an access key, from an error that
// wraps one of net/http.
func withoutLocation(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
