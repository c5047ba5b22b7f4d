package verify

import "dpki/state"

// stick keeps the restrictions that a reorganisation removed: those that were
// sticky before and those among the entries that are gone, unless the chain has
// them again. Once finality has passed the block in which one stood, it will
// not come back: it ends, with an alarm.
//
// What stood beyond the head that took it away counts as having stood there: the
// chain has no such block yet, and may not have for years where the number was
// made up.
func (l *ScopeLog) stick(scope state.Word, gone, chain []state.Entry, head Head) (sticky []state.Entry, ended []error) {
	if len(gone) == 0 && len(l.Sticky) == 0 {
		return nil, nil
	}
	type fact struct {
		action  state.Action
		kind    state.Kind
		subject state.Word
	}
	of := func(e *state.Entry) fact { return fact{e.Action, e.Kind, e.Subject} }
	stands := make(map[fact]bool, len(chain))
	for i := range chain {
		stands[of(&chain[i])] = true
	}
	keep := func(entries []state.Entry) {
		for i := range entries {
			e := &entries[i]
			if e.Block > head.Number {
				moved := *e
				moved.Block, moved.PrevBlock = head.Number, min(e.PrevBlock, head.Number)
				e = &moved
			}
			switch {
			case !e.Restrictive() || stands[of(e)]:
			case e.Block <= head.Finalized:
				ended = append(ended, &DroppedError{Scope: scope, Entry: *e})
			default:
				sticky = append(sticky, *e)
			}
		}
	}
	keep(l.Sticky)
	keep(gone)
	return sticky, ended
}
