package store

import (
	"context"
	"errors"
	"fmt"

	"dpki/bundle"
)

// Store keeps blocks under their CIDs.
type Store interface {
	// Get returns the block, at most max bytes (bundle.MaxBlock if max is not
	// between 1 and that). The bytes were compared with the CID.
	Get(ctx context.Context, id bundle.CID, max int) ([]byte, error)
	// Put keeps a block, durably once it returns. Putting it again is no error.
	Put(ctx context.Context, block []byte) (bundle.CID, error)
}

// Unpinner is a Store that can be told to let go of a block that is superseded
// or expired. Letting go of an unknown block is no error.
type Unpinner interface {
	Unpin(ctx context.Context, id bundle.CID) error
}

// Keeper is an Unpinner that can say whether it was told to keep a block. It is
// believed in nothing but what concerns itself.
type Keeper interface {
	Unpinner
	Pinned(ctx context.Context, id bundle.CID) (bool, error)
}

// Pinner is a place that keeps blocks which it fetches from elsewhere: it is told
// of them, is given none, and gives none.
type Pinner interface {
	Keeper
	// Pin asks to keep a block. It returns once the place has taken the order, which
	// may be before it has the block.
	Pin(ctx context.Context, id bundle.CID) error
}

// What stores answer, besides a block.
var (
	// ErrNotFound: this store does not have the block.
	ErrNotFound = errors.New("block not found")
	// ErrAltered: the store answered with other bytes than the CID names.
	ErrAltered = bundle.ErrAltered
	// ErrTooLarge: the store's answer, or the block, exceeds the limit.
	ErrTooLarge = bundle.ErrTooLarge
	// ErrUnavailable: the store did not answer, in time or at all, or refused.
	ErrUnavailable = errors.New("store unavailable")
	// ErrReadOnly: nothing can be put here.
	ErrReadOnly = errors.New("store is read-only")
	// ErrNotPinned: the store gives the block, or could, and does not keep it.
	ErrNotPinned = errors.New("not kept there")
)

// Error says which store failed, at what.
type Error struct {
	Store string // as String prints the store
	Op    string // "get", "put", "pin" or "unpin"
	ID    bundle.CID
	Err   error
}

func (e *Error) Error() string { return fmt.Sprintf("%s %v: %s: %v", e.Op, e.ID, e.Store, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

func clampMax(max int) int {
	if max <= 0 || max > bundle.MaxBlock {
		return bundle.MaxBlock
	}
	return max
}

// Check turns bytes from anywhere into a block, or an error.
func check(b []byte, id bundle.CID, max int) ([]byte, error) {
	if len(b) > max {
		return nil, fmt.Errorf("more than %d bytes: %w", max, ErrTooLarge)
	}
	if bundle.Sum(b) != id {
		return nil, fmt.Errorf("other bytes than the CID names: %w", ErrAltered)
	}
	return b, nil
}

// admit refuses what cannot be one block.
func admit(block []byte) (bundle.CID, error) {
	if len(block) == 0 || len(block) > bundle.MaxBlock {
		return bundle.CID{}, fmt.Errorf("block of %d bytes, at most %d: %w", len(block), bundle.MaxBlock, ErrTooLarge)
	}
	return bundle.Sum(block), nil
}
