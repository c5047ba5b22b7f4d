package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"dpki/registry/witness"
	"dpki/state"
)

// CheckpointSource is one place where a witness's newest checkpoint may lie.
// Nothing in it is trusted but its signature. Errors are *registry.Failure.
type CheckpointSource interface {
	// Checkpoint is at most witness.MaxCheckpoint bytes.
	Checkpoint(ctx context.Context, key witness.Key) ([]byte, error)
}

// Witness is one witness and the places to look for its checkpoints, in order.
type Witness struct {
	Name   string // for alarms
	Key    witness.Key
	Places []CheckpointSource
}

// Witnesses are those of whom Agree must have signed a block before it is
// believed, whatever endpoints prove. The zero value asks for none.
type Witnesses struct {
	Agree int
	All   []Witness
	// Patience is how long a look waits for the newest block's checkpoint;
	// 0 = DefaultPatience. It never takes more than most of what time the caller
	// has.
	Patience time.Duration
}

// DefaultPatience covers the moment by which a witness that is told of new blocks
// is behind the endpoints. Whoever waits longer holds up what else is to be done.
const DefaultPatience = 1500 * time.Millisecond

func (w Witnesses) check() error {
	if w.Agree < min(1, len(w.All)) || w.Agree > len(w.All) || len(w.All) > witness.MaxWitnesses {
		return fmt.Errorf("%w: %d of %d witnesses must agree", ErrConfig, w.Agree, len(w.All))
	}
	for i, a := range w.All {
		if slices.ContainsFunc(w.All[:i], func(b Witness) bool { return a.Key == b.Key || a.Name == b.Name }) {
			return fmt.Errorf("%w: witness %s twice", ErrConfig, a.Name) // it would agree with itself
		}
	}
	return nil
}

const (
	// maxSeen is how many tips are kept that no witness has signed yet.
	maxSeen = 32
	// A checkpoint of the newest block is a moment behind the endpoints: it is
	// asked for again after firstWait, then twice as long, up to lastWait.
	firstWait = 100 * time.Millisecond
	lastWait  = time.Second
)

// seenTip is a tip that endpoints proved, to be believed when enough witnesses
// have signed its block.
type seenTip struct {
	view  View
	slots []state.Word
}

// witnessed is the newest tip that enough witnesses have signed: the one at
// hand, or after waiting for it, one of those that were seen since the last that
// counted. Places that serve checkpoints late thus make State later, and take
// nothing away.
func (t *tick) witnessed(ctx context.Context, view View, slots []state.Word) (View, error) {
	if t.config.Witnesses.Agree == 0 {
		return view, nil
	}
	t.remember(view, slots)
	patience := cmp.Or(t.config.Witnesses.Patience, DefaultPatience)
	if deadline, ok := ctx.Deadline(); ok {
		patience = min(patience, time.Until(deadline)*3/4)
	}
	waited := time.Duration(0)
	for wait := firstWait; ; wait = min(2*wait, lastWait) {
		said := t.checkpoints(ctx, view.Head, waited == 0)
		t.signed, t.unsigned = said.names(), said.errs
		if against := said.against(view.Head); len(against) >= t.config.Witnesses.Agree {
			return View{}, fmt.Errorf("%w: block %d, %v", ErrForked, view.Head.Number, against)
		}
		if v, ok := said.cover(view, t.config.Witnesses.Agree); ok {
			return v, nil
		}
		limit := patience
		if len(said.by) < t.config.Witnesses.Agree {
			limit = min(limit, DefaultPatience) // some do not answer at all
		}
		if waited += wait; waited > limit || ctx.Err() != nil {
			return t.older(said, view.Head, slots)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// remember keeps a tip. Tips with other words are of no use any more.
func (t *tick) remember(view View, slots []state.Word) {
	t.seen = slices.DeleteFunc(t.seen, func(s seenTip) bool {
		return !slices.Equal(s.slots, slots) || s.view.Head.Number <= t.known.Head.Number || s.view.Head.Hash == view.Head.Hash
	})
	if len(t.seen) == maxSeen {
		// Not the oldest: it is the one that a late place will have first.
		t.seen = slices.Delete(t.seen, maxSeen/2, maxSeen/2+1)
	}
	t.seen = append(t.seen, seenTip{view, slices.Clone(slots)})
}

// older is the newest of the tips that were seen before and are signed now.
func (t *tick) older(said statements, head Head, slots []state.Word) (View, error) {
	for i := len(t.seen) - 1; i >= 0; i-- {
		s := t.seen[i]
		if s.view.Head.Number <= t.known.Head.Number || !slices.Equal(s.slots, slots) {
			continue
		}
		if v, ok := said.cover(s.view, t.config.Witnesses.Agree); ok {
			t.seen = t.seen[i+1:]
			return v, nil
		}
	}
	return View{}, errors.Join(append(said.errs, fmt.Errorf("%w: block %d by %d of %d", ErrWitness, head.Number, len(said.signing(head)), t.config.Witnesses.Agree))...)
}

// statement is one witness's newest checkpoint.
type statement struct {
	name string
	*witness.Checkpoint
}

// statements are those of the witnesses that could be had, and why not the others.
type statements struct {
	by   []statement
	errs []error
}

// checkpoints asks witnesses: at first as many as must agree, those that are well
// before others, and all where those do not do. Each costs up to 2 KB a look.
func (t *tick) checkpoints(ctx context.Context, head Head, few bool) statements {
	all := slices.Clone(t.config.Witnesses.All)
	slices.SortStableFunc(all, func(a, b Witness) int {
		return cmp.Compare(t.records[a.Name].avoid, t.records[b.Name].avoid)
	})
	if !few {
		return t.checkpointsOf(ctx, head, all)
	}
	agree := t.config.Witnesses.Agree
	said := t.checkpointsOf(ctx, head, all[:agree])
	if len(said.signing(head)) < agree {
		more := t.checkpointsOf(ctx, head, all[agree:])
		said.by, said.errs = append(said.by, more.by...), append(said.errs, more.errs...)
	}
	return said
}

func (t *tick) checkpointsOf(ctx context.Context, head Head, witnesses []Witness) statements {
	found, errs := make([]*witness.Checkpoint, len(witnesses)), make([]error, len(witnesses))
	var asked sync.WaitGroup
	for i, w := range witnesses {
		asked.Go(func() { found[i], errs[i] = t.checkpoint(ctx, w, head) })
	}
	asked.Wait()
	var s statements
	for i, c := range found {
		if c != nil {
			s.by = append(s.by, statement{witnesses[i].Name, c})
		}
		if errs[i] != nil {
			s.errs = append(s.errs, &EndpointError{Endpoint: witnesses[i].Name, Err: errs[i]})
		}
	}
	return s
}

// checkpoint is a witness's newest, from the first place that has one which
// covers the head. The error says what was wrong with the other places.
func (t *tick) checkpoint(ctx context.Context, w Witness, head Head) (newest *witness.Checkpoint, err error) {
	for _, p := range w.Places {
		raw, e := p.Checkpoint(ctx, w.Key)
		if e != nil {
			err = sourceError(e)
			continue
		}
		c, e := witness.Parse(raw, w.Key, t.config.Registry.ChainID)
		if e != nil {
			err = fmt.Errorf("%w: %w", ErrCheckpoint, e)
			continue
		}
		if newest == nil || c.Number > newest.Number {
			newest = c
		}
		if _, ok := newest.Hash(head.Number); ok {
			break
		}
	}
	if newest != nil {
		return newest, nil
	}
	if err == nil {
		err = fmt.Errorf("%w: no place serves it", ErrSource)
	}
	return nil, err
}

func (s statements) names() (names []string) {
	for _, c := range s.by {
		names = append(names, c.name)
	}
	return names
}

// against are the witnesses that have another block in the head's place.
func (s statements) against(head Head) (names []string) {
	for _, c := range s.by {
		if h, ok := c.Hash(head.Number); ok && h != head.Hash {
			names = append(names, c.name)
		}
	}
	return names
}

// signing are the witnesses that have signed the head's block.
func (s statements) signing(head Head) (signed []statement) {
	for _, c := range s.by {
		if h, ok := c.Hash(head.Number); ok && h == head.Hash {
			signed = append(signed, c)
		}
	}
	return signed
}

// cover is the view, where enough witnesses have signed its block. What is safe
// and final then is no more than what as many of them say.
func (s statements) cover(view View, agree int) (View, bool) {
	signed := s.signing(view.Head)
	if agree < 1 || len(signed) < agree {
		return View{}, false
	}
	reached := func(number func(statement) uint64) uint64 {
		all := make([]uint64, len(signed))
		for i, c := range signed {
			all[i] = number(c)
		}
		slices.Sort(all)
		return all[len(all)-agree]
	}
	view.Head.Finalized = min(view.Head.Finalized, reached(func(c statement) uint64 { return c.Finalized }))
	view.Head.Safe = min(view.Head.Safe, max(view.Head.Finalized, reached(func(c statement) uint64 { return c.Safe })))
	view.Witnesses = nil
	for _, c := range signed {
		view.Witnesses = append(view.Witnesses, c.name)
	}
	return view, true
}
