package verify

import (
	"context"
	"errors"
	"fmt"

	"dpki/registry"
	"dpki/registry/segment"
	"dpki/state"
)

// fromArchives finds the chains that no endpoint could give: the old part from
// log segments, the rest from the endpoints. It returns the wants that this does
// not satisfy, with the last reason. An archive whose segments do not lead to the
// proven hash is named.
func (t *tick) fromArchives(ctx context.Context, view View, wants []want, chains map[state.Word][]state.Entry) ([]want, error) {
	var missing []want
	var last error
	for _, w := range wants {
		chain, err := t.archived(ctx, view, w)
		if err != nil {
			missing, last = append(missing, w), err
			continue
		}
		chains[w.scope] = chain
	}
	return missing, last
}

func (t *tick) archived(ctx context.Context, view View, w want) ([]state.Entry, error) {
	err := error(fmt.Errorf("%w: scope %s", ErrLogs, w.scope))
	for _, a := range t.config.Archives {
		var r *replay
		if r, err = t.replaySegments(ctx, a, w); err == nil && r.tip.H != w.end {
			err = t.rest(ctx, view, w, r)
		}
		if err == nil {
			return r.entries, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// One that has no such segment has done nothing wrong.
		if wrong := (&EndpointError{Endpoint: a.Name, Err: err}); wrong.Lied() {
			t.alarms = append(t.alarms, wrong)
		}
	}
	return nil, err
}

// replaySegments reads segments from the confirmed prefix on until one is
// missing, is not full, or ends at the proven hash. What does not follow is
// refused here; whether it all is true, the proven hash says.
func (t *tick) replaySegments(ctx context.Context, a Archive, w want) (*replay, error) {
	r := &replay{tip: w.log.Confirmed, room: t.pending}
	for {
		index := r.tip.Seq / segment.Entries
		part, err := t.segment(ctx, a, w.scope, index)
		if err != nil {
			if len(r.entries) > 0 {
				return r, nil // that was the last
			}
			return nil, err
		}
		for i := range part.Entries {
			if part.Entries[i].Seq <= r.tip.Seq {
				continue
			}
			if err := r.add(&part.Entries[i]); err != nil {
				return nil, err
			}
			if r.tip.H == w.end {
				return r, nil
			}
		}
		if !part.Full() {
			return r, nil
		}
	}
}

func (t *tick) segment(ctx context.Context, a Archive, scope state.Word, index uint64) (*segment.Segment, error) {
	raw, err := a.Source.Segment(ctx, scope, index)
	if err != nil {
		return nil, sourceError(err)
	}
	part, err := segment.Parse(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLogs, err)
	}
	if part.Scope != scope || part.Index != index {
		return nil, fmt.Errorf("%w: segment %s for %s", ErrLogs, segment.Name(part.Scope, part.Index), segment.Name(scope, index))
	}
	return part, nil
}

// rest reads what came after the last archived entry from whichever endpoint has
// it.
func (t *tick) rest(ctx context.Context, view View, w want, r *replay) error {
	err := error(fmt.Errorf("%w: scope %s: the segments end at entry %d, another hash", ErrLogs, w.scope, r.tip.Seq))
	for _, e := range t.preferring(view.From) {
		more := &replay{tip: r.tip, entries: r.entries[:len(r.entries):len(r.entries)], room: r.room}
		// From the block of the last entry on: it may hold the next one.
		restErr := t.logs(ctx, e, []state.Word{w.scope}, r.tip.Block, view.Head.Number, func(s ScopedEntry) error {
			if s.Scope != w.scope {
				return fmt.Errorf("%w: scope %s was not asked for", ErrLogs, s.Scope)
			}
			if s.Entry.Seq <= r.tip.Seq {
				return nil
			}
			return more.add(&s.Entry)
		})
		if errors.Is(restErr, errManyCalls) || registry.FaultOf(restErr) == registry.Refused {
			// One that has pruned the last archived entry's block has the next one's,
			// perhaps.
			more = &replay{tip: r.tip, entries: r.entries[:len(r.entries):len(r.entries)], room: r.room}
			restErr = t.rebuildBackwards(ctx, e, view.Head, w.scope, r.tip.Block, more)
		}
		if restErr == nil && more.tip.H == w.end {
			*r = *more
			return nil
		}
		if hints, hintErr := t.hints(ctx, e, []state.Word{w.scope}); hintErr == nil && hints[0].seq <= r.tip.Seq {
			break // nothing comes after: what the segments say is not the log
		}
		if restErr != nil {
			err = restErr
		}
	}
	return err
}

// planFromArchives finds the newest C word whose next entry, by a segment, is
// older than anything lasts: where endpoints do not serve old blocks any more,
// segments say where to join. It is a hint as any other.
func (t *tick) planFromArchives(ctx context.Context, scope state.Word, h hint, before uint64) (join, bool) {
	newest := (h.seq - 1) / segment.Entries
	oldest := newest - min(newest, uint64(t.pending/segment.Entries)) // more could not be replayed
	for _, a := range t.config.Archives {
		for index := newest; index > oldest; index-- {
			part, err := t.segment(ctx, a, scope, index)
			if err != nil {
				continue
			}
			if first := part.Entries[0]; first.Time <= before && first.Block > 0 {
				return join{checkpoint: index, from: first.Block}, true
			}
		}
	}
	return join{}, false
}
