package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dpki/registry"
	"dpki/state"
)

const (
	// softLogs is when a range of several blocks is asked for in halves instead,
	// in bytes: it bounds what a reader holds at once.
	softLogs = 2 << 20
	// growLogs is an answer so small that the next range may be twice as wide.
	growLogs = softLogs / 4
	// maxCalls is how many ranges are asked for before going back entry by
	// entry is cheaper.
	maxCalls = 64
	// maxPending is how many entries one Tick takes up for one scope: some
	// 50 MB. Whoever made more in one go writes a zone of its own.
	maxPending = 1 << 17
	// entriesPatience is how long one endpoint may take for the entries of a log
	// that is followed, while there are others.
	entriesPatience = 2 * time.Second
	// maxJudged bounds what is remembered of endpoints that offer a new
	// impossible log each time.
	maxJudged = 1 << 10
)

// errManyCalls: the endpoint's cap makes reading the range by ranges too slow.
var errManyCalls = errors.New("too many ranges")

// errStop ends a walk over logs early, without a fault.
var errStop = errors.New("stop")

// fetch finds the chains of the scopes that moved, from whichever endpoint has
// entries that end at the proven hash.
func (t *tick) fetch(ctx context.Context, view View, wants []want, chains map[state.Word][]state.Entry) error {
	if len(wants) == 0 {
		return nil
	}
	err := error(ErrLogs)
	var believed []error // of those whose tip is believed, and who did not give the entries
	endpoints := t.preferring(view.From)
	for i, e := range endpoints {
		wants, err = t.fetchInTime(ctx, e, i == len(endpoints)-1, view, wants, chains)
		if err == nil {
			t.alarms = append(t.alarms, believed...)
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, ErrRollback) {
			return err
		}
		if slices.Contains(view.From, e.Name) {
			believed = append(believed, &EndpointError{Endpoint: e.Name, Err: err})
		} else {
			t.blame([]string{e.Name}, err)
		}
	}
	if len(t.config.Archives) > 0 {
		if wants, archivedErr := t.fromArchives(ctx, view, wants, chains); len(wants) == 0 {
			t.alarms = append(t.alarms, believed...)
			return nil
		} else if ctx.Err() != nil {
			return archivedErr
		}
	}
	return err
}

// fetchInTime asks one endpoint for as long as there is no other to ask. Whoever
// joins reads a log of any length, which may take its time.
func (t *tick) fetchInTime(ctx context.Context, e Endpoint, last bool, view View, wants []want, chains map[state.Word][]state.Entry) ([]want, error) {
	if !last && !slices.ContainsFunc(wants, func(w want) bool { return !w.seen }) {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, entriesPatience)
		defer cancel()
	}
	return t.fetchFrom(ctx, e, view.Head, wants, chains)
}

// preferring is the usable endpoints, those that were believed first.
func (t *tick) preferring(names []string) []Endpoint {
	var first, others []Endpoint
	for _, e := range t.endpoints {
		switch {
		case slices.Contains(names, e.Name):
			first = append(first, e)
		case t.usable(e):
			others = append(others, e)
		}
	}
	return append(first, others...)
}

// fetchFrom asks one endpoint and returns the wants that it did not satisfy,
// with the last reason.
func (t *tick) fetchFrom(ctx context.Context, e Endpoint, head Head, wants []want, chains map[state.Word][]state.Entry) ([]want, error) {
	wants = t.extend(ctx, e, head, wants, chains)
	var missing []want
	var last error
	for _, w := range wants {
		chain, err := t.rebuild(ctx, e, head, w)
		if err != nil {
			missing, last = append(missing, w), err
			continue
		}
		chains[w.scope] = chain
	}
	return missing, last
}

// extend is the usual case: the entries since the last head, of all scopes at
// once. It returns the wants that this does not satisfy, after a
// reorganisation or in a new scope.
func (t *tick) extend(ctx context.Context, e Endpoint, head Head, wants []want, chains map[state.Word][]state.Entry) []want {
	added := map[state.Word]*replay{}
	var scopes []state.Word
	for _, w := range wants {
		if tip, err := w.log.end(); err == nil && w.seen {
			added[w.scope] = &replay{tip: tip, room: t.pending}
			scopes = append(scopes, w.scope)
		}
	}
	if len(scopes) == 0 || head.Number <= t.known.Head.Number {
		return wants
	}
	if err := t.logs(ctx, e, scopes, t.known.Head.Number+1, head.Number, func(s ScopedEntry) error {
		r := added[s.Scope]
		if r == nil {
			return fmt.Errorf("%w: scope %s was not asked for", ErrLogs, s.Scope)
		}
		return r.add(&s.Entry)
	}); err != nil {
		return wants
	}
	return slices.DeleteFunc(slices.Clone(wants), func(w want) bool {
		r := added[w.scope]
		if r == nil || r.tip.H != w.end {
			return false
		}
		chains[w.scope] = append(slices.Clip(w.log.Overlay), r.entries...)
		return true
	})
}

// rebuild replays everything after the confirmed prefix.
func (t *tick) rebuild(ctx context.Context, e Endpoint, head Head, w want) ([]state.Entry, error) {
	r := &replay{tip: w.log.Confirmed, room: t.pending}
	from := max(w.log.Through+1, t.config.Deploy)
	err := t.logs(ctx, e, []state.Word{w.scope}, from, head.Number, func(s ScopedEntry) error {
		if s.Scope != w.scope {
			return fmt.Errorf("%w: scope %s was not asked for", ErrLogs, s.Scope)
		}
		if w.log.joined() && s.Entry.Seq <= w.log.Base.Seq {
			return nil // in the block of the entry that follows the C word, and before it
		}
		return r.add(&s.Entry)
	})
	if errors.Is(err, errManyCalls) {
		r = &replay{tip: w.log.Confirmed, room: t.pending}
		err = t.rebuildBackwards(ctx, e, head, w.scope, from, r)
	}
	if err == nil && r.tip.H != w.end {
		reason := ErrLogs
		if t.past[e.Name] {
			reason = ErrLagging
		}
		err = fmt.Errorf("%w: scope %s: %d entries end at another hash", reason, w.scope, len(r.entries))
	}
	if err != nil && ctx.Err() == nil && t.rolledBack(ctx, e, head, w) {
		return nil, fmt.Errorf("%w: scope %s, entry %d", ErrRollback, w.scope, w.log.Confirmed.Seq)
	}
	return r.entries, err
}

func (t *tick) rebuildBackwards(ctx context.Context, e Endpoint, head Head, scope state.Word, from uint64, r *replay) error {
	hints, err := t.hints(ctx, e, []state.Word{scope})
	if err != nil {
		return err
	}
	entries, err := t.back(ctx, e, scope, hints[0].block, from, r.tip.Seq+1)
	if err != nil {
		return err
	}
	for i := range entries {
		if entries[i].Block > head.Number {
			break // newer than the accepted head
		}
		if err := r.add(&entries[i]); err != nil {
			return err
		}
	}
	return nil
}

// rolledBack finds out whether the log that the endpoint proves is one that
// does not extend the confirmed prefix, by replaying all of it. Without that
// proof an endpoint that leaves logs out would look like a rollback.
func (t *tick) rolledBack(ctx context.Context, e Endpoint, head Head, w want) bool {
	if w.log.Confirmed.Seq == 0 || !w.seen {
		return false
	}
	if verdict, ok := t.judged[w.end]; ok {
		return verdict // once is enough: it costs the whole log
	}
	if len(t.judged) > maxJudged {
		clear(t.judged)
	}
	tip := state.Tip{H: t.config.Registry.H0(t.config.Org, w.scope)}
	var there state.Word
	err := t.logs(ctx, e, []state.Word{w.scope}, t.config.Deploy, head.Number, func(s ScopedEntry) (err error) {
		if tip, err = tip.Append(&s.Entry); err == nil && tip.Seq == w.log.Confirmed.Seq {
			there = tip.H
		}
		return err
	})
	if err != nil || tip.H != w.end {
		return false
	}
	t.judged[w.end] = there != w.log.Confirmed.H
	return t.judged[w.end]
}

// replay collects entries that follow one another.
type replay struct {
	tip     state.Tip
	entries []state.Entry
	room    int // how many entries it takes
}

func (r *replay) add(e *state.Entry) error {
	if len(r.entries) == r.room {
		return fmt.Errorf("%w: more than %d entries at once", ErrLogs, r.room)
	}
	tip, err := r.tip.Append(e)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrLogs, err)
	}
	r.tip, r.entries = tip, append(r.entries, *e)
	return nil
}

// logs asks for a range of blocks, in as many questions as the endpoint's caps
// and the size of its answers want, and hands on each entry in order.
func (t *tick) logs(ctx context.Context, e Endpoint, scopes []state.Word, from, to uint64, take func(ScopedEntry) error) error {
	for calls := 0; from <= to; calls++ {
		span := t.spans[e.Name]
		if span == 0 || span > to-from+1 {
			span = to - from + 1
		}
		if calls > maxCalls || (to-from)/span > maxCalls {
			return errManyCalls
		}
		entries, size, err := t.logsOnce(ctx, e, scopes, from, from+span-1)
		switch fault := registry.FaultOf(err); {
		case err == nil:
		case span > 1 && (fault == registry.TooWide || fault == registry.TooLarge):
			t.spans[e.Name] = max(1, span/4)
			continue
		case fault == registry.PastHead:
			// Not an error: an endpoint has no logs of blocks that it has not.
			t.past[e.Name] = true
			return nil
		default:
			return err
		}
		for _, s := range entries {
			if err := take(s); err == errStop {
				return nil
			} else if err != nil {
				return err
			}
		}
		from += span
		if t.spans[e.Name] == span && size < growLogs {
			t.spans[e.Name] = 2 * span
		}
	}
	return nil
}

// logsOnce asks one question. Answers of several blocks are cut off early.
func (t *tick) logsOnce(ctx context.Context, e Endpoint, scopes []state.Word, from, to uint64) ([]ScopedEntry, int, error) {
	q := registry.LogQuery{Contract: t.config.Registry.Contract, Org: t.config.Org, Scopes: scopes, From: from, To: to, Max: registry.MaxLogs}
	if to > from {
		q.Max = softLogs
	}
	raw, err := e.Source.Logs(ctx, q)
	if err != nil {
		return nil, 0, sourceError(err)
	}
	entries, err := ParseLogs(raw, t.config.Registry.Contract, t.config.Org)
	if err != nil {
		return nil, 0, err
	}
	for i := range entries {
		if b := entries[i].Entry.Block; b < from || b > to {
			return nil, 0, fmt.Errorf("%w: block %d is not in %d to %d", ErrLogs, b, from, to)
		}
	}
	return entries, len(raw), nil
}
