package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"dpki/bundle"
)

// hedgeAfter is how long a store may keep a reader waiting before the next one
// is asked too.
const hedgeAfter = time.Second

// Multi is several stores as one: what is put goes to all of them, what is got
// comes from the first that answers with the right bytes.
type Multi struct {
	stores []Store
	hedge  time.Duration

	// Pinners are told of what was put, once a store has it.
	Pinners []Pinner

	// Failed, unless nil, hears of each store that failed although the call as
	// a whole may have succeeded. Calls to it may be concurrent.
	Failed func(error)
}

// NewMulti asks stores in this order.
func NewMulti(stores ...Store) *Multi { return &Multi{stores: stores, hedge: hedgeAfter} }

// Stores are the stores, in order.
func (m *Multi) Stores() []Store { return m.stores }

func (m *Multi) String() string { return fmt.Sprintf("%d stores", len(m.stores)) }

// Failures names every store that failed.
type Failures struct {
	Op     string
	ID     bundle.CID
	Of     int     // stores asked
	Errors []error // of those that failed, each an *Error
}

func (f *Failures) Error() string {
	if f.Of == 0 {
		return fmt.Sprintf("%s %v: no store", f.Op, f.ID)
	}
	lines := make([]string, len(f.Errors))
	for i, err := range f.Errors {
		lines[i] = err.Error()
	}
	return fmt.Sprintf("%d of %d stores failed: %s", len(f.Errors), f.Of, strings.Join(lines, "; "))
}

// Is reports ErrNotFound only when every store says so: one that did not answer
// may have the block. Any other error is reported if some store gave it, and
// ErrUnavailable if there was no store at all.
func (f *Failures) Is(target error) bool {
	if f.Of == 0 {
		return target == ErrUnavailable
	}
	all, some := true, false
	for _, err := range f.Errors {
		is := errors.Is(err, target)
		all, some = all && is, some || is
	}
	if target == ErrNotFound {
		return all
	}
	return some
}

// Get asks one store after the other; the next one as soon as one fails, or
// after a second of silence. The first right answer ends the others.
func (m *Multi) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		block []byte
		err   error
	}
	answers := make(chan answer, len(m.stores))
	failures := &Failures{Op: "get", ID: id, Of: len(m.stores)}
	next, waiting := 0, 0
	ask := func() {
		if next == len(m.stores) {
			return
		}
		s := m.stores[next]
		next++
		waiting++
		go func() {
			b, err := s.Get(ctx, id, max)
			answers <- answer{b, err}
		}()
	}
	ask()
	for waiting > 0 {
		select {
		case a := <-answers:
			if a.err == nil {
				return a.block, nil
			}
			waiting--
			m.failed(a.err)
			failures.Errors = append(failures.Errors, a.err)
			ask()
		case <-time.After(m.hedge):
			ask()
		case <-ctx.Done():
			return nil, &Error{Store: m.String(), Op: "get", ID: id, Err: fmt.Errorf("%w: %w", ctx.Err(), ErrUnavailable)}
		}
	}
	return nil, failures
}

// Put puts a block into all stores that can be written, at once, then tells the
// pinners of it. If some of them failed the error is a *Failures that names them,
// and the CID is valid: the caller decides whether the others are enough.
func (m *Multi) Put(ctx context.Context, block []byte) (bundle.CID, error) {
	id, err := admit(block)
	if err != nil {
		return bundle.CID{}, &Error{Store: m.String(), Op: "put", ID: id, Err: err}
	}
	failures := &Failures{Op: "put", ID: id}
	each(m, failures, m.stores, func(s Store) error {
		_, err := s.Put(ctx, block)
		return err
	})
	if len(failures.Errors) < failures.Of {
		each(m, failures, m.Pinners, func(p Pinner) error { return p.Pin(ctx, id) })
	}
	switch {
	case failures.Of == 0:
		return bundle.CID{}, &Error{Store: m.String(), Op: "put", ID: id, Err: ErrReadOnly}
	case len(failures.Errors) == failures.Of:
		return bundle.CID{}, failures
	case len(failures.Errors) > 0:
		return id, failures
	}
	return id, nil
}

// each asks all at once, and counts those that could do it and those that failed.
func each[S any](m *Multi, failures *Failures, all []S, do func(S) error) {
	results := make(chan error, len(all))
	for _, s := range all {
		go func() { results <- do(s) }()
	}
	for range all {
		err := <-results
		if errors.Is(err, ErrReadOnly) {
			continue
		}
		failures.Of++
		if err != nil {
			m.failed(err)
			failures.Errors = append(failures.Errors, err)
		}
	}
}

// Keepers are the stores and pinners that can be told to let go of a block.
func (m *Multi) Keepers() []Keeper {
	var list []Keeper
	for _, s := range m.stores {
		if k, ok := s.(Keeper); ok {
			list = append(list, k)
		}
	}
	for _, p := range m.Pinners {
		list = append(list, p)
	}
	return list
}

// Unpin tells all keepers, and returns a *Failures if some failed.
func (m *Multi) Unpin(ctx context.Context, id bundle.CID) error {
	failures := &Failures{Op: "unpin", ID: id}
	each(m, failures, m.Keepers(), func(k Keeper) error { return k.Unpin(ctx, id) })
	if len(failures.Errors) > 0 {
		return failures
	}
	return nil
}

func (m *Multi) failed(err error) {
	if m.Failed != nil {
		m.Failed(err)
	}
}
