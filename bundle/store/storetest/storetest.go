// Package storetest holds what every writable store must do, as testing/fstest
// does for file systems.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"dpki/bundle"
	"dpki/bundle/store"
)

// Test puts, gets and refuses, on a store that is otherwise empty.
func Test(t *testing.T, s store.Store) {
	t.Helper()
	ctx := t.Context()
	for _, size := range []int{1, 1000, bundle.MaxBlock} {
		block := bytes.Repeat([]byte{byte(size)}, size)
		for range 2 { // putting a block again is no error
			id, err := s.Put(ctx, block)
			if err != nil || id != bundle.Sum(block) {
				t.Fatalf("Put of %d bytes = %v, %v, want %v", size, id, err, bundle.Sum(block))
			}
		}
		for _, limit := range []int{0, -1, size, bundle.MaxBlock, bundle.MaxBlock + 1} {
			if got, err := s.Get(ctx, bundle.Sum(block), limit); err != nil || !bytes.Equal(got, block) {
				t.Errorf("Get of %d bytes, at most %d: %d bytes, %v", size, limit, len(got), err)
			}
		}
		if size == 1 {
			continue // at most 0 means no limit of the caller's
		}
		if got, err := s.Get(ctx, bundle.Sum(block), size-1); !errors.Is(err, store.ErrTooLarge) || got != nil {
			t.Errorf("Get of %d bytes, at most %d: %v, want ErrTooLarge", size, size-1, err)
		}
	}
	for _, block := range [][]byte{nil, make([]byte, bundle.MaxBlock+1)} {
		if _, err := s.Put(ctx, block); !errors.Is(err, store.ErrTooLarge) {
			t.Errorf("Put of %d bytes: %v, want ErrTooLarge", len(block), err)
		}
	}
	absent := bundle.Sum([]byte("nobody has this"))
	got, err := s.Get(ctx, absent, 0)
	if !errors.Is(err, store.ErrNotFound) || got != nil {
		t.Errorf("Get of an unknown block: %v, want ErrNotFound", err)
	}
	var named *store.Error
	if !errors.As(err, &named) || named.Store == "" || named.ID != absent || named.Op != "get" {
		t.Errorf("the error does not say which store, what and where: %+v", err)
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Get(ended, absent, 0); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Get after the deadline: %v, want ErrUnavailable", err)
	}
}
