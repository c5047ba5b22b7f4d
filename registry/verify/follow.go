package verify

import (
	"context"
	"fmt"
	"slices"

	"dpki/state"
)

// want is a scope whose proven hash is not the one that we know.
type want struct {
	scope state.Word
	log   ScopeLog
	end   state.Word // the proven hash
	seen  bool       // the scope was read before
}

// follow brings every scope to the hash that the view proves.
func (t *tick) follow(ctx context.Context, view View, joins map[state.Word]join) (*Result, error) {
	head := view.Head
	head.Finalized = max(head.Finalized, t.known.Head.Finalized) // it never goes back
	head.Safe = max(head.Safe, head.Finalized)
	chains, wants, err := t.compare(view, joins)
	if err != nil {
		return nil, err
	}
	if err := t.fetch(ctx, view, wants, chains); err != nil {
		return nil, err
	}
	res := &Result{Head: head, From: view.From, Witnesses: view.Witnesses, known: t.known.clone(), spared: t.spared}
	res.known.Head = head
	moved := map[state.Word]bool{}
	for _, w := range wants {
		moved[w.scope] = true
	}
	for _, scope := range t.scopes {
		log, seen := t.begin(scope, joins, view)
		if seen && !moved[scope] && log.settled(head, chains[scope]) {
			log.Through = max(log.Through, head.Finalized)
			res.known.Scopes[scope] = log
			continue
		}
		if !t.oldEnough(scope, joins, chains[scope], head) {
			return nil, fmt.Errorf("%w: scope %s cannot be joined at a checkpoint", ErrLogs, scope)
		}
		change, ended, err := log.advance(scope, chains[scope], head)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrLogs, err)
		}
		res.known.Scopes[scope] = change.Log
		res.Alarms = append(res.Alarms, ended...)
		if !seen || change.moves() || len(change.Log.Sticky) != len(log.Sticky) {
			change.Log = change.Log.clone()
			res.Changes = append(res.Changes, change)
		}
	}
	res.Alarms = append(res.Alarms, t.alarms...)
	return res, nil
}

// begin is what a scope's log starts from: what is known, a proven C word, or
// nothing.
func (t *tick) begin(scope state.Word, joins map[state.Word]join, view View) (log ScopeLog, seen bool) {
	if log, seen = t.known.Scopes[scope]; seen {
		return log, true
	}
	if j, ok := joins[scope]; ok {
		tip := state.Tip{H: view.Words[j.word], Seq: j.checkpoint * state.CheckpointInterval}
		return ScopeLog{Base: tip, Confirmed: tip, Through: j.from - 1}, false
	}
	tip := state.Tip{H: t.config.Registry.H0(t.config.Org, scope)}
	return ScopeLog{Base: tip, Confirmed: tip}, false
}

// compare finds the chains that stand as they are and the scopes that moved.
func (t *tick) compare(view View, joins map[state.Word]join) (map[state.Word][]state.Entry, []want, error) {
	chains := map[state.Word][]state.Entry{}
	var wants []want
	for i, scope := range t.scopes {
		log, seen := t.begin(scope, joins, view)
		end := view.Words[i]
		if end.IsZero() {
			if log.Confirmed.Seq > 0 {
				return nil, nil, fmt.Errorf("%w: scope %s is empty, %d entries were confirmed", ErrRollback, scope, log.Confirmed.Seq)
			}
			chains[scope] = nil
			continue
		}
		tip, err := log.end()
		if err != nil {
			return nil, nil, fmt.Errorf("%w: journal of scope %s: %w", ErrConfig, scope, err)
		}
		if tip.H == end {
			chains[scope] = log.Overlay
			continue
		}
		wants = append(wants, want{scope: scope, log: log, end: end, seen: seen})
	}
	return chains, wants, nil
}

// settled reports whether a head changes nothing in a log that still ends where
// it did. It is the usual case, and saves hashing the overlay again.
func (l *ScopeLog) settled(head Head, chain []state.Entry) bool {
	return l.tip != nil && len(chain) == len(l.Overlay) && len(l.Sticky) == 0 &&
		(len(l.Overlay) == 0 || l.Overlay[0].Block > head.Finalized)
}

func (c *Change) moves() bool { return len(c.Confirmed) > 0 || len(c.Added) > 0 || c.Rebuilt }

// advance is the log after the chain that follows its confirmed prefix at a
// head. The alarms are restrictions that ended.
func (l *ScopeLog) advance(scope state.Word, chain []state.Entry, head Head) (Change, []error, error) {
	before, _, err := hashes(l.Confirmed, l.Overlay)
	if err != nil {
		return Change{}, nil, err
	}
	after, tip, err := hashes(l.Confirmed, chain)
	if err != nil {
		return Change{}, nil, err
	}
	common := 0
	for common < min(len(before), len(after)) && before[common] == after[common] {
		common++
	}
	final := 0
	for final < len(chain) && chain[final].Block <= head.Finalized {
		final++
	}
	c := Change{Scope: scope, Confirmed: chain[:final], Added: chain[common:], Rebuilt: common < len(l.Overlay)}
	c.Log = ScopeLog{Base: l.Base, Confirmed: l.Confirmed, Overlay: chain[final:], Through: max(l.Through, head.Finalized), tip: &tip}
	if final > 0 {
		c.Log.Overlay = slices.Clone(chain[final:]) // and let go of the rest
		last := &chain[final-1]
		c.Log.Confirmed = state.Tip{H: after[final-1], Seq: last.Seq, Block: last.Block, Time: last.Time}
	}
	var alarms []error
	c.Log.Sticky, alarms = l.stick(scope, l.Overlay[common:], chain, head)
	return c, alarms, nil
}
