package device

import (
	"dpki/registry/verify"
	"dpki/state"
)

// compactAt is how many confirmed entries stand beside the big layer of facts
// before it is built anew. Facts that others read cannot grow, so each change
// rebuilds the small layer: this bounds it.
const compactAt = 256

// Log streams the confirmed entries of a scope: the journal.
type Log interface {
	Entries(scope state.Word, do func(*state.Entry) error) error
}

// replica turns verified entries into facts, in three layers as state.State
// has them. What was confirmed since the first layer was built counts with the
// overlay, where it has the same weight.
type replica struct {
	scopes    state.Scopes
	name      string
	also      []state.Word // zones that are looked through for a first bundle
	open      state.Opener
	denials   []state.Denial // of the organisation's predecessors
	confirmed *state.Facts
	recent    map[state.Word][]state.Entry
	logs      map[state.Word]verify.ScopeLog

	overlay, sticky *state.Facts
}

// all are the scopes that facts are made from, the organisation's first.
func (r *replica) all() []state.Word {
	all := []state.Word{r.scopes.Org}
	if !r.scopes.Zone.IsZero() {
		all = append(all, r.scopes.Zone, r.scopes.Mailbox)
	}
	return append(all, r.also...)
}

// build makes every layer anew. Grants that ended before the given time are
// left out. known holds the overlays.
func (r *replica) build(log Log, known map[state.Word]verify.ScopeLog, ended uint64) error {
	confirmed := state.NewFacts()
	for _, scope := range r.all() {
		err := log.Entries(scope, func(e *state.Entry) error {
			confirmed.Apply(r.scopes, scope, e, r.open)
			return nil
		})
		if err != nil {
			return err
		}
	}
	confirmed.Inherit(r.scopes.Org, r.denials)
	confirmed.Forget(ended)
	r.confirmed, r.recent, r.logs = confirmed, map[state.Word][]state.Entry{}, map[state.Word]verify.ScopeLog{}
	for scope, l := range known {
		r.logs[scope] = l
	}
	r.layers()
	return nil
}

// change takes what a tick found. It reports whether build is due.
func (r *replica) change(changes []verify.Change) (due bool) {
	n := 0
	for i := range changes {
		c := &changes[i]
		r.recent[c.Scope] = append(r.recent[c.Scope], c.Confirmed...)
		r.logs[c.Scope] = c.Log
	}
	for _, entries := range r.recent {
		n += len(entries)
	}
	r.layers()
	return n > compactAt
}

func (r *replica) layers() {
	overlay, sticky := state.NewFacts(), state.NewFacts()
	for _, scope := range r.all() {
		l := r.logs[scope]
		for _, entries := range [][]state.Entry{r.recent[scope], l.Overlay} {
			for i := range entries {
				overlay.Apply(r.scopes, scope, &entries[i], r.open)
			}
		}
		for i := range l.Sticky {
			sticky.Apply(r.scopes, scope, &l.Sticky[i], r.open)
		}
	}
	r.overlay, r.sticky = overlay, sticky
}

// state is what stands at a head.
func (r *replica) state(h verify.Head) *state.State {
	return &state.State{
		Scopes: r.scopes, Name: r.name, Head: state.Head{Number: h.Number, Hash: h.Hash, Time: h.Time}, Safe: h.Safe, Finalized: h.Finalized,
		Confirmed: r.confirmed, Overlay: r.overlay, Sticky: r.sticky,
	}
}
