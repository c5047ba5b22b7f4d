package verify

import (
	"context"
	"fmt"

	"dpki/registry"
	"dpki/state"
)

// maxSteps bounds how many questions going back costs.
const maxSteps = 1 << 14

// back reads a scope's log from the block of its last entry towards older ones,
// jumping from an entry's block to the block of the entry before it. It ends at
// entry `first`, or where the block before is below `floor`. What it returns is
// in order and still to be replayed.
func (t *tick) back(ctx context.Context, e Endpoint, scope state.Word, last, floor, first uint64) ([]state.Entry, error) {
	var parts [][]state.Entry
	width, widest, count := uint64(1), uint64(0), 0 // widest: 0 = any
	for step := 0; last >= floor && last > 0; step++ {
		if step == maxSteps || count > t.pending {
			return nil, fmt.Errorf("%w: scope %s: too long to go back", ErrLogs, scope)
		}
		from := max(floor, last-min(last, width-1))
		found, _, err := t.logsOnce(ctx, e, []state.Word{scope}, from, last)
		if fault := registry.FaultOf(err); err != nil && width > 1 && (fault == registry.TooWide || fault == registry.TooLarge) {
			width = max(1, width/4)
			t.spans[e.Name] = width
			continue
		}
		if err != nil && width > 1 && registry.FaultOf(err) == registry.Refused {
			// The range may begin before what the endpoint still has.
			width = max(1, width/4)
			widest = width
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%w: scope %s: no entry in block %d", ErrLogs, scope, last)
		}
		part := make([]state.Entry, len(found))
		for i, s := range found {
			if s.Scope != scope {
				return nil, fmt.Errorf("%w: scope %s was not asked for", ErrLogs, s.Scope)
			}
			part[i] = s.Entry
		}
		parts, count = append(parts, part), count+len(part)
		if part[0].Seq <= first || part[0].PrevBlock >= from {
			break
		}
		last = part[0].PrevBlock
		if width *= 2; t.spans[e.Name] > 0 {
			width = min(width, t.spans[e.Name])
		}
		if widest > 0 {
			width = min(width, widest)
		}
	}
	entries := make([]state.Entry, 0, count)
	for i := len(parts) - 1; i >= 0; i-- {
		for _, entry := range parts[i] {
			if entry.Seq >= first {
				entries = append(entries, entry)
			}
		}
	}
	return entries, nil
}

// hints asks one endpoint where scopes' logs end. They are proven like any word
// and mean nothing more than where to look.
func (t *tick) hints(ctx context.Context, e Endpoint, scopes []state.Word) ([]hint, error) {
	slots := make([]state.Word, len(scopes))
	for i, scope := range scopes {
		slots[i] = hintSlot(t.config.Org, scope)
	}
	o, err := t.observe(ctx, e, slots)
	if err != nil {
		return nil, err
	}
	hints := make([]hint, len(scopes))
	for i, w := range o.Words {
		hints[i] = parseHint(w)
	}
	return hints, nil
}
