package state

import "iter"

// Head is a verified block.
type Head struct {
	Number uint64
	Hash   Word
	Time   uint64 // Unix seconds
}

// State is what one device knows, verified, at one moment. It is immutable:
// whoever learns more makes a new one. The zero State permits nothing.
type State struct {
	Scopes    Scopes
	Name      string // of the device in its zone, by which certificates for its own grants are issued
	Head      Head   // newest verified block
	Safe      uint64 // number of the newest block that is `safe`
	Finalized uint64 // number of the newest block that is final

	Confirmed *Facts // from entries in final blocks
	Overlay   *Facts // from entries after them; rebuilt as a whole
	Sticky    *Facts // restrictions that a reorganisation dropped, until finality has passed them
}

// Standing is how a fact stands at one time. The zero value, Unknown, permits
// nothing, and neither does any other but Live.
type Standing uint8

// Standings, in the order in which they are looked for.
const (
	Unknown    Standing = iota // no such fact, or none that could be read
	Revoked                    // revoked, whatever its window
	Replaced                   // an ADMIN or POINTER of before a recovery
	Distrusted                 // voided by a DISTRUST over its author and time
	NotSafe                    // policy wants its kind in a `safe` block, and it is in a newer one
	NotYet                     // its window has not begun
	Expired                    // its window is over
	Live
)

var standingNames = [...]string{"unknown", "revoked", "replaced by a recovery", "distrusted", "not yet safe", "not yet valid", "expired", "live"}

func (s Standing) String() string {
	if int(s) < len(standingNames) {
		return standingNames[s]
	}
	return "unknown"
}

// layers are the facts that may permit, in the log's order; restrictions also
// come from Sticky.
func (s *State) layers() [2]*Facts {
	return [2]*Facts{s.Confirmed.orNone(), s.Overlay.orNone()}
}

func (s *State) restrictions() [3]*Facts {
	return [3]*Facts{s.Confirmed.orNone(), s.Overlay.orNone(), s.Sticky.orNone()}
}

// Standing judges a fact at now (Unix seconds).
func (s *State) Standing(f *Fact, now uint64) Standing {
	switch {
	case s.revoked(f.Scope, f.Kind, f.Subject):
		return Revoked
	case (f.Kind == KindAdmin || f.Kind == KindPointer) && s.replaced(f, now):
		return Replaced
	case !f.Kind.Restrictive() && s.distrusted(f.Authors, f.Time):
		return Distrusted
	case f.Block > s.Safe && !f.Kind.Restrictive() && s.policy(now).SafeKinds.Has(f.Kind):
		return NotSafe
	case now < f.From:
		return NotYet
	case !inForce(f.From, f.Until, now):
		return Expired
	}
	return Live
}

// replaced reports whether the entry is of another epoch than that of now. What
// its authors entered while theirs lasted is another matter, and DISTRUST's.
func (s *State) replaced(f *Fact, now uint64) bool {
	from, to := s.epochAt(now)
	return f.Seq < from || f.Seq > to
}

// revoked looks for a revoke of (scope, kind, subject). The revoke of a
// restriction gives a right, so it is void when its author is distrusted; the
// revoke of a permission never is.
func (s *State) revoked(scope Word, kind Kind, subject Word) bool {
	key := revokeKey{scope: scope, kind: kind, subject: subject}
	for _, l := range s.restrictions() {
		if r, ok := l.revoked[key]; ok && !(kind.Restrictive() && kind != KindDistrust && s.distrusted(r.authors, r.time)) {
			return true
		}
	}
	return false
}

func (s *State) distrusted(authors []Address, t uint64) bool {
	for _, l := range s.restrictions() {
		for i := range l.distrusts {
			d := &l.distrusts[i]
			if d.voids(authors, t) && !s.revoked(d.Scope, d.Kind, d.Subject) {
				return true
			}
		}
	}
	return false
}

// Grants yields the grants with this subject: usually one, more where an
// administrator entered the same subject under another kind or scope.
func (s *State) Grants(subject Word) iter.Seq[*GrantFact] {
	return s.grants(func(t *grantTable) iter.Seq[*grantRow] { return t.withSubject(subject) })
}

// GrantsForKey yields the grants whose key has this hash.
func (s *State) GrantsForKey(key Word) iter.Seq[*GrantFact] {
	return s.grants(func(t *grantTable) iter.Seq[*grantRow] { return t.withKey(key) })
}

func (s *State) grants(rows func(*grantTable) iter.Seq[*grantRow]) iter.Seq[*GrantFact] {
	return func(yield func(*GrantFact) bool) {
		for _, l := range s.layers() {
			for r := range rows(&l.grants) {
				g := new(GrantFact)
				l.grants.fill(g, r, l.authorSets)
				if !yield(g) {
					return
				}
			}
		}
	}
}

// AllGrants yields every grant in no particular order, for status and for the
// gear that keeps watch while one lives. What it yields is overwritten by the
// next: of ten thousand, asked for at each look, nobody keeps one.
func (s *State) AllGrants() iter.Seq[*GrantFact] {
	return func(yield func(*GrantFact) bool) {
		var g GrantFact
		for _, l := range s.layers() {
			for r := range l.grants.all() {
				if l.grants.fill(&g, r, l.authorSets); !yield(&g) {
					return
				}
			}
		}
	}
}

// CA judges the certificate authority with this fingerprint (sha-256 of its
// key blob) for a use, KindCAUser or KindCAHost. known says that it stands
// under the other kind only.
func (s *State) CA(use Kind, fingerprint Word, now uint64) (standing Standing, otherUse bool) {
	for _, l := range s.layers() {
		for i := range l.cas[fingerprint] {
			ca := &l.cas[fingerprint][i]
			if ca.Kind != use {
				otherUse = true
				continue
			}
			if v := s.Standing(&ca.Fact, now); v > standing {
				standing = v
			}
		}
	}
	return standing, otherUse && standing == Unknown
}

// CAs yields every authority that could be read.
func (s *State) CAs() iter.Seq[*CAFact] {
	return func(yield func(*CAFact) bool) {
		for _, l := range s.layers() {
			for _, list := range l.cas {
				for i := range list {
					if !yield(&list[i]) {
						return
					}
				}
			}
		}
	}
}

// Denied reports whether a DENY or DENY_CLEAR in force refuses the key for a
// grant (or certificate) entered at the given time, Unix seconds.
func (s *State) Denied(key Word, entered, now uint64) bool {
	for _, l := range s.restrictions() {
		for i := range l.denied[key] {
			d := &l.denied[key][i]
			if (d.Before == Never || entered < d.Before) && s.Standing(&d.Fact, now) == Live {
				return true
			}
		}
	}
	return false
}

// DeniedKeys yields the hash of every key that a DENY without a `before`
// refuses now: what the break-glass keys are checked against while the daemon
// is away.
func (s *State) DeniedKeys(now uint64) iter.Seq[Word] {
	return func(yield func(Word) bool) {
		seen := map[Word]bool{}
		for _, l := range s.restrictions() {
			for key := range l.denied {
				if !seen[key] && s.Denied(key, Never-1, now) {
					seen[key] = true
					if !yield(key) {
						return
					}
				}
			}
		}
	}
}

// Unreadable returns a restrictive entry in force that could not be opened or
// parsed: nobody knows whom it restricts, so everybody.
func (s *State) Unreadable(now uint64) (Fact, bool) {
	for _, l := range s.restrictions() {
		for i := range l.unreadable {
			if s.Standing(&l.unreadable[i], now) == Live {
				return l.unreadable[i], true
			}
		}
	}
	return Fact{}, false
}

// Retired reports whether this device or its zone has been revoked.
func (s *State) Retired() bool {
	return s.revoked(s.Scopes.Zone, KindDevice, s.Scopes.Mailbox) || s.revoked(s.Scopes.Org, KindZone, s.Scopes.Zone)
}

// Policy is what the device obeys at now: of the organisation and of the zone
// the live policy with the highest sequence, combined, and no looser than those
// that a reorganisation dropped.
func (s *State) Policy(now uint64) Policy { return s.policy(now) }

func (s *State) policy(now uint64) Policy {
	p := effective(s.latestPolicy(s.Scopes.Org, now), s.latestPolicy(s.Scopes.Zone, now))
	sticky := s.Sticky.orNone().policies
	for i := range sticky {
		dropped := &sticky[i]
		if s.Standing(&dropped.Fact, now) != Live {
			continue
		}
		switch dropped.Scope {
		case s.Scopes.Org:
			p = tightened(p, effective(dropped.Policy, p))
		case s.Scopes.Zone:
			p = tightened(p, effective(Policy{}, dropped.Policy))
		}
	}
	return p
}

func (s *State) latestPolicy(scope Word, now uint64) Policy {
	var latest *PolicyFact
	for _, l := range s.layers() {
		for i := range l.policies {
			p := &l.policies[i]
			if p.Scope == scope && (latest == nil || p.Seq > latest.Seq) && s.Standing(&p.Fact, now) == Live {
				latest = p
			}
		}
	}
	if latest == nil {
		return Policy{}
	}
	return latest.Policy
}

// Batches yields the live BATCH entries in the order of their layers: those
// confirmed first, then those of the overlay, each in the log's order.
func (s *State) Batches(now uint64) iter.Seq[*BatchFact] {
	return func(yield func(*BatchFact) bool) {
		for _, l := range s.layers() {
			for i := range l.batches {
				if s.Standing(&l.batches[i].Fact, now) == Live && !yield(&l.batches[i]) {
					return
				}
			}
		}
	}
}

// Deliveries yields the live deliveries, in the log's order.
func (s *State) Deliveries(now uint64) iter.Seq[*DeliveryFact] {
	return func(yield func(*DeliveryFact) bool) {
		for _, l := range s.layers() {
			for i := range l.deliveries {
				if s.Standing(&l.deliveries[i].Fact, now) == Live && !yield(&l.deliveries[i]) {
					return
				}
			}
		}
	}
}

// Withdrawn reports whether a delivery into this device's mailbox was revoked, or its
// author distrusted: what it brought is to be in use no more.
func (s *State) Withdrawn(delivery Word) bool {
	if s.revoked(s.Scopes.Mailbox, KindDelivery, delivery) {
		return true
	}
	for _, l := range s.layers() {
		for i := range l.deliveries {
			if d := &l.deliveries[i]; d.Scope == s.Scopes.Mailbox && d.Subject == delivery && s.distrusted(d.Authors, d.Time) {
				return true
			}
		}
	}
	return false
}

// Zones yields the zones that the organisation has announced and not revoked:
// where a device that has not been enrolled yet looks for its batch.
func (s *State) Zones(now uint64) iter.Seq[Word] {
	return func(yield func(Word) bool) {
		for _, l := range s.layers() {
			for i := range l.zones {
				if s.Standing(&l.zones[i], now) == Live && !yield(l.zones[i].Subject) {
					return
				}
			}
		}
	}
}

// Opaque counts the permissive entries that could not be opened, for status:
// a bundle that is withheld shows here.
func (s *State) Opaque() (n int) {
	for _, l := range s.layers() {
		n += len(l.opaque)
	}
	return n
}
