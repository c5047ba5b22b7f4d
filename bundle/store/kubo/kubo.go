package kubo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ipfs/boxo/files"
	"github.com/ipfs/boxo/path"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/kubo/client/rpc"
	"github.com/multiformats/go-multihash"

	"dpki/bundle"
	"dpki/bundle/store"
)

const (
	// timeout bounds one call. A node that is online searches the network for a
	// block that it lacks, without an end of its own.
	timeout = 30 * time.Second
	// maxAnswer bounds an answer: a block, or a short JSON text.
	maxAnswer = bundle.MaxBlock + 64<<10
)

// Node is a kubo node.
type Node struct {
	url string
	api *rpc.HttpApi
}

// New takes the RPC's base URL, as http://127.0.0.1:5001.
func New(base string) (*Node, error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("kubo %.200q: want http(s)://host:port", base)
	}
	base = strings.TrimSuffix(base, "/")
	api, err := rpc.NewURLApiWithClient(base, &http.Client{Timeout: timeout, Transport: bounded{http.DefaultTransport}})
	if err != nil {
		return nil, fmt.Errorf("kubo %q: %w", base, err)
	}
	return &Node{url: base, api: api}, nil
}

// Open is New for store.Open.
func Open(base string) (store.Store, error) { return New(base) }

func (n *Node) String() string { return "kubo " + n.url }

// Get fetches a block from the node, which may fetch it from the network.
func (n *Node) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	if max <= 0 || max > bundle.MaxBlock {
		max = bundle.MaxBlock
	}
	b, err := n.get(ctx, id, max)
	if err != nil {
		return nil, n.failed("get", id, err)
	}
	return b, nil
}

func (n *Node) get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	// Not api.Block().Get: that one reads without a limit.
	res, err := n.api.Request("block/get", id.String()).Send(ctx)
	if err != nil {
		return nil, err
	}
	if res.Error != nil {
		return nil, res.Error
	}
	defer res.Cancel()
	b, err := io.ReadAll(io.LimitReader(res.Output, int64(max)+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > max:
		return nil, fmt.Errorf("more than %d bytes: %w", max, store.ErrTooLarge)
	case bundle.Sum(b) != id:
		return nil, fmt.Errorf("other bytes than the CID names: %w", store.ErrAltered)
	}
	return b, nil
}

// Put adds a block as one raw leaf and pins it.
func (n *Node) Put(ctx context.Context, block []byte) (bundle.CID, error) {
	id := bundle.Sum(block)
	if len(block) == 0 || len(block) > bundle.MaxBlock {
		return bundle.CID{}, n.failed("put", id, fmt.Errorf("block of %d bytes: %w", len(block), store.ErrTooLarge))
	}
	// Not api.Block().Put: that one first asks for the node's version, without
	// the context, so that a node that hangs would hang the caller.
	body := files.NewMapDirectory(map[string]files.Node{"": files.NewBytesFile(block)})
	var stored struct{ Key string }
	err := n.api.Request("block/put").Option("cid-codec", "raw").Option("mhtype", "sha2-256").Option("pin", true).
		Body(files.NewMultiFileReader(body, false, false)).Exec(ctx, &stored)
	if err != nil {
		return bundle.CID{}, n.failed("put", id, err)
	}
	if stored.Key != id.String() {
		return bundle.CID{}, n.failed("put", id, fmt.Errorf("stored as %.80q: %w", stored.Key, store.ErrAltered))
	}
	return id, nil
}

// Unpin lets go of a block; the node's garbage collection removes it later.
func (n *Node) Unpin(ctx context.Context, id bundle.CID) error {
	err := n.api.Pin().Rm(ctx, ipfsPath(id))
	if err == nil || strings.Contains(err.Error(), "not pinned") {
		return nil
	}
	return n.failed("unpin", id, err)
}

// Pinned reports whether the node keeps the block.
func (n *Node) Pinned(ctx context.Context, id bundle.CID) (bool, error) {
	_, pinned, err := n.api.Pin().IsPinned(ctx, ipfsPath(id))
	if err != nil {
		return false, n.failed("get", id, err)
	}
	return pinned, nil
}

// Addresses are where another node can fetch from this one, as multiaddresses with
// its peer id; none where the node does not answer.
func (n *Node) Addresses(ctx context.Context) []string {
	var id struct{ Addresses []string }
	if err := n.api.Request("id").Exec(ctx, &id); err != nil {
		return nil
	}
	return id.Addresses[:min(len(id.Addresses), maxAddresses)]
}

// maxAddresses is how many addresses a pinning service takes with an order.
const maxAddresses = 20

func ipfsPath(id bundle.CID) path.Path {
	mh, err := multihash.Encode(id[:], multihash.SHA2_256)
	if err != nil {
		panic("kubo: " + err.Error()) // only for unknown hash codes
	}
	return path.FromCid(cid.NewCidV1(cid.Raw, mh))
}

// failed gives an error of the client one of package store's meanings. The RPC
// reports a missing block as text only.
func (n *Node) failed(op string, id bundle.CID, err error) error {
	known := false
	for _, e := range []error{store.ErrTooLarge, store.ErrAltered} {
		known = known || errors.Is(err, e)
	}
	switch {
	case known:
	case strings.Contains(err.Error(), "could not find"), strings.Contains(err.Error(), "block not found"):
		err = fmt.Errorf("%w: %w", err, store.ErrNotFound)
	default:
		err = fmt.Errorf("%w: %w", err, store.ErrUnavailable)
	}
	return &store.Error{Store: n.String(), Op: op, ID: id, Err: err}
}

// bounded limits every answer: the client reads error texts to their end.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.RoundTripper.RoundTrip(req)
	if err == nil {
		res.Body = limitedBody{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}

type limitedBody struct {
	io.Reader
	io.Closer
}
