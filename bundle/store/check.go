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
}

// Nobody reports whether no store gave the block.
func (s Served) Nobody() bool { return len(s.By) == 0 }

const (
	// checkersAtOnce bounds the blocks that are asked for at once.
	checkersAtOnce = 8
	// checkWait bounds one answer: a node that is online searches the network for
	// what it lacks, and a check would take half a minute for each such block.
	checkWait = 10 * time.Second
)

// Check fetches each block from each store, all stores at once, because a store's
// claim to have one proves nothing; pinners, of whom nothing can be fetched, are
// asked. The result is in the order of ids. progress, unless nil, hears how many
// are done; its calls are not concurrent.
func (m *Multi) Check(ctx context.Context, ids []bundle.CID, progress func(done int)) []Served {
	out := make([]Served, len(ids))
	var wg sync.WaitGroup
	var told sync.Mutex
	done := 0
	free := make(chan struct{}, checkersAtOnce)
	for i, id := range ids {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			out[i] = m.checkOne(ctx, id)
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

func (m *Multi) checkOne(ctx context.Context, id bundle.CID) Served {
	ctx, cancel := context.WithTimeout(ctx, checkWait)
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
	}
	for _, err := range append(got, kept...) {
		if err != nil {
			served.Missing = append(served.Missing, err)
		}
	}
	return served
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

// Repair gives a block to the stores that lack it, and tells the pinners that do
// not keep it. mended are those that took it; the error names those that did not.
func (m *Multi) Repair(ctx context.Context, block []byte) (mended []string, err error) {
	id, err := admit(block)
	if err != nil {
		return nil, &Error{Store: m.String(), Op: "put", ID: id, Err: err}
	}
	for _, s := range m.stores {
		_, missing := s.Get(ctx, id, bundle.MaxBlock)
		if missing == nil {
			missing = keeps(ctx, s, id)
		}
		if missing == nil {
			continue
		}
		_, put := s.Put(ctx, block)
		switch {
		case put == nil:
			mended = append(mended, fmt.Sprint(s))
		case !errors.Is(put, ErrReadOnly):
			err = errors.Join(err, put)
		}
	}
	for _, p := range m.Pinners {
		if keeps(ctx, p, id) == nil {
			continue
		}
		if pin := p.Pin(ctx, id); pin != nil {
			err = errors.Join(err, pin)
			continue
		}
		mended = append(mended, fmt.Sprint(p))
	}
	return mended, err
}
