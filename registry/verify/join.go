package verify

import (
	"context"
	"slices"

	"dpki/state"
)

// join is where a reader that is new to a scope begins. Nothing in a zone or
// mailbox lasts longer than state.MaxValidity, so that entries older than that
// need not be read: replay starts at a proven C word whose next entry is older.
type join struct {
	checkpoint uint64 // C's index
	from       uint64 // block of the entry after it: a hint
	word       int    // place of the proven C in the view's words
}

// plan finds C words to join at. All it learns are hints: where they are wrong,
// replay fails and the whole log is read instead.
func (t *tick) plan(ctx context.Context, view View) map[state.Word]join {
	var scopes []state.Word
	for i, scope := range t.scopes {
		_, seen := t.known.Scopes[scope]
		if !seen && scope != t.config.Org && !t.whole[scope] && !view.Words[i].IsZero() {
			scopes = append(scopes, scope)
		}
	}
	if len(scopes) == 0 || view.Head.Time < state.MaxValidity {
		return nil
	}
	e := t.preferring(view.From)[0]
	before := view.Head.Time - state.MaxValidity
	first, served := t.headerTime(ctx, e, t.config.Deploy)
	if served && first >= before || !served && len(t.config.Archives) == 0 {
		return nil // the contract is younger than that
	}
	hints, err := t.hints(ctx, e, scopes)
	if err != nil {
		return nil
	}
	joins := map[state.Word]join{}
	var old uint64 // a block older than MaxValidity, searched for once
	for i, scope := range scopes {
		if hints[i].seq <= state.CheckpointInterval+1 {
			continue
		}
		if old == 0 && served {
			old = t.lastBefore(ctx, e, before, t.config.Deploy, view.Head.Number)
		}
		var j join
		var ok bool
		if old > 0 {
			j, ok = t.planScope(ctx, e, scope, hints[i], old, view.Head.Number)
		}
		if !ok {
			j, ok = t.planFromArchives(ctx, scope, hints[i], before)
		}
		if ok {
			j.word = len(t.scopes) + len(joins)
			joins[scope] = j
		}
	}
	return joins
}

func (t *tick) planScope(ctx context.Context, e Endpoint, scope state.Word, h hint, old, head uint64) (join, bool) {
	// The first entry after `old`, and the block of the one before it.
	seq, prev := h.seq+1, h.block
	if err := t.logs(ctx, e, []state.Word{scope}, old+1, head, func(s ScopedEntry) error {
		seq, prev = s.Entry.Seq, s.Entry.PrevBlock
		return errStop
	}); err != nil {
		return join{}, false
	}
	// Entry seq-1 is old; the checkpoint's next entry must be it or one before.
	if seq < state.CheckpointInterval+2 {
		return join{}, false
	}
	j := join{checkpoint: (seq - 2) / state.CheckpointInterval}
	entries, err := t.back(ctx, e, scope, prev, t.config.Deploy, j.checkpoint*state.CheckpointInterval+1)
	if err != nil || len(entries) == 0 {
		return join{}, false
	}
	j.from = entries[0].Block
	return j, j.from > 0
}

// joinSlots are the C words to prove after the tip's, in the order of join.word.
func (t *tick) joinSlots(joins map[state.Word]join) []state.Word {
	slots := make([]state.Word, len(joins))
	for scope, j := range joins {
		slots[j.word-len(t.scopes)] = SlotC(t.config.Org, scope, j.checkpoint)
	}
	return slots
}

// oldEnough reports whether nothing that could still be in force was skipped:
// the first entry after the C word is older than anything lasts.
func (t *tick) oldEnough(scope state.Word, joins map[state.Word]join, chain []state.Entry, head Head) bool {
	if _, seen := t.known.Scopes[scope]; seen {
		return true
	}
	if _, ok := joins[scope]; !ok {
		return true
	}
	return len(chain) > 0 && chain[0].Time+state.MaxValidity <= head.Time
}

// lastBefore finds a block at or before a time, between a block that is and the
// head, near the last one that is. 0 = not found.
func (t *tick) lastBefore(ctx context.Context, e Endpoint, before, low, high uint64) uint64 {
	for high-low > 1 {
		// Sixteen at a time: a question costs a round trip, headers little.
		step := max(1, (high-low)/17)
		var numbers []uint64
		for n := low + step; n < high && len(numbers) < 16; n += step {
			numbers = append(numbers, n)
		}
		times, ok := t.headerTimes(ctx, e, numbers)
		if !ok {
			return 0
		}
		i := slices.IndexFunc(times, func(at uint64) bool { return at > before })
		switch {
		case i < 0:
			low = numbers[len(numbers)-1]
		case i == 0:
			high = numbers[0]
		default:
			low, high = numbers[i-1], numbers[i]
		}
	}
	return low
}

func (t *tick) headerTime(ctx context.Context, e Endpoint, number uint64) (uint64, bool) {
	times, ok := t.headerTimes(ctx, e, []uint64{number})
	if !ok {
		return 0, false
	}
	return times[0], true
}

func (t *tick) headerTimes(ctx context.Context, e Endpoint, numbers []uint64) ([]uint64, bool) {
	raw, err := e.Source.Headers(ctx, numbers)
	if err != nil || len(raw) != len(numbers) {
		return nil, false
	}
	times := make([]uint64, len(raw))
	for i := range raw {
		h, err := ParseHeader(raw[i])
		if err != nil || h.Number != numbers[i] {
			return nil, false
		}
		times[i] = h.Time
	}
	return times, true
}
