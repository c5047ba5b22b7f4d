package state

import (
	"errors"
	"slices"
	"testing"
)

var (
	testScopes = Scopes{Org: Word{1}, Zone: Word{2}, Mailbox: Word{3}}
	good       = Address{0xa}
	bad        = Address{0xb}
	techKey    = Word{0x77}
	caKey      = Word{0xca}
)

// clearText opens what was never sealed, except data that begins with "sealed".
type clearText struct{}

func (clearText) Open(_ Word, e *Entry) ([]byte, error) {
	if len(e.Data) >= 6 && string(e.Data[:6]) == "sealed" {
		return nil, errors.New("no key")
	}
	return e.Data, nil
}

// history builds facts entry by entry, with its own sequence per scope.
type history struct {
	t     *testing.T
	facts *Facts
	seq   map[Word]uint64
	block uint64
	time  uint64
}

func newHistory(t *testing.T) *history {
	return &history{t: t, facts: NewFacts(), seq: map[Word]uint64{}, block: 10, time: 1000}
}

func (h *history) apply(scope Word, e Entry) *history {
	h.t.Helper()
	h.seq[scope]++
	e.Seq, e.Block, e.Time = h.seq[scope], h.block, h.time
	if e.Authors == nil {
		e.Authors = []Address{good}
	}
	if err := e.validate(); err != nil {
		h.t.Fatal(err)
	}
	h.facts.Apply(testScopes, scope, &e, clearText{})
	return h
}

func (h *history) put(scope Word, kind Kind, subject Word, payload interface{ Marshal() ([]byte, error) }) *history {
	h.t.Helper()
	b, err := payload.Marshal()
	if err != nil {
		h.t.Fatal(err)
	}
	return h.apply(scope, Entry{Action: ActionPut, Kind: kind, Subject: subject, From: 1000, Until: 2000, Data: b})
}

func (h *history) revoke(scope Word, kind Kind, subject Word, author Address) *history {
	h.t.Helper()
	return h.apply(scope, Entry{Action: ActionRevoke, Kind: kind, Subject: subject, Authors: []Address{author}})
}

func grantFor(account string) Grant { return Grant{Account: account, Key: techKey} }

func standing(s *State, subject Word, now uint64) Standing {
	for g := range s.Grants(subject) {
		return s.Standing(&g.Fact, now)
	}
	return Unknown
}

func TestStandingOfAGrant(t *testing.T) {
	g := Word{0x91}
	grant := func(t *testing.T) *history {
		return newHistory(t).put(testScopes.Mailbox, KindGrant, g, grantFor("alice"))
	}
	distrust := func(h *history, author Address, from, to uint64) *history {
		return h.apply(testScopes.Org, Entry{Action: ActionPut, Kind: KindDistrust, Subject: Word{0xd}, From: 1000, Until: Never,
			Data: Distrust{Author: author, From: from, To: to}.Marshal()})
	}
	for _, c := range []struct {
		name string
		now  uint64
		h    func(*testing.T) *history
		want Standing
	}{
		{"live", 1500, grant, Live},
		{"first second", 1000, grant, Live},
		{"last second", 1999, grant, Live},
		{"before", 999, grant, NotYet},
		{"at its end", 2000, grant, Expired},
		{"none", 1500, newHistory, Unknown},
		{"revoked", 1500, func(t *testing.T) *history { return grant(t).revoke(testScopes.Mailbox, KindGrant, g, bad) }, Revoked},
		{"revoked before it was put", 1500, func(t *testing.T) *history {
			return newHistory(t).revoke(testScopes.Mailbox, KindGrant, g, bad).put(testScopes.Mailbox, KindGrant, g, grantFor("alice"))
		}, Revoked},
		{"the same subject revoked in another scope", 1500, func(t *testing.T) *history { return grant(t).revoke(testScopes.Zone, KindGrant, g, bad) }, Live},
		{"the same subject revoked as another kind", 1500, func(t *testing.T) *history {
			return grant(t).revoke(testScopes.Mailbox, KindGrantPriv, g, bad)
		}, Live},
		{"author distrusted", 1500, func(t *testing.T) *history { return distrust(grant(t), good, 1000, 1000) }, Distrusted},
		{"everybody distrusted", 1500, func(t *testing.T) *history { return distrust(grant(t), Address{}, 0, 1000) }, Distrusted},
		{"distrusted at another time", 1500, func(t *testing.T) *history { return distrust(grant(t), good, 1001, 3000) }, Live},
		{"another author distrusted", 1500, func(t *testing.T) *history { return distrust(grant(t), bad, 0, 3000) }, Live},
		{"distrust lifted", 1500, func(t *testing.T) *history {
			return distrust(grant(t), good, 0, 3000).revoke(testScopes.Org, KindDistrust, Word{0xd}, good)
		}, Live},
		{"malformed", 1500, func(t *testing.T) *history {
			return newHistory(t).apply(testScopes.Mailbox, Entry{Action: ActionPut, Kind: KindGrant, Subject: g, From: 1000, Until: 2000, Data: []byte{9}})
		}, Unknown},
		{"sealed with a key we lack", 1500, func(t *testing.T) *history {
			return newHistory(t).apply(testScopes.Mailbox, Entry{Action: ActionPut, Kind: KindGrant, Subject: g, From: 1000, Until: 2000, Data: []byte("sealed")})
		}, Unknown},
		{"unknown action", 1500, func(t *testing.T) *history {
			return newHistory(t).apply(testScopes.Mailbox, Entry{Action: 9, Kind: KindGrant, Subject: g, From: 1000, Until: 2000})
		}, Unknown},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &State{Scopes: testScopes, Confirmed: c.h(t).facts}
			if got := standing(s, g, c.now); got != c.want {
				t.Errorf("confirmed: got %v, want %v", got, c.want)
			}
			s = &State{Scopes: testScopes, Overlay: c.h(t).facts}
			if got := standing(s, g, c.now); got != c.want {
				t.Errorf("overlay: got %v, want %v", got, c.want)
			}
		})
	}
}

func TestTheZeroStatePermitsNothing(t *testing.T) {
	var s State
	if got := standing(&s, Word{}, 0); got != Unknown {
		t.Errorf("grant: %v", got)
	}
	if got, _ := s.CA(KindCAUser, Word{}, 0); got != Unknown {
		t.Errorf("CA: %v", got)
	}
	if s.Denied(Word{}, 0, 0) || s.Retired() {
		t.Error("the zero State denies a key that nobody denied")
	}
}

func TestStickyRestrictionsBindAndStickyPermissionsDoNot(t *testing.T) {
	g := Word{0x91}
	confirmed := newHistory(t).put(testScopes.Mailbox, KindGrant, g, grantFor("alice")).facts
	sticky := newHistory(t).revoke(testScopes.Mailbox, KindGrant, g, bad).facts
	if got := standing(&State{Scopes: testScopes, Confirmed: confirmed, Sticky: sticky}, g, 1500); got != Revoked {
		t.Errorf("revocation that a reorganisation dropped: got %v, want %v", got, Revoked)
	}
	if got := standing(&State{Scopes: testScopes, Sticky: confirmed}, g, 1500); got != Unknown {
		t.Errorf("grant among the restrictions: got %v, want %v", got, Unknown)
	}
}

func TestDenials(t *testing.T) {
	deny := Word{0xde}
	for _, c := range []struct {
		name    string
		h       *history
		entered uint64
		want    bool
	}{
		{"none", newHistory(t), 1000, false},
		{"by key", newHistory(t).put(testScopes.Zone, KindDeny, deny, Deny{Key: techKey, Before: Never}), 1500, true},
		{"another key", newHistory(t).put(testScopes.Zone, KindDeny, deny, Deny{Key: caKey, Before: Never}), 1500, false},
		{"granted before it", newHistory(t).put(testScopes.Zone, KindDeny, deny, Deny{Key: techKey, Before: 1200}), 1199, true},
		{"granted after it", newHistory(t).put(testScopes.Zone, KindDeny, deny, Deny{Key: techKey, Before: 1200}), 1200, false},
		{"in clear", newHistory(t).apply(testScopes.Org, Entry{Action: ActionPut, Kind: KindDenyClear, Subject: techKey, From: 1000, Until: Never}), 1500, true},
		{"in clear, outside the organisation's scope", newHistory(t).apply(testScopes.Zone, Entry{Action: ActionPut, Kind: KindDenyClear, Subject: techKey, From: 1000, Until: 2000}), 1500, false},
		{"lifted", newHistory(t).put(testScopes.Zone, KindDeny, deny, Deny{Key: techKey, Before: Never}).revoke(testScopes.Zone, KindDeny, deny, good), 1500, false},
	} {
		s := &State{Scopes: testScopes, Confirmed: c.h.facts}
		if got := s.Denied(techKey, c.entered, 1500); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestADistrustedAdminCannotLiftADenial(t *testing.T) {
	deny := Word{0xde}
	h := newHistory(t).put(testScopes.Zone, KindDeny, deny, Deny{Key: techKey, Before: Never}).revoke(testScopes.Zone, KindDeny, deny, bad)
	s := &State{Scopes: testScopes, Confirmed: h.facts}
	if s.Denied(techKey, 1000, 1500) {
		t.Fatal("the denial was lifted, and still holds")
	}
	h.apply(testScopes.Org, Entry{Action: ActionPut, Kind: KindDistrust, Subject: Word{1}, From: 1000, Until: Never, Data: Distrust{Author: bad, To: 3000}.Marshal()})
	if !s.Denied(techKey, 1000, 1500) {
		t.Error("a distrusted administrator lifted a denial")
	}
}

func TestUnreadableRestrictionDeniesUntilRevoked(t *testing.T) {
	h := newHistory(t).apply(testScopes.Zone, Entry{Action: ActionPut, Kind: KindDeny, Subject: Word{5}, From: 1000, Until: 2000, Data: []byte("sealed")})
	s := &State{Scopes: testScopes, Overlay: h.facts}
	if f, ok := s.Unreadable(1500); !ok || f.Subject != (Word{5}) {
		t.Errorf("Unreadable = %+v, %v", f, ok)
	}
	if _, ok := s.Unreadable(2000); ok {
		t.Error("it outlives its window")
	}
	h.revoke(testScopes.Zone, KindDeny, Word{5}, good)
	if _, ok := s.Unreadable(1500); ok {
		t.Error("it outlives its revocation")
	}
}

func TestRetirement(t *testing.T) {
	for name, h := range map[string]*history{
		"device": newHistory(t).revoke(testScopes.Zone, KindDevice, testScopes.Mailbox, good),
		"zone":   newHistory(t).revoke(testScopes.Org, KindZone, testScopes.Zone, good),
	} {
		if s := (&State{Scopes: testScopes, Overlay: h.facts}); !s.Retired() {
			t.Errorf("%s revoked, and not retired", name)
		}
	}
	other := newHistory(t).revoke(testScopes.Zone, KindDevice, Word{99}, good)
	if s := (&State{Scopes: testScopes, Overlay: other.facts}); s.Retired() {
		t.Error("another device's retirement counted")
	}
}

func TestAZoneOnlyTightensPolicy(t *testing.T) {
	h := newHistory(t)
	s := &State{Scopes: testScopes, Confirmed: h.facts}
	want := Policy{Modes: ModeCertificateAndGrant, Offline: DefaultOffline, Fresh: DefaultFresh}
	check := func(what string) {
		t.Helper()
		got := s.Policy(1500)
		if got.Modes != want.Modes || got.Offline != want.Offline || got.Fresh != want.Fresh || !slices.Equal(got.Privileged, want.Privileged) || got.SafeKinds != want.SafeKinds {
			t.Errorf("%s: got %+v, want %+v", what, got, want)
		}
	}
	check("no policy")
	h.put(testScopes.Zone, KindPolicy, Word{1}, Policy{Modes: ModeGrantedKey, Offline: 500_000, Fresh: 30, Privileged: []string{"deploy"}})
	want = Policy{Modes: ModeGrantedKey, Offline: 500_000, Fresh: 30, Privileged: []string{"deploy"}}
	check("zone alone")
	h.put(testScopes.Org, KindPolicy, Word{2}, Policy{Modes: ModeCertificateAndGrant, Offline: 100, Fresh: 600, Privileged: []string{"backup"}, SafeKinds: KindMask{}.With(KindGrant)})
	want = Policy{Modes: 0, Offline: 100, Fresh: 30, Privileged: []string{"backup", "deploy"}, SafeKinds: KindMask{}.With(KindGrant)}
	check("floor over zone")
	h.put(testScopes.Zone, KindPolicy, Word{3}, Policy{})
	want = Policy{Modes: ModeCertificateAndGrant, Offline: 100, Fresh: 600, Privileged: []string{"backup"}, SafeKinds: KindMask{}.With(KindGrant)}
	check("the zone's latest counts")
	if !s.Policy(1500).NeedsPrivilege("root") || !s.Policy(1500).NeedsPrivilege("backup") || s.Policy(1500).NeedsPrivilege("alice") {
		t.Error("privileged accounts: want root and backup, not alice")
	}
}

func TestAPolicyThatAReorganisationDroppedStillTightens(t *testing.T) {
	now := newHistory(t).put(testScopes.Zone, KindPolicy, Word{1}, Policy{Offline: 500_000, Fresh: 30}).facts
	dropped := newHistory(t).put(testScopes.Zone, KindPolicy, Word{2}, Policy{Offline: 100, Fresh: 300, Privileged: []string{"deploy"}}).
		put(testScopes.Org, KindPolicy, Word{3}, Policy{SafeKinds: KindMask{}.With(KindGrant)}).facts
	s := &State{Scopes: testScopes, Confirmed: now}
	if p := s.Policy(1500); p.Offline != 500_000 || p.NeedsPrivilege("deploy") {
		t.Fatalf("without the dropped one: %+v", p)
	}
	s.Sticky = dropped
	p := s.Policy(1500)
	if p.Offline != 100 || p.Fresh != 30 || p.Modes != ModeCertificateAndGrant || !p.NeedsPrivilege("deploy") || !p.SafeKinds.Has(KindGrant) {
		t.Errorf("with the dropped ones: %+v", p)
	}
}

func TestACAOutsideItsZoneIsNone(t *testing.T) {
	for scope, want := range map[Word]Standing{testScopes.Zone: Live, testScopes.Mailbox: Unknown, testScopes.Org: Unknown} {
		h := newHistory(t).put(scope, KindCAUser, Word{4}, CA{Key: caKey})
		s := &State{Scopes: testScopes, Confirmed: h.facts}
		if got, _ := s.CA(KindCAUser, caKey, 1500); got != want {
			t.Errorf("CA entered in scope %v: got %v, want %v", scope, got, want)
		}
	}
}

func TestSafeKindsWaitForTheirBlock(t *testing.T) {
	g := Word{0x91}
	h := newHistory(t).put(testScopes.Mailbox, KindGrant, g, grantFor("alice")).
		put(testScopes.Org, KindPolicy, Word{2}, Policy{SafeKinds: KindMask{}.With(KindGrant)})
	s := &State{Scopes: testScopes, Overlay: h.facts, Safe: h.block - 1}
	if got := standing(s, g, 1500); got != NotSafe {
		t.Errorf("before its block is safe: got %v, want %v", got, NotSafe)
	}
	s.Safe = h.block
	if got := standing(s, g, 1500); got != Live {
		t.Errorf("in a safe block: got %v, want %v", got, Live)
	}
}

func TestCAKindsAreNotInterchangeable(t *testing.T) {
	h := newHistory(t).put(testScopes.Zone, KindCAHost, Word{4}, CA{Key: caKey})
	s := &State{Scopes: testScopes, Confirmed: h.facts}
	if got, other := s.CA(KindCAUser, caKey, 1500); got != Unknown || !other {
		t.Errorf("host CA asked as user CA: got %v, %v; want unknown, of the other use", got, other)
	}
	if got, _ := s.CA(KindCAHost, caKey, 1500); got != Live {
		t.Errorf("host CA: got %v, want live", got)
	}
	h.revoke(testScopes.Zone, KindCAHost, Word{4}, good)
	if got, _ := s.CA(KindCAHost, caKey, 1500); got != Revoked {
		t.Errorf("revoked CA: got %v", got)
	}
}

func TestForgetDropsOnlyWhatEnded(t *testing.T) {
	h := newHistory(t).put(testScopes.Mailbox, KindGrant, Word{1}, grantFor("alice")).
		put(testScopes.Mailbox, KindGrantPriv, Word{1}, grantFor("root"))
	h.apply(testScopes.Mailbox, Entry{Action: ActionPut, Kind: KindGrant, Subject: Word{2}, From: 1, Until: 1100, Data: mustMarshal(t, grantFor("bob"))})
	if n := h.facts.Forget(1500); n != 1 {
		t.Errorf("Forget dropped %d subjects, want 1", n)
	}
	s := &State{Scopes: testScopes, Confirmed: h.facts}
	var accounts []string
	for g := range s.GrantsForKey(techKey) {
		accounts = append(accounts, g.Account)
	}
	slices.Sort(accounts)
	if want := []string{"alice", "root"}; !slices.Equal(accounts, want) {
		t.Errorf("left: %v, want %v", accounts, want)
	}
}

func mustMarshal(t *testing.T, p interface{ Marshal() ([]byte, error) }) []byte {
	t.Helper()
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
