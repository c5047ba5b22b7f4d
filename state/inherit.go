package state

import (
	"bytes"
	"cmp"
	"slices"
)

// Denial is a DENY as an organisation's successor takes it over.
type Denial struct {
	Key    Word   `json:"key"`    // sha-256 of the key blob
	Before uint64 `json:"before"` // grants entered before this time; Never = all
	From   uint64 `json:"from"`   // window, Unix seconds
	Until  uint64 `json:"until"`
}

// Denials are the keys that are denied at now (Unix seconds) or will be, and for
// good those of authorities of which every entry that could be read is revoked:
// what a device must not forget when it follows its organisation to a successor.
func (s *State) Denials(now uint64) []Denial {
	var all []Denial
	for _, l := range s.restrictions() {
		for key, list := range l.denied {
			for i := range list {
				d := &list[i]
				if standing := s.Standing(&d.Fact, now); standing == Live || standing == NotYet {
					all = append(all, Denial{Key: key, Before: d.Before, From: d.From, Until: d.Until})
				}
			}
		}
	}
	standing := map[Word]bool{}
	for ca := range s.CAs() {
		key := ca.CA.Key
		standing[key] = standing[key] || s.Standing(&ca.Fact, now) != Revoked
	}
	for key, stands := range standing {
		if !stands {
			all = append(all, Denial{Key: key, Before: Never, Until: Never})
		}
	}
	slices.SortFunc(all, func(a, b Denial) int {
		return cmp.Or(bytes.Compare(a.Key[:], b.Key[:]), cmp.Compare(a.Before, b.Before), cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until))
	})
	return slices.Compact(all)
}

// Inherit adds what was denied in a predecessor. Each stands as a DENY_CLEAR of
// this organisation, so that its revocation here, and nothing else, lifts it.
func (f *Facts) Inherit(org Word, denials []Denial) {
	for _, d := range denials {
		f.addDeny(Fact{Scope: org, Subject: d.Key, Kind: KindDenyClear, From: d.From, Until: d.Until}, Deny{Key: d.Key, Before: d.Before})
	}
}
