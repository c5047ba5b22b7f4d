package device

import (
	"context"

	"dpki/bundle"
	"dpki/device/pipe"
	"dpki/registry"
	"dpki/registry/witness"
	"dpki/state"
)

// Chain asks one of the configured endpoints, by number. Nothing in an answer
// is trusted; errors are *registry.Failure.
type Chain interface {
	Head(ctx context.Context, endpoint int, q registry.HeadQuery) (registry.HeadReply, error)
	Logs(ctx context.Context, endpoint int, q registry.LogQuery) ([]byte, error)
	Headers(ctx context.Context, endpoint int, numbers []uint64) ([][]byte, error)
}

// Fetcher is the process that has the network. Supervisor is the one that
// survives its failures.
type Fetcher interface {
	Chain
	bundle.Getter
	// Configure replaces the places. It does not fail: a fetcher that is not
	// there now is told when it is.
	Configure(places []pipe.Place)
	// Segment reads a log segment from one of the archives, by number.
	Segment(ctx context.Context, archive int, scope state.Word, index uint64) ([]byte, error)
	// Receipt hands a receipt to all mirrors; it fails if none took it.
	Receipt(ctx context.Context, key state.Word, receipt []byte) error
	// Checkpoint reads a witness's newest checkpoint from one of the places that
	// may have it, by number.
	Checkpoint(ctx context.Context, place int, key witness.Key) ([]byte, error)
	// Watch asks for hints, or for none.
	Watch(on bool)
	Hints() <-chan struct{}
}

// endpoint is one endpoint as the reader sees it.
type endpoint struct {
	chain Chain
	index int
}

func (e endpoint) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	return e.chain.Head(ctx, e.index, q)
}

func (e endpoint) Logs(ctx context.Context, q registry.LogQuery) ([]byte, error) {
	return e.chain.Logs(ctx, e.index, q)
}

func (e endpoint) Headers(ctx context.Context, numbers []uint64) ([][]byte, error) {
	return e.chain.Headers(ctx, e.index, numbers)
}

// archive is one archive as the reader sees it.
type archive struct {
	fetcher Fetcher
	index   int
}

func (a archive) Segment(ctx context.Context, scope state.Word, index uint64) ([]byte, error) {
	return a.fetcher.Segment(ctx, a.index, scope, index)
}

// keeper is one place of checkpoints as the reader sees it.
type keeper struct {
	fetcher Fetcher
	index   int
}

func (k keeper) Checkpoint(ctx context.Context, key witness.Key) ([]byte, error) {
	return k.fetcher.Checkpoint(ctx, k.index, key)
}
