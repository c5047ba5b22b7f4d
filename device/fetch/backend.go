package fetch

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/device/pipe"
	"dpki/internal/network"
	"dpki/registry"
	"dpki/registry/source"
	"dpki/registry/witness"
	"dpki/state"
)

const (
	// large is the length of an answer, in bytes, that is not kept as garbage.
	large = 1 << 20
	// sweepAfter is how long it is kept.
	sweepAfter = 200 * time.Millisecond
)

// Backend implements pipe.Backend on the network. The zero value knows nobody.
type Backend struct {
	mu        sync.Mutex
	endpoints []endpoint
	mirrors   []*source.Mirror
	archives  []archive
	keepers   []keeper
	stores    *store.Multi
	wake      func()
	stop      context.CancelFunc // of the subscriptions; nil = none run
}

// Configure implements pipe.Backend.
func (b *Backend) Configure(places []pipe.Place) error {
	var next Backend
	var nearby []store.Store // mirrors, asked for blocks before the stores
	var stores []network.Store
	for _, p := range places {
		switch p.Type {
		case pipe.Endpoint:
			c, err := source.Dial(p.Location)
			if err != nil {
				return fmt.Errorf("endpoint %d: %w", len(next.endpoints)+1, err)
			}
			next.endpoints = append(next.endpoints, c)
		case pipe.Mirror:
			m, err := source.DialMirror(p.Location)
			if err != nil {
				return fmt.Errorf("mirror %d: %w", len(next.mirrors)+1, err)
			}
			blocks, err := store.NewMirror(p.Location)
			if err != nil {
				return fmt.Errorf("mirror %d: %w", len(next.mirrors)+1, err)
			}
			next.endpoints, next.mirrors, next.archives = append(next.endpoints, m), append(next.mirrors, m), append(next.archives, m)
			next.keepers = append(next.keepers, m)
			nearby = append(nearby, blocks)
		case pipe.Folder:
			next.archives = append(next.archives, source.Folder{Path: p.Location})
			next.keepers = append(next.keepers, source.Folder{Path: p.Location})
			stores = append(stores, storeOf(p))
		case pipe.Witness:
			k, err := source.OpenCheckpoints(p.Location)
			if err != nil {
				return fmt.Errorf("witness: %w", err)
			}
			next.keepers = append(next.keepers, k)
		default:
			stores = append(stores, storeOf(p))
		}
	}
	multi, err := store.Open(stores, store.Own{})
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.endpoints {
		c.Close()
	}
	b.endpoints, b.mirrors, b.archives, b.keepers = next.endpoints, next.mirrors, next.archives, next.keepers
	b.stores = store.NewMulti(append(nearby, multi.Stores()...)...)
	b.subscribe(b.wake)
	return nil
}

// endpoint is a place that is asked for the chain: source.Client or source.Mirror.
type endpoint interface {
	Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error)
	Logs(ctx context.Context, q registry.LogQuery) ([]byte, error)
	Headers(ctx context.Context, numbers []uint64) ([][]byte, error)
	Hints(ctx context.Context, wake func())
	Close()
}

// archive is a place that may have log segments.
type archive interface {
	Segment(ctx context.Context, scope state.Word, index uint64) ([]byte, error)
}

// keeper is a place that may have witnesses' checkpoints.
type keeper interface {
	Checkpoint(ctx context.Context, key witness.Key) ([]byte, error)
}

func storeOf(p pipe.Place) network.Store {
	switch p.Type {
	case pipe.Folder:
		return network.Store{Type: network.Folder, Path: p.Location}
	case pipe.Gateway:
		return network.Store{Type: network.Gateway, URL: p.Location}
	}
	return network.Store{Type: network.Sandbox, URL: p.Location}
}

// Watch implements pipe.Backend.
func (b *Backend) Watch(on bool, wake func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !on {
		wake = nil
	}
	if (wake != nil) != (b.wake != nil) {
		b.subscribe(wake)
	}
}

// subscribe replaces the subscriptions. The caller holds b.mu.
func (b *Backend) subscribe(wake func()) {
	b.wake = wake
	if b.stop != nil {
		b.stop()
		b.stop = nil
	}
	if wake == nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	for _, c := range b.endpoints {
		go c.Hints(ctx, wake)
	}
}

func (b *Backend) endpoint(i int) (endpoint, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i < 0 || i >= len(b.endpoints) {
		return nil, &registry.Failure{Fault: registry.Unavailable, Detail: "no such endpoint"}
	}
	return b.endpoints[i], nil
}

// Head implements pipe.Backend.
func (b *Backend) Head(ctx context.Context, i int, q registry.HeadQuery) (registry.HeadReply, error) {
	c, err := b.endpoint(i)
	if err != nil {
		return registry.HeadReply{}, err
	}
	return c.Head(ctx, q)
}

// Logs implements pipe.Backend.
func (b *Backend) Logs(ctx context.Context, i int, q registry.LogQuery) ([]byte, error) {
	c, err := b.endpoint(i)
	if err != nil {
		return nil, err
	}
	logs, err := c.Logs(ctx, q)
	if len(logs) > large {
		// A device that joins reads megabytes once: give them back, as soon as
		// run has been told.
		time.AfterFunc(sweepAfter, debug.FreeOSMemory)
	}
	return logs, err
}

// Headers implements pipe.Backend.
func (b *Backend) Headers(ctx context.Context, i int, numbers []uint64) ([][]byte, error) {
	c, err := b.endpoint(i)
	if err != nil {
		return nil, err
	}
	return c.Headers(ctx, numbers)
}

// Segment implements pipe.Backend.
func (b *Backend) Segment(ctx context.Context, i int, scope state.Word, index uint64) ([]byte, error) {
	b.mu.Lock()
	archives := b.archives
	b.mu.Unlock()
	if i < 0 || i >= len(archives) {
		return nil, &registry.Failure{Fault: registry.Unavailable, Detail: "no such archive"}
	}
	return archives[i].Segment(ctx, scope, index)
}

// Receipt implements pipe.Backend.
func (b *Backend) Receipt(ctx context.Context, key state.Word, receipt []byte) error {
	b.mu.Lock()
	mirrors := b.mirrors
	b.mu.Unlock()
	err := error(&registry.Failure{Fault: registry.Unavailable, Detail: "no mirror is configured"})
	taken := false
	for _, m := range mirrors {
		if putErr := m.PutReceipt(ctx, key, receipt); putErr != nil {
			err = putErr
		} else {
			taken = true
		}
	}
	if taken {
		return nil
	}
	return err
}

// Checkpoint implements pipe.Backend.
func (b *Backend) Checkpoint(ctx context.Context, i int, key witness.Key) ([]byte, error) {
	b.mu.Lock()
	keepers := b.keepers
	b.mu.Unlock()
	if i < 0 || i >= len(keepers) {
		return nil, &registry.Failure{Fault: registry.Unavailable, Detail: "no such place"}
	}
	return keepers[i].Checkpoint(ctx, key)
}

// Block implements pipe.Backend.
func (b *Backend) Block(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	b.mu.Lock()
	stores := b.stores
	b.mu.Unlock()
	if stores == nil || len(stores.Stores()) == 0 {
		return nil, &registry.Failure{Fault: registry.Unavailable, Detail: "no store is configured"}
	}
	return stores.Get(ctx, id, max)
}
