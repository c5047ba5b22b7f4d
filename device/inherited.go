package device

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"dpki/internal/anchor"
	"dpki/state"
)

// maxLeft bounds how often a device follows its organisation.
const maxLeft = 16

// Inherited is what a device takes with it when it follows its organisation to a
// successor. It is kept in the journal, also over reset-trust.
type Inherited struct {
	Left    []anchor.Anchor // the organisations it has left, the first one first: it goes back to none
	Denials []state.Denial  // what they denied
}

// inheritedRecord is the form in the journal.
type inheritedRecord struct {
	Version int             `json:"version"` // 1
	Left    []anchor.Anchor `json:"left"`
	Denials []state.Denial  `json:"denials"`
}

// Marshal is the record.
func (h Inherited) Marshal() ([]byte, error) {
	return json.Marshal(inheritedRecord{Version: 1, Left: h.Left, Denials: h.Denials})
}

func parseInherited(b []byte) (h Inherited, err error) {
	if len(b) == 0 {
		return h, nil
	}
	var r inheritedRecord
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil || r.Version != 1 || len(r.Left) > maxLeft {
		return h, fmt.Errorf("what was inherited, in the journal: version %d: %v", r.Version, err)
	}
	return Inherited{Left: r.Left, Denials: r.Denials}, nil
}

// bequeathed is what a device that leaves here, in the state v, takes with it.
func (h Inherited) bequeathed(here anchor.Anchor, v *View, now uint64) Inherited {
	// What was inherited here stands among the denials unless this organisation
	// has lifted it.
	return Inherited{Left: append(slices.Clone(h.Left), here), Denials: v.State.Denials(now)}
}

// left reports whether the device has been there.
func (h Inherited) left(a anchor.Anchor) bool { return slices.Contains(h.Left, a) }
