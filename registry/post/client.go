package post

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"dpki/internal/network"
	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

const (
	// maxAnswer bounds one answer, in bytes. The largest is a block's header
	// with its transaction hashes.
	maxAnswer = 1 << 20
	// callTimeout bounds one question.
	callTimeout = 15 * time.Second
	// DefaultWait is how long Post waits for a block.
	DefaultWait = 2 * time.Minute
)

// Config of a Client.
type Config struct {
	Endpoints []string // http, https, ws or wss; asked in their order
	ChainID   uint64
	FeeModel  network.FeeModel // "" = eip1559
	Account   Account
	Wait      time.Duration // 0 = DefaultWait
}

// Client posts for one account. It is safe for concurrent use.
type Client struct {
	config  Config
	clients []*rpc.Client
	voices  []int // of clients, the first of each host: two ways to one are one voice
	signer  signer
	chainID *big.Int

	mu      sync.Mutex // held while a nonce is taken and used
	nonce   nonce
	checked sync.Map // endpoint index -> struct{}: its chain id is right
	code    sync.Map // Call.To and CodeHash -> struct{}: the code is right
}

// New prepares a Client; it does not connect.
func New(config Config) (*Client, error) {
	if config.Wait == 0 {
		config.Wait = DefaultWait
	}
	if config.FeeModel == "" {
		config.FeeModel = network.EIP1559
	}
	c := &Client{config: config, signer: signer{account: config.Account}, chainID: new(big.Int).SetUint64(config.ChainID)}
	var voices []string
	for _, endpoint := range config.Endpoints {
		// Writing needs no subscription: a ws endpoint is asked by HTTP.
		u := strings.Replace(strings.Replace(endpoint, "wss://", "https://", 1), "ws://", "http://", 1)
		client, err := rpc.DialOptions(context.Background(), u, rpc.WithHTTPClient(&http.Client{
			Timeout: callTimeout, Transport: Bounded(http.DefaultTransport, maxAnswer), CheckRedirect: refuseRedirect}))
		if err != nil {
			c.Close()
			return nil, fmt.Errorf("%w: %v", ErrUnavailable, err)
		}
		if voice := network.Voice(endpoint); !slices.Contains(voices, voice) {
			voices, c.voices = append(voices, voice), append(c.voices, len(c.clients))
		}
		c.clients = append(c.clients, client)
	}
	if len(c.clients) == 0 {
		return nil, fmt.Errorf("%w: none is configured", ErrUnavailable)
	}
	return c, nil
}

// Close drops the connections.
func (c *Client) Close() {
	for _, client := range c.clients {
		client.Close()
	}
}

// From implements Poster.
func (c *Client) From() state.Address { return c.config.Account.Address }

// ask puts a question to the first endpoint that answers it. An answer that is
// an error of JSON-RPC counts: the next endpoint would say the same.
func (c *Client) ask(ctx context.Context, result any, method string, args ...any) error {
	var failed []error
	for i, client := range c.clients {
		err := c.onChain(ctx, i)
		if err == nil {
			if err = client.CallContext(ctx, result, method, args...); err == nil || isAnswer(err) {
				return err
			}
			err = fmt.Errorf("%w: %w", ErrUnavailable, withoutURL(err))
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}

// onChain checks an endpoint's chain id, once.
func (c *Client) onChain(ctx context.Context, i int) error {
	if _, ok := c.checked.Load(i); ok {
		return nil
	}
	var id hexutil.Big
	if err := c.clients[i].CallContext(ctx, &id, "eth_chainId"); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, withoutURL(err))
	}
	if (*big.Int)(&id).Cmp(c.chainID) != 0 {
		return fmt.Errorf("%w: chain id %s, want %s", registry.ErrChain, (*big.Int)(&id), c.chainID)
	}
	c.checked.Store(i, struct{}{})
	return nil
}

// isAnswer tells an error that the endpoint answered with from one on the way.
func isAnswer(err error) bool {
	var e rpc.Error
	return errors.As(err, &e)
}

// withoutURL drops the URL from an error of net/http: it may hold an access key.
func withoutURL(err error) error {
	var u interface{ Unwrap() error }
	if errors.As(err, &u) && u.Unwrap() != nil {
		return u.Unwrap()
	}
	return err
}

func refuseRedirect(*http.Request, []*http.Request) error {
	return errors.New("redirect refused")
}

// Bounded cuts answers off after max bytes.
func Bounded(next http.RoundTripper, max int64) http.RoundTripper { return bounded{next, max} }

type bounded struct {
	next http.RoundTripper
	max  int64
}

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	res.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, b.max), res.Body}
	return res, nil
}
