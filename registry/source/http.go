package source

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"

	"dpki/registry"
)

// overhead of JSON-RPC around each result of a batch, in bytes: generous, since
// errors carry text.
const overhead = 4 << 10

// newTransport is one place's connections, over TLS by one of these protocols
// (RFC 7301).
func newTransport(protocols ...string) *http.Transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxResponseHeaderBytes = 16 << 10
	t.MaxIdleConnsPerHost = 2
	t.TLSClientConfig = &tls.Config{ClientSessionCache: tls.NewLRUClientSessionCache(2), NextProtos: protocols}
	t.ForceAttemptHTTP2 = slices.Contains(protocols, "h2")
	t.DialTLSContext = (&resumption{transport: t, dial: t.DialContext}).open
	return t
}

// post sends a batch and returns the answers in order. The body is cut off at
// max bytes, after decompression.
func (c *Client) post(ctx context.Context, batch []call, max int) ([]reply, error) {
	if wait := c.backoff.wait(); wait > 0 {
		return nil, &registry.Failure{Fault: registry.BackOff, RetryAfter: wait}
	}
	exchange := c.exchange
	if c.ws != "" {
		exchange = c.exchangeWS
	}
	replies, err := exchange(ctx, batch, max)
	var f *registry.Failure
	switch {
	case err == nil:
		c.backoff.succeeded()
	case ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled):
		// The caller lost interest: that says nothing about the endpoint.
	case errors.As(err, &f) && (f.Fault == registry.Unavailable):
		c.backoff.failed(f.RetryAfter)
	}
	return replies, err
}

func (c *Client) exchange(ctx context.Context, batch []call, max int) ([]reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	body, err := json.Marshal(batch)
	if err != nil {
		return nil, unavailable("%v", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return nil, unavailable("%v", err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, unavailable("%v", withoutURL(err))
	}
	defer res.Body.Close()
	max += overhead * len(batch)
	raw, err := io.ReadAll(io.LimitReader(res.Body, int64(max)+1))
	switch {
	case res.StatusCode == http.StatusTooManyRequests || res.StatusCode == http.StatusServiceUnavailable:
		f := unavailable("HTTP %d", res.StatusCode)
		f.RetryAfter = retryAfter(res.Header.Get("Retry-After"))
		return nil, f
	case res.StatusCode != http.StatusOK:
		// Some endpoints answer JSON-RPC errors with 400 or 500 and the error
		// in the body; a range that is too wide among them.
		if replies, splitErr := splitBatch(raw, len(batch)); splitErr == nil && len(raw) <= max {
			return replies, nil
		} else if registry.FaultOf(splitErr) == registry.Refused {
			return nil, splitErr
		}
		return nil, unavailable("HTTP %d", res.StatusCode)
	case len(raw) > max:
		return nil, &registry.Failure{Fault: registry.TooLarge}
	case err != nil:
		return nil, unavailable("%v", withoutURL(err))
	}
	return splitBatch(raw, len(batch))
}

// withoutURL drops the URL from an error of net/http: it may hold an access
// key, and errors go to logs.
func withoutURL(err error) error {
	var u interface{ Unwrap() error }
	if errors.As(err, &u) && u.Unwrap() != nil {
		return u.Unwrap()
	}
	return err
}

// maxRetryAfter bounds what an endpoint can ask for.
const maxRetryAfter = 10 * time.Minute

func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(header)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, maxRetryAfter)
}
