package store

import (
	"context"
	"fmt"
	"sync"

	"dpki/bundle"
)

// Served says who serves a block.
type Served struct {
	ID      bundle.CID
	By      []string // stores that gave the right bytes
	Missing []error  // the others' answers, each an *Error
}

// Nobody reports whether no store gave the block.
func (s Served) Nobody() bool { return len(s.By) == 0 }

// checkersAtOnce bounds the requests under way.
const checkersAtOnce = 8

// CheckAll fetches each block from each store, because a store's claim to have
// one proves nothing. The result is in the order of ids.
func CheckAll(ctx context.Context, stores []Store, ids []bundle.CID) []Served {
	out := make([]Served, len(ids))
	var wg sync.WaitGroup
	free := make(chan struct{}, checkersAtOnce)
	for i, id := range ids {
		free <- struct{}{}
		wg.Add(1)
		go func() {
			defer wg.Done()
			out[i] = checkOne(ctx, stores, id)
			<-free
		}()
	}
	wg.Wait()
	return out
}

func checkOne(ctx context.Context, stores []Store, id bundle.CID) Served {
	s := Served{ID: id}
	for _, store := range stores {
		if _, err := store.Get(ctx, id, bundle.MaxBlock); err != nil {
			s.Missing = append(s.Missing, err)
			continue
		}
		s.By = append(s.By, fmt.Sprint(store))
	}
	return s
}
