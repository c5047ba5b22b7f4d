package signer

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"time"

	"dpki/registry"
	"dpki/registry/verify"
	"dpki/registry/witness"
)

// Node is the witness's own node; source.Client implements it. Errors are
// *registry.Failure.
type Node interface {
	Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error)
	Headers(ctx context.Context, numbers []uint64) ([][]byte, error)
	// Hints calls wake when there may be a new block, until ctx ends.
	Hints(ctx context.Context, wake func())
}

// Config is what a Signer is made of. Fields without a remark are mandatory.
type Config struct {
	Node    Node
	ChainID uint64
	Key     ed25519.PrivateKey
	Every   time.Duration // between two looks without hints
	// Publish takes the checkpoint for places that may hand it on late; nil = there
	// are none.
	Publish func(checkpoint []byte) error
	// Serve takes one of the last blocks alone, a third of the bytes, for who hands
	// out each at once: whoever asks has seen its tip a moment ago. nil = nobody does.
	Serve func(checkpoint []byte)
	Log   func(Event)
}

const (
	// At least freshBlocks, and as many as are younger than freshFor seconds, are in
	// the checkpoint to serve: a reader that found its tip unsigned asks again
	// within seconds, and on a fast chain that is many blocks.
	freshBlocks = 16
	freshFor    = 32
)

// Event is one look: what was signed, or why nothing was.
type Event struct {
	Checkpoint *witness.Checkpoint // nil with an error
	Err        error
	// Replaced are how many blocks that were signed before are not in the chain
	// any more.
	Replaced int
}

// Signer signs checkpoints.
type Signer struct {
	c     Config
	chain []verify.Header // newest first, each the parent of the one before
}

// New makes a Signer; Run does its work.
func New(c Config) *Signer { return &Signer{c: c} }

// Run signs until ctx ends.
func (s *Signer) Run(ctx context.Context) {
	wake := make(chan struct{}, 1)
	hinting, stop := context.WithCancel(ctx)
	defer stop()
	go s.c.Node.Hints(hinting, func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	})
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-timer.C:
		}
		event := s.Once(ctx)
		if ctx.Err() != nil {
			return
		}
		s.c.Log(event)
		timer.Reset(s.c.Every)
	}
}

// Once looks, signs and publishes.
func (s *Signer) Once(ctx context.Context) Event {
	c, replaced, err := s.look(ctx)
	if err != nil {
		return Event{Err: err}
	}
	if err := s.publish(c); err != nil {
		return Event{Err: err}
	}
	return Event{Checkpoint: c, Replaced: replaced}
}

func (s *Signer) publish(c *witness.Checkpoint) error {
	if s.c.Serve != nil {
		fresh := *c
		fresh.Hashes = c.Hashes[:s.fresh()]
		b, err := fresh.Sign(s.c.Key)
		if err != nil {
			return err
		}
		s.c.Serve(b)
	}
	if s.c.Publish == nil {
		return nil
	}
	b, err := c.Sign(s.c.Key)
	if err != nil {
		return err
	}
	return s.c.Publish(b)
}

// fresh is how many of the last blocks are served.
func (s *Signer) fresh() int {
	n := min(freshBlocks, len(s.chain))
	for n < len(s.chain) && s.chain[n].Time+freshFor >= s.chain[0].Time {
		n++
	}
	return n
}

func (s *Signer) look(ctx context.Context) (*witness.Checkpoint, int, error) {
	reply, err := s.c.Node.Head(ctx, registry.HeadQuery{})
	if err != nil {
		return nil, 0, err
	}
	if err := verify.CheckChainID(reply.ChainID, s.c.ChainID); err != nil {
		return nil, 0, err
	}
	tip, err := verify.ParseHeader(reply.Latest)
	if err != nil {
		return nil, 0, err
	}
	c := &witness.Checkpoint{ChainID: s.c.ChainID, Number: tip.Number, Time: tip.Time}
	if c.Safe, err = number(reply.Safe, tip); err != nil {
		return nil, 0, err
	}
	if c.Finalized, err = number(reply.Finalized, tip); err != nil {
		return nil, 0, err
	}
	chain, err := s.follow(ctx, tip)
	if err != nil {
		return nil, 0, err
	}
	replaced := 0
	for _, h := range s.chain {
		if h.Number > tip.Number || tip.Number-h.Number < uint64(len(chain)) && chain[tip.Number-h.Number].Hash != h.Hash {
			replaced++
		}
	}
	s.chain = chain
	for _, h := range chain {
		c.Hashes = append(c.Hashes, h.Hash)
	}
	return c, replaced, nil
}

// few is how many blocks are asked for at once where some of those that were
// seen before have been replaced.
const few = 4

// follow is the chain from the tip back, as far as a checkpoint holds it. What
// is known since the last look is not asked for again.
func (s *Signer) follow(ctx context.Context, tip verify.Header) ([]verify.Header, error) {
	chain := []verify.Header{tip}
	for len(chain) < witness.MaxHashes && chain[len(chain)-1].Number > 0 {
		last, room := chain[len(chain)-1], witness.MaxHashes-len(chain)
		if i := slices.IndexFunc(s.chain, func(h verify.Header) bool { return h.Hash == last.Parent }); i >= 0 {
			chain = append(chain, s.chain[i:min(len(s.chain), i+room)]...)
			continue
		}
		if len(s.chain) > 0 && last.Number > s.chain[len(s.chain)-1].Number {
			room = min(room, few+int(last.Number-min(last.Number, s.chain[0].Number)))
		}
		more, err := s.parents(ctx, last, room)
		if err != nil {
			return nil, err
		}
		chain = append(chain, more...)
	}
	return chain, nil
}

// parents are the blocks before one, the nearest first, up to a number of them.
func (s *Signer) parents(ctx context.Context, of verify.Header, most int) ([]verify.Header, error) {
	var numbers []uint64
	for n := of.Number; n > 0 && len(numbers) < min(most, registry.MaxHeaders); n-- {
		numbers = append(numbers, n-1)
	}
	raw, err := s.c.Node.Headers(ctx, numbers)
	if err != nil {
		return nil, err
	}
	var found []verify.Header
	for _, b := range raw {
		h, err := verify.ParseHeader(b)
		if err != nil {
			return nil, err
		}
		if h.Hash != of.Parent || h.Number+1 != of.Number {
			return nil, fmt.Errorf("%w: block %d is not the parent of block %d; it may have changed a moment ago", verify.ErrHeader, h.Number, of.Number)
		}
		found, of = append(found, h), h
	}
	return found, nil
}

// number is the number of a block that a young chain does not have.
func number(raw []byte, tip verify.Header) (uint64, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, nil
	}
	h, err := verify.ParseHeader(raw)
	return min(h.Number, tip.Number), err
}
