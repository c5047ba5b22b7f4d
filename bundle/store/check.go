package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"dpki/bundle"
)

// Served says who serves a block.
type Served struct {
	ID bundle.CID
	By []string // stores that gave the right bytes
	// Missing are the others' answers, each an *Error. A store that gave the block
	// and does not keep it stands in both; so does, in this one alone, a pinner
	// that does not say that it keeps it.
	Missing []error

	lacking []any // stores and pinners that do not have it, or do not keep it
}

// Nobody reports whether no store gave the block.
func (s Served) Nobody() bool { return len(s.By) == 0 }

const (
	// checkersAtOnce bounds the blocks that are asked for at once.
	checkersAtOnce = 8
	// CheckWait bounds one answer, unless the caller does: a node that is online
	// searches the network for what it lacks, without an end of its own.
	CheckWait = 10 * time.Second
)

// Check fetches each block from each store, all stores at once, because a store's
// claim to have one proves nothing; pinners, of whom nothing can be fetched, are
// asked. The result is in the order of ids. No answer is waited for longer than
// wait, CheckWait if that is 0. progress, unless nil, hears how many are done; its
// calls are not concurrent.
func (m *Multi) Check(ctx context.Context, ids []bundle.CID, wait time.Duration, progress func(done int)) []Served {
	if wait <= 0 {
		wait = CheckWait
	}
	out := make([]Served, len(ids))
	var wg sync.WaitGroup
	var told sync.Mutex
	done := 0
	free := make(chan struct{}, checkersAtOnce)
	for i, id := range ids {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			out[i] = m.checkOne(ctx, id, wait)
			told.Lock()
			defer told.Unlock()
			if done++; progress != nil {
				progress(done)
			}
		})
	}
	wg.Wait()
	return out
}

func (m *Multi) checkOne(ctx context.Context, id bundle.CID, wait time.Duration) Served {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	got, kept := make([]error, len(m.stores)), make([]error, len(m.stores)+len(m.Pinners))
	var wg sync.WaitGroup
	for i, s := range m.stores {
		wg.Go(func() {
			if _, got[i] = s.Get(ctx, id, bundle.MaxBlock); got[i] == nil {
				kept[i] = keeps(ctx, s, id)
			}
		})
	}
	for i, p := range m.Pinners {
		wg.Go(func() { kept[len(m.stores)+i] = keeps(ctx, p, id) })
	}
	wg.Wait()
	served := Served{ID: id}
	for i, s := range m.stores {
		if got[i] == nil {
			served.By = append(served.By, fmt.Sprint(s))
		}
		served.lacks(s, errors.Join(got[i], kept[i]))
	}
	for i, p := range m.Pinners {
		served.lacks(p, kept[len(m.stores)+i])
	}
	return served
}

func (s *Served) lacks(who any, err error) {
	if err != nil {
		s.Missing, s.lacking = append(s.Missing, err), append(s.lacking, who)
	}
}

// keeps is an error unless s keeps the block, or is no Keeper.
func keeps(ctx context.Context, s any, id bundle.CID) error {
	k, ok := s.(Keeper)
	if !ok {
		return nil
	}
	pinned, err := k.Pinned(ctx, id)
	if err == nil && !pinned {
		err = &Error{Store: fmt.Sprint(s), Op: "get", ID: id, Err: ErrNotPinned}
	}
	return err
}

// Repair gives a block to the stores that lack it, as Check has found, and tells
// the pinners that do not keep it. mended are those that took it; the error names
// those that did not.
func (m *Multi) Repair(ctx context.Context, s Served, block []byte) (mended []string, err error) {
	if bundle.Sum(block) != s.ID {
		return nil, &Error{Store: m.String(), Op: "put", ID: s.ID, Err: ErrAltered}
	}
	// Stores stand before pinners in it, which fetch from one of them.
	for _, who := range s.lacking {
		var failed error
		switch to := who.(type) {
		case Pinner:
			failed = to.Pin(ctx, s.ID)
		case Store:
			_, failed = to.Put(ctx, block)
		}
		switch {
		case failed == nil:
			mended = append(mended, fmt.Sprint(who))
		case !errors.Is(failed, ErrReadOnly):
			err = errors.Join(err, failed)
		}
	}
	return mended, err
}
