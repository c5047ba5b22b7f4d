package monitor

import (
	"time"

	"dpki/state"
)

// Alert is what somebody is told, and the JSON that programs get.
type Alert struct {
	ID   string    `json:"id"` // the same whenever it is told again
	Kind string    `json:"kind"`
	Org  string    `json:"organisation"`
	Seen time.Time `json:"seen"` // when the monitor noticed
	Text string    `json:"text"`
	// Ended: a condition that was told before holds no more.
	Ended bool   `json:"ended,omitempty"`
	Entry *Entry `json:"entry,omitempty"`
}

// Entry is the entry that an alert is about.
type Entry struct {
	Scope   state.Word      `json:"scope"`
	Seq     uint64          `json:"seq"`
	Block   uint64          `json:"block"`
	Time    uint64          `json:"time"` // Unix seconds
	Authors []state.Address `json:"authors"`
	Action  string          `json:"action"`
	Kind    string          `json:"kind"`
	Subject state.Word      `json:"subject"`
}

// about are the rules that an entry meets.
func (r *Rules) about(e *state.Entry) (kinds []string) {
	switch e.Action {
	case state.ActionFreeze:
		kinds = append(kinds, Freeze)
	case state.ActionRecover, state.ActionComplete:
		kinds = append(kinds, Recovery)
	case state.ActionVeto:
		kinds = append(kinds, Veto)
	case state.ActionPut, state.ActionRevoke:
		if kind, ok := byKind[e.Kind]; ok {
			kinds = append(kinds, kind)
		}
	default:
		kinds = append(kinds, Guardian) // an action that is newer than this program
	}
	isGrant := e.Action == state.ActionPut && (e.Kind == state.KindGrant || e.Kind == state.KindGrantPriv)
	if isGrant && r.Hours != nil && !r.Hours.Contains(time.Unix(int64(e.Time), 0).In(r.Location)) {
		kinds = append(kinds, Hours)
	}
	if len(r.Authors) > 0 && !r.expected(e.Authors) {
		kinds = append(kinds, Author)
	}
	return kinds
}

var byKind = map[state.Kind]string{
	state.KindAdmin: Admin, state.KindCAUser: CA, state.KindCAHost: CA, state.KindLimit: Threshold, state.KindPolicy: Policy, state.KindZone: Zone,
	state.KindGuardian: Guardian, state.KindDistrust: Distrust, state.KindPointer: Pointer,
}

// expected reports whether all of the authors are.
func (r *Rules) expected(authors []state.Address) bool {
	for _, a := range authors {
		found := false
		for _, b := range r.Authors {
			found = found || a == b
		}
		if !found {
			return false
		}
	}
	return true
}
