package state

import "slices"

// Scopes are the three logs that one device follows. Zone and Mailbox are zero
// until it has been enrolled.
type Scopes struct {
	Org, Zone, Mailbox Word
}

// Opener opens sealed entry data. It returns the payload, or an error when the
// key is missing or the seal is broken.
type Opener interface {
	Open(scope Word, e *Entry) (payload []byte, err error)
}

// Fact is what all entries that state something have in common.
type Fact struct {
	Scope, Subject Word
	Kind           Kind
	From, Until    uint64 // window, Unix seconds
	Time, Block    uint64 // when it was entered
	Seq            uint64
	Authors        []Address
}

// GrantFact is a grant that could be read.
type GrantFact struct {
	Fact
	Grant
}

// CAFact is a certificate authority that could be read; the kind says for what.
type CAFact struct {
	Fact
	CA
}

// DenyFact is a DENY or DENY_CLEAR.
type DenyFact struct {
	Fact
	Deny
}

// PolicyFact is a POLICY of the organisation or the zone.
type PolicyFact struct {
	Fact
	Policy
}

// DistrustFact is a DISTRUST.
type DistrustFact struct {
	Fact
	Distrust
}

// PointerFact is a POINTER.
type PointerFact struct {
	Fact
	Pointer
}

// BatchFact is a BATCH entry: the root under which a recipient may find a bundle.
type BatchFact struct {
	Fact
	Root Word
}

// DeliveryFact is a DELIVERY into this device's mailbox.
type DeliveryFact struct {
	Fact
	Delivery
}

// revokeKey is what the contract's record is keyed by, within an organisation.
type revokeKey struct {
	scope, subject Word
	kind           Kind
}

type revocation struct {
	time    uint64
	authors []Address
}

// Facts is what a sequence of entries establishes for one device. Entries of
// one scope are applied in their order; the order between scopes is free. It is
// not safe for concurrent writing; a State only reads it.
type Facts struct {
	grants     grantTable
	cas        map[Word][]CAFact   // by fingerprint
	denied     map[Word][]DenyFact // by key
	revoked    map[revokeKey]revocation
	policies   []PolicyFact
	distrusts  []DistrustFact
	batches    []BatchFact
	deliveries []DeliveryFact
	zones      []Fact
	admins     []AdminFact
	limits     []LimitFact
	pointers   []PointerFact
	guard      []guardEvent
	epochs     []Fact // the COMPLETE entries that began them
	unreadable []Fact // restrictive entries that could not be opened
	opaque     []Fact // permissive entries that could not be opened: they grant nothing

	authorSets [][]Address // one slice per distinct set: a zone has few authors
}

// NewFacts returns empty facts.
func NewFacts() *Facts {
	return &Facts{
		grants: newGrantTable(), cas: map[Word][]CAFact{},
		denied: map[Word][]DenyFact{}, revoked: map[revokeKey]revocation{},
	}
}

// none stands for a layer that is absent. Nobody writes to it.
var none = &Facts{}

func (f *Facts) orNone() *Facts {
	if f == nil {
		return none
	}
	return f
}

// Restrictive reports whether the entry takes rights away: a put of a
// restrictive kind, or a revoke of anything else. A revoke of a restrictive
// entry gives rights back and is permissive. A veto of a POINTER revokes it.
func (e *Entry) Restrictive() bool {
	switch e.Action {
	case ActionVeto:
		return e.Kind == KindPointer
	case ActionPut:
		return e.Kind.Restrictive()
	case ActionRevoke:
		return !e.Kind.Restrictive()
	}
	return false
}

// Apply adds one verified entry of a scope. It does not fail: an entry that
// cannot be read grants nothing, and denies if it is restrictive.
func (f *Facts) Apply(scopes Scopes, scope Word, e *Entry, open Opener) {
	fact := Fact{
		Scope: scope, Subject: e.Subject, Kind: e.Kind, From: e.From, Until: e.Until,
		Time: e.Time, Block: e.Block, Seq: e.Seq, Authors: f.authorSets[f.intern(e.Authors)],
	}
	if scope == scopes.Org {
		f.observe(fact, e)
	}
	switch e.Action {
	case ActionRevoke, ActionVeto:
		key := revokeKey{scope: scope, kind: e.Kind, subject: e.Subject}
		if _, ok := f.revoked[key]; !ok {
			f.revoked[key] = revocation{time: e.Time, authors: fact.Authors}
		}
	case ActionPut:
		if err := f.put(scopes, fact, e, open); err == nil {
			return
		}
		if e.Kind.Restrictive() {
			f.unreadable = append(f.unreadable, fact)
		} else {
			f.opaque = append(f.opaque, fact)
		}
	}
}

// put dispatches on the kind. Kinds that mean nothing to a device, unknown ones
// among them, are passed over.
func (f *Facts) put(scopes Scopes, fact Fact, e *Entry, open Opener) error {
	if fact.Kind.OrganisationOnly() && fact.Scope != scopes.Org {
		return malformed("%s outside the organisation's scope", fact.Kind)
	}
	switch fact.Kind {
	case KindAdmin:
		return f.addAdmin(fact, e.Data)
	case KindLimit:
		return f.addLimit(fact, e.Data)
	case KindPointer:
		p, err := ParsePointer(e.Data)
		if err != nil {
			return err
		}
		f.pointers = append(f.pointers, PointerFact{Fact: fact, Pointer: p})
	case KindZone:
		f.zones = append(f.zones, fact)
	case KindDistrust:
		d, err := ParseDistrust(e.Data)
		if err != nil {
			return err
		}
		f.distrusts = append(f.distrusts, DistrustFact{Fact: fact, Distrust: d})
	case KindDenyClear:
		f.addDeny(fact, Deny{Key: fact.Subject, Before: Never})
	case KindBatch:
		root, err := ParseBatch(e.Data)
		if err != nil {
			return err
		}
		f.batches = append(f.batches, BatchFact{Fact: fact, Root: root})
	case KindPolicy:
		if fact.Scope == scopes.Org {
			return f.addPolicy(fact, e.Data)
		}
		return f.opened(fact, e, open, f.addPolicy)
	case KindDeny:
		return f.opened(fact, e, open, func(fact Fact, b []byte) error {
			d, err := ParseDeny(b)
			if err == nil {
				f.addDeny(fact, d)
			}
			return err
		})
	case KindCAUser, KindCAHost:
		if fact.Scope != scopes.Zone {
			return malformed("%s outside a zone's scope", fact.Kind)
		}
		return f.opened(fact, e, open, f.addCA)
	case KindGrant, KindGrantPriv:
		return f.opened(fact, e, open, f.addGrant)
	case KindDelivery:
		return f.opened(fact, e, open, f.addDelivery)
	}
	return nil
}

func (f *Facts) opened(fact Fact, e *Entry, open Opener, add func(Fact, []byte) error) error {
	if open == nil {
		return malformed("no keys to open %s", fact.Kind)
	}
	payload, err := open.Open(fact.Scope, e)
	if err != nil {
		return err
	}
	return add(fact, payload)
}

func (f *Facts) addPolicy(fact Fact, payload []byte) error {
	p, err := ParsePolicy(payload)
	if err == nil {
		f.policies = append(f.policies, PolicyFact{Fact: fact, Policy: p})
	}
	return err
}

func (f *Facts) addDeny(fact Fact, d Deny) {
	f.denied[d.Key] = append(f.denied[d.Key], DenyFact{Fact: fact, Deny: d})
}

func (f *Facts) addCA(fact Fact, payload []byte) error {
	ca, err := ParseCA(payload)
	if err == nil {
		f.cas[ca.Key] = append(f.cas[ca.Key], CAFact{Fact: fact, CA: ca})
	}
	return err
}

func (f *Facts) addGrant(fact Fact, payload []byte) error {
	g, err := ParseGrant(payload)
	if err != nil {
		return err
	}
	f.grants.add(&fact, &g, f.intern(fact.Authors))
	return nil
}

func (f *Facts) addDelivery(fact Fact, payload []byte) error {
	d, err := ParseDelivery(payload)
	if err == nil {
		f.deliveries = append(f.deliveries, DeliveryFact{Fact: fact, Delivery: d})
	}
	return err
}

// intern keeps one copy of each set of authors and returns its number, so that
// a fact costs a slice header instead of an allocation.
func (f *Facts) intern(authors []Address) uint32 {
	for i, set := range f.authorSets {
		if slices.Equal(set, authors) {
			return uint32(i)
		}
	}
	f.authorSets = append(f.authorSets, slices.Clone(authors))
	return uint32(len(f.authorSets) - 1)
}

// Forget drops grants that ended before t: they can permit nothing any more.
// It returns how many went. Revocations and denials stay.
func (f *Facts) Forget(t uint64) int { return f.grants.forget(t, f.authorSets) }
