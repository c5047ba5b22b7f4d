package verify

import (
	"slices"

	"dpki/state"
)

// ScopeLog is what is known of one scope's log. A caller keeps it in a journal
// and gives it back after a restart; it is trusted.
type ScopeLog struct {
	// Base is where replay began: the zero sequence and h0, or a C word.
	Base state.Tip
	// Confirmed is the end of the confirmed prefix, Base before the first.
	Confirmed state.Tip
	// Overlay follows Confirmed and may still be reorganised.
	Overlay []state.Entry
	// Sticky are restrictions that stand though a reorganisation removed them.
	Sticky []state.Entry
}

// Tip is the end of the overlay.
func (l *ScopeLog) Tip() (state.Tip, error) {
	tip := l.Confirmed
	for i := range l.Overlay {
		var err error
		if tip, err = tip.Append(&l.Overlay[i]); err != nil {
			return tip, err
		}
	}
	return tip, nil
}

func (l *ScopeLog) clone() ScopeLog {
	c := *l
	c.Overlay, c.Sticky = slices.Clone(l.Overlay), slices.Clone(l.Sticky)
	return c
}

// Known is everything that a Reader remembers from one Tick to the next.
type Known struct {
	Head   Head // the last accepted tip; zero before the first
	Scopes map[state.Word]ScopeLog
}

// Change is what one Tick found in one scope. Scopes in which nothing changed
// have none.
type Change struct {
	Scope state.Word
	// Confirmed are the entries that became confirmed, in order: some of them
	// were in the overlay before. A journal appends them.
	Confirmed []state.Entry
	// Log is the scope after the change. Facts are rebuilt from the confirmed
	// entries, Log.Overlay and Log.Sticky.
	Log ScopeLog
	// Added are the entries that were not known before, in order. Where
	// Rebuilt is false, applying them to the facts is enough.
	Added []state.Entry
	// Rebuilt: entries that were known are gone, or came back in another
	// place, or a sticky restriction ended. Facts are built anew.
	Rebuilt bool
}

// Result is one accepted Tick.
type Result struct {
	Head    Head
	From    []string // endpoints whose word was accepted
	Changes []Change
	// Alarms say who lied and how (*EndpointError) and which restriction ended
	// (*DroppedError). None of them made the Tick fail.
	Alarms []error

	known Known
}
