package state

import (
	"bytes"
	"slices"
)

// MaxWatchdogs is how many watchdogs one policy names: with every other field at
// its longest a payload has room for as many.
const MaxWatchdogs = 8

// DeliveredPurposes are the purposes of bundles that a demand may be about, 3 to 6.
const DeliveredPurposes = 1<<3 | 1<<4 | 1<<5 | 1<<6

// Watchdogs is a demand: deliveries of these purposes count only when so many of
// these keys have signed them. The zero value demands nothing.
type Watchdogs struct {
	Need     uint8  // signatures of different keys, 1 to as many as there are keys
	Purposes uint8  // bit p for bundles of purpose p, 3 to 6
	Keys     []Word // sha-256 of SSH public key blobs, strictly ascending, at most MaxWatchdogs
}

// IsZero reports whether nothing is demanded.
func (w Watchdogs) IsZero() bool { return w.Need == 0 && w.Purposes == 0 && len(w.Keys) == 0 }

// Covers reports whether the demand is about deliveries of a purpose.
func (w Watchdogs) Covers(purpose uint8) bool { return purpose < 8 && w.Purposes&(1<<purpose) != 0 }

// Equal reports whether two demands are the same.
func (w Watchdogs) Equal(o Watchdogs) bool {
	return w.Need == o.Need && w.Purposes == o.Purposes && slices.Equal(w.Keys, o.Keys)
}

// valid: what can be met, and what asks for something.
func (w Watchdogs) valid() bool {
	sorted := slices.IsSortedFunc(w.Keys, func(a, b Word) int { return bytes.Compare(a[:], b[:]) }) && len(slices.Compact(slices.Clone(w.Keys))) == len(w.Keys)
	return sorted && len(w.Keys) <= MaxWatchdogs && w.Need >= 1 && int(w.Need) <= len(w.Keys) && w.Purposes != 0 && w.Purposes&^DeliveredPurposes == 0
}

// marshal is u8 need | u8 purposes | key hashes, 32 each.
func (w Watchdogs) marshal() []byte {
	b := []byte{w.Need, w.Purposes}
	for _, k := range w.Keys {
		b = append(b, k[:]...)
	}
	return b
}

func parseWatchdogs(b []byte) (Watchdogs, error) {
	if len(b) < 2 || (len(b)-2)%wordLen != 0 {
		return Watchdogs{}, malformed("watchdogs")
	}
	w := Watchdogs{Need: b[0], Purposes: b[1]}
	for rest := b[2:]; len(rest) > 0; rest = rest[wordLen:] {
		w.Keys = append(w.Keys, Word(rest))
	}
	if !w.valid() {
		return Watchdogs{}, malformed("watchdogs")
	}
	return w, nil
}

// united has each demand of both once. Each is to be met: a zone cannot name
// watchdogs that stand for the organisation's.
func united(a, b []Watchdogs) []Watchdogs {
	list := slices.Clone(a)
	for _, w := range b {
		if !slices.ContainsFunc(list, w.Equal) {
			list = append(list, w)
		}
	}
	return list
}

// Watchdogs are the demands that a delivery of a purpose has to meet at now, each
// of them. known is false where a policy in force cannot be read: what it demands
// nobody knows, and no delivery meets that.
func (s *State) Watchdogs(purpose uint8, now uint64) (demands []Watchdogs, known bool) {
	for _, l := range s.restrictions() {
		for i := range l.unreadable {
			f := &l.unreadable[i]
			if f.Kind == KindPolicy && (f.Scope == s.Scopes.Org || f.Scope == s.Scopes.Zone) && s.Standing(f, now) == Live {
				return nil, false
			}
		}
	}
	for _, w := range s.policy(now).Watchdogs {
		if w.Covers(purpose) {
			demands = append(demands, w)
		}
	}
	return demands, true
}

// OrganisationWatchdogs are those of the organisation's own policy, which stands
// in the clear: all that somebody can know who holds no zone's key.
func (s *State) OrganisationWatchdogs(purpose uint8, now uint64) (demands []Watchdogs, known bool) {
	only := *s
	only.Scopes.Zone = s.Scopes.Org
	return only.Watchdogs(purpose, now)
}
