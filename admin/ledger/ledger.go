package ledger

import (
	"context"
	"fmt"
	"slices"

	"dpki/registry/verify"
	"dpki/state"
)

// scopesPerTick keeps one question to an endpoint well below
// registry.MaxSlots: joining a long log asks for more than one word.
const scopesPerTick = 16

// Ledger holds the logs of an organisation that were read so far. It is not
// safe for concurrent use.
type Ledger struct {
	config    verify.Config
	endpoints []verify.Endpoint
	reader    *verify.Reader
	confirmed map[state.Word][]state.Entry
	path      string // cache file; empty = none
	read      map[state.Word]bool
	alarms    []error
	moves     int
}

// Open prepares reading. Config.Known is the cache's business. An empty path
// keeps nothing.
func Open(config verify.Config, endpoints []verify.Endpoint, path string) (*Ledger, error) {
	l := &Ledger{config: config, endpoints: endpoints, confirmed: map[state.Word][]state.Entry{}, path: path, read: map[state.Word]bool{}}
	if path != "" {
		config.Known, l.confirmed = load(path, config)
	}
	reader, err := verify.NewReader(config, endpoints)
	if err != nil {
		return nil, err
	}
	l.reader = reader
	return l, nil
}

// Read brings the scopes up to the tip. Scopes read before in the same command
// are read again: what was written meanwhile is seen.
func (l *Ledger) Read(ctx context.Context, scopes ...state.Word) error {
	moved := false
	for chunk := range slices.Chunk(unique(scopes), scopesPerTick) {
		if err := l.reader.Follow(chunk...); err != nil {
			return err
		}
		res, err := l.reader.Tick(ctx)
		if err != nil {
			return err
		}
		l.reader.Commit(res)
		l.alarms = append(l.alarms, res.Alarms...)
		for _, c := range res.Changes {
			l.confirmed[c.Scope] = append(l.confirmed[c.Scope], c.Confirmed...)
		}
		for _, s := range chunk {
			l.read[s] = true
		}
		moved = moved || len(res.Changes) > 0
	}
	if moved {
		l.moves++
	}
	if moved && l.path != "" {
		if err := save(l.path, l.config, l.reader.Known(), l.confirmed); err != nil {
			l.alarms = append(l.alarms, fmt.Errorf("what was read could not be kept, so that the next command reads it again: %w", err))
		}
	}
	return nil
}

// Missing are those of the scopes that were not read in this command.
func (l *Ledger) Missing(scopes ...state.Word) []state.Word {
	return slices.DeleteFunc(unique(scopes), func(s state.Word) bool { return l.read[s] })
}

// Stale says that something was written: every scope counts as not read.
func (l *Ledger) Stale() { clear(l.read) }

// Entries are a scope's verified entries, in order.
func (l *Ledger) Entries(scope state.Word) []state.Entry {
	return slices.Concat(l.confirmed[scope], l.reader.Known().Scopes[scope].Overlay)
}

// Moves counts the readings that found something new: what was derived from the
// ledger holds as long as it stays the same.
func (l *Ledger) Moves() int { return l.moves }

// Head is the newest verified block.
func (l *Ledger) Head() verify.Head { return l.reader.Known().Head }

// Alarms are what verification found wrong without failing: an endpoint that
// lied, a restriction that a reorganisation removed.
func (l *Ledger) Alarms() []error { return l.alarms }

// Forget drops the alarms, for who has heard them and goes on reading.
func (l *Ledger) Forget() { l.alarms = nil }

// FactOf is what an entry has in common with all that state something.
func FactOf(scope state.Word, e *state.Entry) *state.Fact {
	return &state.Fact{
		Scope: scope, Subject: e.Subject, Kind: e.Kind, From: e.From, Until: e.Until, Time: e.Time, Block: e.Block, Seq: e.Seq, Authors: e.Authors,
	}
}

// State is what the reader of these scopes knows who holds these keys. Scopes
// that are zero are left out. More scopes may be laid over it, to judge what
// they grant and revoke in one go; their restrictions then count for all.
func (l *Ledger) State(scopes state.Scopes, open state.Opener, more ...state.Word) *state.State {
	head := l.Head()
	s := &state.State{
		Scopes:    scopes,
		Head:      state.Head{Number: head.Number, Hash: head.Hash, Time: head.Time},
		Safe:      head.Safe,
		Finalized: head.Finalized,
		Confirmed: state.NewFacts(), Overlay: state.NewFacts(), Sticky: state.NewFacts(),
	}
	known := l.reader.Known()
	for _, scope := range unique(append([]state.Word{scopes.Org, scopes.Zone, scopes.Mailbox}, more...)) {
		apply(s.Confirmed, scopes, scope, l.confirmed[scope], open)
		apply(s.Overlay, scopes, scope, known.Scopes[scope].Overlay, open)
		apply(s.Sticky, scopes, scope, known.Scopes[scope].Sticky, open)
	}
	return s
}

func apply(f *state.Facts, scopes state.Scopes, scope state.Word, entries []state.Entry, open state.Opener) {
	for i := range entries {
		f.Apply(scopes, scope, &entries[i], open)
	}
}

// unique drops zeros and repetitions and keeps the order.
func unique(scopes []state.Word) []state.Word {
	seen := make(map[state.Word]bool, len(scopes))
	var out []state.Word
	for _, s := range scopes {
		if !s.IsZero() && !seen[s] {
			seen[s] = true
			out = append(out, s)
		}
	}
	return out
}
