package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"dpki/bundle"
)

// timeout bounds one request, from dialling to the last byte. A block has at
// most 256 KiB, so a link that needs longer is no link.
const timeout = 20 * time.Second

// Gateway reads blocks as the trustless gateway specification of IPFS has it:
// GET /ipfs/CID?format=raw, Accept: application/vnd.ipld.raw. The gateway needs
// no trust: the bytes are compared with the CID.
type Gateway struct {
	base   *url.URL
	client *http.Client
}

// NewGateway takes the gateway's base URL, as http://127.0.0.1:8080.
func NewGateway(base string) (*Gateway, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("gateway %.200q: want http(s)://host[:port][/path]", base)
	}
	g := &Gateway{base: u}
	g.client = &http.Client{
		Timeout: timeout,
		// Compressed answers would make the size limit meaningless.
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableCompression: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 16 << 10},
		CheckRedirect: g.checkRedirect,
	}
	return g, nil
}

func (g *Gateway) String() string { return "gateway " + g.base.String() }

// checkRedirect follows a gateway to its own subdomain form, CID.ipfs.HOST, and
// nowhere else: a hostile one must not be able to point a device's requests at
// another host, least of all at one inside its network.
func (g *Gateway) checkRedirect(req *http.Request, via []*http.Request) error {
	id := path.Base(via[0].URL.Path)
	own := req.URL.Host == g.base.Host || req.URL.Host == id+".ipfs."+g.base.Host
	if !own || req.URL.Scheme != g.base.Scheme || len(via) > 2 {
		return errRedirect
	}
	return nil
}

var errRedirect = errors.New("redirected elsewhere")

// Get fetches a block.
func (g *Gateway) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	b, err := g.get(ctx, id, clampMax(max))
	if err != nil {
		return nil, &Error{Store: g.String(), Op: "get", ID: id, Err: err}
	}
	return b, nil
}

func (g *Gateway) get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	u := g.base.JoinPath("ipfs", id.String())
	u.RawQuery = "format=raw"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	req.Header.Set("Accept", "application/vnd.ipld.raw")
	req.Header.Set("User-Agent", "dpki")
	res, err := g.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone:
		return nil, ErrNotFound
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("answered %d: %w", res.StatusCode, ErrUnavailable)
	case res.ContentLength > int64(max):
		return nil, fmt.Errorf("%d bytes: %w", res.ContentLength, ErrTooLarge)
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, int64(max)+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	return check(b, id, max)
}

// Put refuses: a gateway only reads.
func (g *Gateway) Put(_ context.Context, block []byte) (bundle.CID, error) {
	return bundle.CID{}, &Error{Store: g.String(), Op: "put", ID: bundle.Sum(block), Err: ErrReadOnly}
}

// NewMirror is a Gateway to a mirror (registry/mirror), which serves blocks by the
// same paths and has no reason to redirect anybody anywhere.
func NewMirror(base string) (*Gateway, error) {
	g, err := NewGateway(base)
	if err == nil {
		g.client.CheckRedirect = func(*http.Request, []*http.Request) error { return errRedirect }
	}
	return g, err
}

// Sandbox is the content store of dpki-sandbox: a gateway that also takes
// blocks, by PUT /ipfs with the raw bytes; it answers with the CID.
type Sandbox struct {
	*Gateway
}

// NewSandbox takes the sandbox's base URL.
func NewSandbox(base string) (*Sandbox, error) {
	g, err := NewGateway(base)
	if err != nil {
		return nil, err
	}
	return &Sandbox{Gateway: g}, nil
}

func (s *Sandbox) String() string { return "sandbox " + s.base.String() }

// Put stores a block.
func (s *Sandbox) Put(ctx context.Context, block []byte) (bundle.CID, error) {
	id, err := admit(block)
	if err == nil {
		err = s.put(ctx, id, block)
	}
	if err != nil {
		return bundle.CID{}, &Error{Store: s.String(), Op: "put", ID: id, Err: err}
	}
	return id, nil
}

func (s *Sandbox) put(ctx context.Context, id bundle.CID, block []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, s.base.JoinPath("ipfs").String(), bytes.NewReader(block))
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	res, err := s.client.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 256))
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrUnavailable)
	}
	if res.StatusCode/100 != 2 {
		return fmt.Errorf("answered %d: %w", res.StatusCode, ErrUnavailable)
	}
	if got := strings.TrimSpace(string(answer)); got != id.String() {
		return fmt.Errorf("stored as %.80q: %w", got, ErrAltered)
	}
	return nil
}
