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
	// Through is the block up to which the confirmed prefix is complete.
	Through uint64
	// Overlay follows Confirmed and may still be reorganised.
	Overlay []state.Entry
	// Sticky are restrictions that stand though a reorganisation removed them.
	Sticky []state.Entry

	tip *state.Tip // end of the overlay, nil until it was computed
}

// end is the end of the overlay. Its error means that the journal was altered.
func (l *ScopeLog) end() (state.Tip, error) {
	if l.tip != nil {
		return *l.tip, nil
	}
	_, tip, err := hashes(l.Confirmed, l.Overlay)
	return tip, err
}

// joined reports whether nothing was confirmed yet after a C word.
func (l *ScopeLog) joined() bool { return l.Base.Seq > 0 && l.Confirmed.Seq == l.Base.Seq }

// hashes are the running hashes after each of some entries that follow tip, and
// the tip after the last.
func hashes(tip state.Tip, entries []state.Entry) ([]state.Word, state.Tip, error) {
	all := make([]state.Word, len(entries))
	for i := range entries {
		var err error
		if tip, err = tip.Append(&entries[i]); err != nil {
			return nil, tip, err
		}
		all[i] = tip.H
	}
	return all, tip, nil
}

// clone shares entries, which nobody alters, and not the slices that hold them.
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

func (k *Known) clone() Known {
	c := Known{Head: k.Head, Scopes: make(map[state.Word]ScopeLog, len(k.Scopes))}
	for scope, l := range k.Scopes {
		c.Scopes[scope] = l.clone()
	}
	return c
}

// Change is what one Tick found in one scope. A scope that is read for the
// first time always has one; later only those in which something changed.
type Change struct {
	Scope state.Word
	// Confirmed are the entries that became confirmed, in order: some of them
	// may have been in the overlay before. A journal appends them.
	Confirmed []state.Entry
	// Log is the scope after the change. Facts follow from the confirmed
	// entries, Log.Overlay and Log.Sticky.
	Log ScopeLog
	// Added are the entries that were not known before, in order. Unless
	// Rebuilt, they are all that is new.
	Added []state.Entry
	// Rebuilt: entries that were known are gone or stand in another place.
	Rebuilt bool
}

// Result is one accepted Tick.
type Result struct {
	Head Head
	From []string // endpoints whose word was accepted
	// Witnesses have signed the head's block.
	Witnesses []string
	Changes   []Change
	// Alarms say who was late or lied, and how (*EndpointError), and which
	// restriction ended (*DroppedError). None of them made the Tick fail.
	Alarms []error

	known  Known
	spared bool // nobody was asked for what is safe and final
}
