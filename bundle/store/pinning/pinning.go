package pinning

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ipfs/boxo/pinning/remote/client/openapi"

	"dpki/bundle"
	"dpki/bundle/store"
)

const (
	// timeout bounds one request.
	timeout = 20 * time.Second
	// maxAnswer bounds an answer: one page of pins, in bytes.
	maxAnswer = 1 << 20
	// MaxToken bounds a token, in bytes.
	MaxToken = 4096
	// maxRequestID bounds the name that a service gives to an order, in bytes.
	maxRequestID = 256
	// maxOrders bounds the orders for one block that are taken back at once.
	maxOrders = 100
)

// Service is an account at a pinning service.
type Service struct {
	url     string
	api     *openapi.APIClient
	origins func(context.Context) []string
}

// New takes the service's base URL, as https://api.pinata.cloud/psa, its token,
// and where the service may fetch blocks: the multiaddresses of a node that has
// them, asked for with each order; nil = the service is to find it by itself.
func New(base, token string, origins func(context.Context) []string) (*Service, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && !(u.Scheme == "http" && here(u.Hostname())) {
		return nil, fmt.Errorf("pinning service %.200q: want https://host[:port][/path], or http:// on this machine: the token would be read on the way", base)
	}
	if !validToken(token) {
		return nil, fmt.Errorf("pinning service %s: its token is no bearer token: 1 to %d printable characters, no space", u.Redacted(), MaxToken)
	}
	base = strings.TrimSuffix(u.String(), "/")
	config := openapi.NewConfiguration()
	config.UserAgent = "dpki"
	config.AddDefaultHeader("Authorization", "Bearer "+token)
	config.Servers = openapi.ServerConfigurations{{URL: base}}
	config.HTTPClient = &http.Client{
		Timeout: timeout,
		Transport: bounded{&http.Transport{
			Proxy: http.ProxyFromEnvironment, DisableCompression: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 16 << 10,
		}},
		// The token goes to the service that it is for.
		CheckRedirect: func(*http.Request, []*http.Request) error { return errRedirect },
	}
	if origins == nil {
		origins = func(context.Context) []string { return nil }
	}
	return &Service{url: base, api: openapi.NewAPIClient(config), origins: origins}, nil
}

var errRedirect = errors.New("redirected elsewhere")

func here(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// validToken keeps a token to what an HTTP header holds.
func validToken(token string) bool {
	for _, c := range []byte(token) {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return token != "" && len(token) <= MaxToken
}

func (s *Service) String() string { return "pinning " + s.url }

// Pin orders a block, unless an order for it stands already.
func (s *Service) Pin(ctx context.Context, id bundle.CID) error {
	orders, err := s.orders(ctx, id)
	if err != nil {
		return s.failed("pin", id, err)
	}
	if standing(orders, openapi.PINNED, openapi.QUEUED, openapi.PINNING) {
		return nil
	}
	pin := openapi.NewPin(id.String())
	if origins := s.origins(ctx); len(origins) > 0 {
		pin.SetOrigins(origins)
	}
	got, res, err := s.api.PinsApi.PinsPost(ctx).Pin(*pin).Execute()
	switch {
	case err != nil:
		return s.failed("pin", id, answered(res, err))
	case got.Pin.Cid != id.String():
		return s.failed("pin", id, fmt.Errorf("took an order for %.80q: %w", got.Pin.Cid, store.ErrAltered))
	case got.Status == openapi.FAILED:
		return s.failed("pin", id, errors.New("the order failed there"))
	}
	return nil
}

// Pinned reports whether the service says that it keeps the block.
func (s *Service) Pinned(ctx context.Context, id bundle.CID) (bool, error) {
	orders, err := s.orders(ctx, id)
	if err != nil {
		return false, s.failed("get", id, err)
	}
	return standing(orders, openapi.PINNED), nil
}

// Unpin takes back every order for a block, also those that are still queued.
func (s *Service) Unpin(ctx context.Context, id bundle.CID) error {
	orders, err := s.orders(ctx, id)
	if err != nil {
		return s.failed("unpin", id, err)
	}
	for _, o := range orders {
		res, err := s.api.PinsApi.PinsRequestidDelete(ctx, o.Requestid).Execute()
		if err = answered(res, err); err != nil && !errors.Is(err, store.ErrNotFound) {
			return s.failed("unpin", id, err)
		}
	}
	return nil
}

func standing(orders []openapi.PinStatus, as ...openapi.Status) bool {
	for _, o := range orders {
		for _, status := range as {
			if o.Status == status {
				return true
			}
		}
	}
	return false
}

// orders are the service's orders for a block, and for no other: one that it
// lists under the wrong name would be taken back in the place of this one.
func (s *Service) orders(ctx context.Context, id bundle.CID) ([]openapi.PinStatus, error) {
	all := []openapi.Status{openapi.QUEUED, openapi.PINNING, openapi.PINNED, openapi.FAILED} // absent means pinned
	list, res, err := s.api.PinsApi.PinsGet(ctx).Cid([]string{id.String()}).Status(all).Limit(maxOrders).Execute()
	if err := answered(res, err); err != nil {
		return nil, err
	}
	if len(list.Results) > maxOrders {
		return nil, fmt.Errorf("%d orders for one block: %w", len(list.Results), store.ErrTooLarge)
	}
	for _, o := range list.Results {
		if o.Pin.Cid != id.String() {
			return nil, fmt.Errorf("lists %.80q: %w", o.Pin.Cid, store.ErrAltered)
		}
		if o.Requestid == "" || o.Requestid == "." || o.Requestid == ".." || len(o.Requestid) > maxRequestID {
			return nil, fmt.Errorf("order %.80q has no name that can be used: %w", o.Requestid, store.ErrAltered)
		}
	}
	return list.Results, nil
}

// answered gives an error of the client a meaning. Nothing of the answer's text is
// in it: a service that is not well might answer with what it was sent.
func answered(res *http.Response, err error) error {
	if err == nil {
		return nil
	}
	if res == nil {
		return err
	}
	switch res.StatusCode {
	case http.StatusNotFound:
		return store.ErrNotFound
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("answered %d: the token is not taken", res.StatusCode)
	}
	return fmt.Errorf("answered %d, not as the specification says", res.StatusCode)
}

func (s *Service) failed(op string, id bundle.CID, err error) error {
	if !errors.Is(err, store.ErrAltered) && !errors.Is(err, store.ErrTooLarge) {
		err = fmt.Errorf("%w: %w", err, store.ErrUnavailable)
	}
	return &store.Error{Store: s.String(), Op: op, ID: id, Err: err}
}

// bounded limits every answer: the client reads them to their end.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}
