package source

import (
	"context"
	"time"

	"github.com/coder/websocket"
)

const (
	// maxHint bounds one message of a subscription: a header.
	maxHint = 64 << 10
	// hintSilence is when a subscription without news counts as dead.
	hintSilence = 2 * time.Minute
	// hintPause is the time between two calls of wake, but for one that comes soon
	// after a time without any.
	hintPause = 250 * time.Millisecond
	// subscribe is one request; its answer and each new head are only counted.
	subscribe = `{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}`
)

// Hints calls wake for each new head that the endpoint announces, until the
// context ends; it connects again by itself. What an announcement says is not
// looked at: an endpoint can make a reader look more often, four times a second
// for long, and nothing else. It returns at once where the URL is not ws or wss.
func (c *Client) Hints(ctx context.Context, wake func()) {
	if c.ws == "" {
		return
	}
	var again backoff
	for ctx.Err() == nil {
		if c.listen(ctx, wake) {
			again.succeeded()
		}
		again.failed(0)
		select {
		case <-ctx.Done():
		case <-time.After(again.wait()):
		}
	}
}

// listen is one connection. It reports whether the subscription was answered.
func (c *Client) listen(ctx context.Context, wake func()) (answered bool) {
	dialCtx, cancel := context.WithTimeout(ctx, c.timeout)
	conn, _, err := websocket.Dial(dialCtx, c.ws, &websocket.DialOptions{HTTPClient: c.http})
	cancel()
	if err != nil {
		return false
	}
	defer conn.CloseNow()
	conn.SetReadLimit(maxHint)
	if conn.Write(ctx, websocket.MessageText, []byte(subscribe)) != nil {
		return false
	}
	var paused time.Time // when the pauses for all calls so far have passed
	for {
		readCtx, cancel := context.WithTimeout(ctx, hintSilence)
		_, _, err := conn.Read(readCtx)
		cancel()
		if err != nil {
			return answered
		}
		if !answered {
			answered = true // the first message answers the request
			continue
		}
		wake()
		now := time.Now()
		if paused.Before(now) {
			paused = now
		}
		paused = paused.Add(hintPause)
		// What comes meanwhile waits in the connection, so that the last
		// announcement of a burst wakes too.
		select {
		case <-ctx.Done():
		case <-time.After(paused.Sub(now) - hintPause):
		}
	}
}
