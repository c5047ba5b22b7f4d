package device

import (
	"slices"

	"dpki/registry/verify"
	"dpki/state"
)

// pending is what was verified and could not be written, a full disk or one that
// has become read-only. It counts as if it were on disk, and the reader goes on
// from it, so that a restriction that is reorganised away meanwhile sticks as any
// other; the next write that succeeds writes all of it, in one transaction.
type pending struct {
	head    verify.Head
	changes []verify.Change // one a scope
}

// after is the pending changes and what a Result adds to them. p may be nil.
func (p *pending) after(res *verify.Result) *pending {
	if p == nil {
		return &pending{res.Head, res.Changes}
	}
	next := &pending{head: res.Head, changes: slices.Clone(p.changes)}
	at := map[state.Word]int{}
	for i := range next.changes {
		at[next.changes[i].Scope] = i
	}
	for i := range res.Changes {
		c := &res.Changes[i]
		j, ok := at[c.Scope]
		if !ok {
			next.changes = append(next.changes, *c)
			continue
		}
		merged := *c
		merged.Confirmed = slices.Concat(next.changes[j].Confirmed, c.Confirmed)
		next.changes[j] = merged
	}
	return next
}

// result is the form that the journal takes.
func (p *pending) result() *verify.Result { return &verify.Result{Head: p.head, Changes: p.changes} }

// flush writes what is pending, if anything is.
func (e *Engine) flush() error {
	if e.pending == nil {
		return nil
	}
	r := e.c.Clock.Read()
	if err := e.c.Journal.Apply(e.pending.result(), e.time.Stamp(e.c.Clock, r)); err != nil {
		return err
	}
	e.written, e.pending = r.Boot, nil
	return nil
}
