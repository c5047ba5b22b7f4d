package source

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"dpki/registry"
	"dpki/state"
)

// Timeout is the deadline of one call; a caller's context may end it earlier.
const Timeout = 15 * time.Second

// ErrURL says that an endpoint's URL is none that a Client speaks.
var ErrURL = errors.New("endpoint URL is not http, https, ws or wss")

// Client asks one endpoint. It is safe for concurrent use.
type Client struct {
	url     string
	ws      string // ws or wss URL, empty without one; then url is
	pool    wsPool
	http    *http.Client
	timeout time.Duration
	backoff backoff
	// wholeBlocks: the endpoint does not know eth_getHeaderByNumber, so that
	// headers come with their blocks' transaction hashes.
	wholeBlocks atomic.Bool
}

// Dial prepares a client for an http, https, ws or wss URL; it does not connect.
// A ws or wss URL is asked over WebSocket, and gives hints.
func Dial(endpoint string) (*Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return nil, ErrURL
	}
	c := &Client{timeout: Timeout}
	protocols := overHTTP
	switch u.Scheme {
	case "http", "https":
	case "ws", "wss":
		c.ws, protocols = u.String(), overWebSocket
	default:
		return nil, ErrURL
	}
	c.url = u.String()
	c.http = &http.Client{
		Transport: newTransport(protocols...),
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			// A redirect would move trust, and the access key in the URL, to
			// whoever it names.
			if req.URL.Scheme != via[0].URL.Scheme || req.URL.Host != via[0].URL.Host || len(via) > 3 {
				return errors.New("redirect to another place refused")
			}
			return nil
		},
	}
	return c, nil
}

// Close drops idle connections.
func (c *Client) Close() {
	c.http.CloseIdleConnections()
	c.pool.close()
}

// Name is the endpoint for people: scheme and host, without the path and query
// that may hold an access key.
func Name(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return "endpoint"
	}
	return u.Scheme + "://" + u.Host
}

// Head implements verify.Source.
func (c *Client) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	if len(q.Slots) > registry.MaxSlots || q.At != 0 && len(q.Slots) > 0 {
		return registry.HeadReply{}, &registry.Failure{Fault: registry.Refused, Detail: fmt.Sprintf("%d slots at block %d", len(q.Slots), q.At)}
	}
	limit := 3 * registry.MaxHeader
	if len(q.Slots) > 0 {
		limit += registry.MaxProof
	}
	calls := func() []call { return c.headCalls(q) }
	var replies []reply
	var err error
	if q.At == 0 {
		replies, err = c.withHeaders(ctx, calls, limit)
	} else {
		// An error may mean that the block is not there yet, and teaches nothing
		// of how headers are to be asked for.
		replies, err = c.post(ctx, calls(), limit)
	}
	if err != nil {
		return registry.HeadReply{}, err
	}
	return headReply(q, replies)
}

// headCalls are the questions of a HeadQuery, in one batch.
func (c *Client) headCalls(q registry.HeadQuery) []call {
	latest := "latest"
	if q.At != 0 {
		latest = quantity(q.At)
	}
	batch := []call{{Method: "eth_chainId"}, c.headerCall(latest)}
	if !q.TipOnly {
		batch = append(batch, c.headerCall("safe"), c.headerCall("finalized"))
	}
	if len(q.Slots) > 0 {
		slots := make([]string, len(q.Slots))
		for i, s := range q.Slots {
			slots[i] = "0x" + s.String()
		}
		batch = append(batch, call{Method: "eth_getProof", Params: []any{q.Contract.String(), slots, "latest"}})
	}
	return newBatch(batch...)
}

// headReply takes the answers to headCalls apart.
func headReply(q registry.HeadQuery, replies []reply) (r registry.HeadReply, err error) {
	parts := []*[]byte{&r.ChainID, &r.Latest}
	if !q.TipOnly {
		// Chains without finality answer with an error: that is having none.
		for i := 2; i < 4; i++ {
			if replies[i].Error != nil {
				replies[i].Result, replies[i].Error = nil, nil
			}
		}
		parts = append(parts, &r.Safe, &r.Finalized)
	}
	if len(q.Slots) > 0 {
		parts = append(parts, &r.Proof)
	}
	for i, part := range parts {
		if replies[i].Error != nil {
			return registry.HeadReply{}, failure(replies[i].Error)
		}
		*part = replies[i].Result
	}
	return r, nil
}

// Logs implements verify.Source.
func (c *Client) Logs(ctx context.Context, q registry.LogQuery) ([]byte, error) {
	if len(q.Scopes) == 0 || len(q.Scopes) > registry.MaxSlots || q.From > q.To {
		return nil, &registry.Failure{Fault: registry.Refused, Detail: "malformed question"}
	}
	limit := q.Max
	if limit <= 0 || limit > registry.MaxLogs {
		limit = registry.MaxLogs
	}
	scopes := make([]string, len(q.Scopes))
	for i, s := range q.Scopes {
		scopes[i] = "0x" + s.String()
	}
	filter := map[string]any{
		"address": q.Contract.String(), "fromBlock": quantity(q.From), "toBlock": quantity(q.To),
		"topics": []any{"0x" + state.EventTopic.String(), "0x" + q.Org.String(), scopes},
	}
	replies, err := c.post(ctx, newBatch(call{Method: "eth_getLogs", Params: []any{filter}}), limit)
	if err != nil {
		return nil, err
	}
	if e := replies[0].Error; e != nil {
		return nil, logsFailure(e)
	}
	if len(replies[0].Result) > limit {
		return nil, &registry.Failure{Fault: registry.TooLarge}
	}
	return replies[0].Result, nil
}

// Headers implements verify.Source.
func (c *Client) Headers(ctx context.Context, numbers []uint64) ([][]byte, error) {
	if len(numbers) == 0 || len(numbers) > registry.MaxHeaders {
		return nil, &registry.Failure{Fault: registry.Refused, Detail: fmt.Sprintf("%d headers", len(numbers))}
	}
	replies, err := c.withHeaders(ctx, func() []call {
		batch := make([]call, len(numbers))
		for i, n := range numbers {
			batch[i] = c.headerCall(quantity(n))
		}
		return newBatch(batch...)
	}, len(numbers)*registry.MaxHeader)
	if err != nil {
		return nil, err
	}
	headers := make([][]byte, len(replies))
	for i, r := range replies {
		if r.Error != nil {
			return nil, failure(r.Error)
		}
		if string(r.Result) != "null" {
			headers[i] = r.Result
		}
	}
	return headers, nil
}

func (c *Client) headerCall(block string) call {
	if c.wholeBlocks.Load() {
		return call{Method: "eth_getBlockByNumber", Params: []any{block, false}}
	}
	return call{Method: "eth_getHeaderByNumber", Params: []any{block}}
}

// withHeaders posts a batch with headers in it, and once more asking for blocks
// where the endpoint does not know of headers.
func (c *Client) withHeaders(ctx context.Context, batch func() []call, limit int) ([]reply, error) {
	for {
		before := c.wholeBlocks.Load()
		calls := batch()
		replies, err := c.post(ctx, calls, limit)
		if err != nil || before || !unknownHeaders(calls, replies) {
			return replies, err
		}
		c.wholeBlocks.Store(true)
	}
}

// unknownHeaders reports that eth_getHeaderByNumber was refused. Providers that
// filter methods use codes of their own, so that any error counts where the
// first header, which every chain has, was asked for.
func unknownHeaders(calls []call, replies []reply) bool {
	for i, c := range calls {
		if c.Method == "eth_getHeaderByNumber" {
			return replies[i].Error != nil
		}
	}
	return false
}

func quantity(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }
