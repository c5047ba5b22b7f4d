package state

import "slices"

// AdminFact is an administrator.
type AdminFact struct {
	Fact
	Admin
}

// LimitFact is a LIMIT.
type LimitFact struct {
	Fact
	Limit
}

// MayPolicy reports whether these authors, at t (Unix seconds), may set the
// organisation's policy: as many of them as a POLICY needs approvals have the
// power to. The contract asks at least that of everything that could loosen
// trust, so that what an entry brings beyond its own kind is held to it.
func (s *State) MayPolicy(authors []Address, t uint64) bool {
	able := 0
	for _, a := range authors {
		if s.mayPolicy(a, t) {
			able++
		}
	}
	return able > 0 && able >= s.Approvals(KindPolicy, t)
}

func (s *State) mayPolicy(account Address, t uint64) bool {
	for _, l := range s.layers() {
		for i := range l.admins {
			a := &l.admins[i]
			if a.Account == account && a.Power == s.Scopes.Org && a.PutMask.Has(KindPolicy) && s.Standing(&a.Fact, t) == Live {
				return true
			}
		}
	}
	return false
}

// Approvals are those that the latest LIMIT asks for a kind, of those in the
// epoch of time t. Without one they are those that the recovery which began the
// epoch asks for, or 1.
func (s *State) Approvals(kind Kind, t uint64) int {
	from, to := s.epochAt(t)
	n, seq := 1, from
	if kind.Strong() {
		n = s.thresholdOf(from)
	}
	for _, l := range s.layers() {
		for i := range l.limits {
			if v := &l.limits[i]; v.Limit.Kind == kind && v.Seq > seq && v.Seq < to {
				n, seq = int(v.Approvals), v.Seq
			}
		}
	}
	return n
}

func (f *Facts) addAdmin(fact Fact, data []byte) error {
	a, err := ParseAdmin(data)
	if err != nil {
		return err
	}
	// What the subject is not derived from, nobody can show to the contract.
	if a.ID() != fact.Subject || !slices.Contains([]uint8{0, AdminRoot}, a.Flags) {
		return malformed("admin %s", fact.Subject)
	}
	f.admins = append(f.admins, AdminFact{Fact: fact, Admin: a})
	return nil
}

func (f *Facts) addLimit(fact Fact, data []byte) error {
	l, err := ParseLimit(data)
	if err == nil {
		f.limits = append(f.limits, LimitFact{Fact: fact, Limit: l})
	}
	return err
}
