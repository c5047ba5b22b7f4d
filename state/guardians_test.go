package state

import (
	"errors"
	"slices"
	"testing"
)

// trio are three guardians of whom two act and three cannot be vetoed.
func trio() Guardians {
	return Guardians{Salt: Word{1}, Timelock: MinTimelock, Needed: 2, Final: 3, Accounts: []Address{{1}, {2}, {3}}}
}

func TestParseGuardians(t *testing.T) {
	nobody := Guardians{Salt: Word{9}}
	for _, g := range []Guardians{trio(), nobody} {
		got, err := ParseGuardians(g.Marshal())
		if err != nil || got.ID() != g.ID() || len(got.Accounts) != len(g.Accounts) {
			t.Errorf("ParseGuardians = %+v, %v, want %+v", got, err, g)
		}
	}
	many := trio()
	many.Accounts = nil
	for i := range byte(MaxGuardians) {
		many.Accounts = append(many.Accounts, Address{i + 1})
	}
	if _, err := ParseGuardians(many.Marshal()); err != nil {
		t.Errorf("%d guardians: %v", len(many.Accounts), err)
	}
	for name, spoil := range map[string]func(*Guardians){
		"nobody needed":   func(g *Guardians) { g.Needed = 0 },
		"final before":    func(g *Guardians) { g.Final = 1 },
		"more than there": func(g *Guardians) { g.Final = 4 },
		"short":           func(g *Guardians) { g.Timelock-- },
		"long":            func(g *Guardians) { g.Timelock = MaxTimelock + 1 },
		"twice":           func(g *Guardians) { g.Accounts[1] = g.Accounts[0] },
		"descending":      func(g *Guardians) { slices.Reverse(g.Accounts) },
		"zero":            func(g *Guardians) { g.Accounts[0] = Address{} },
		"only zero": func(g *Guardians) {
			*g = Guardians{Timelock: MinTimelock, Needed: 1, Final: 1, Accounts: []Address{{}}}
		},
		"too many":           func(g *Guardians) { g.Accounts = append(slices.Clone(many.Accounts), Address{200}) },
		"nobody with a lock": func(g *Guardians) { *g = Guardians{Timelock: MinTimelock} },
	} {
		g := trio()
		spoil(&g)
		if _, err := ParseGuardians(g.Marshal()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
	b := trio().Marshal()
	for _, bad := range [][]byte{nil, b[:96], b[:len(b)-1], append(slices.Clone(b), 0)} {
		if _, err := ParseGuardians(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%d bytes: %v, want ErrMalformed", len(bad), err)
		}
	}
	b[128] = 1
	if _, err := ParseGuardians(b); !errors.Is(err, ErrMalformed) {
		t.Errorf("an address of 21 bytes: %v", err)
	}
}

func TestParseRecovery(t *testing.T) {
	good := Recovery{Salt: Word{1}, Threshold: 2, Roots: []Address{{1}, {2}}}
	if got, err := ParseRecovery(good.Marshal()); err != nil || got.ID() != good.ID() {
		t.Errorf("ParseRecovery = %+v, %v", got, err)
	}
	for name, r := range map[string]Recovery{
		"no threshold":   {Roots: good.Roots},
		"not reachable":  {Threshold: 3, Roots: good.Roots},
		"nobody":         {Threshold: 1},
		"nobody, really": {},
		"twice":          {Threshold: 1, Roots: []Address{{1}, {1}}},
	} {
		if _, err := ParseRecovery(r.Marshal()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

func TestParsePointer(t *testing.T) {
	good := Pointer{Direction: Predecessor, ChainID: 10, Contract: Address{1}, Org: Word{2}}
	if got, err := ParsePointer(good.Marshal()); err != nil || got != good {
		t.Errorf("ParsePointer = %+v, %v", got, err)
	}
	for name, spoil := range map[string]func(*Pointer){
		"no direction": func(p *Pointer) { p.Direction = 0 },
		"sideways":     func(p *Pointer) { p.Direction = 3 },
		"no chain":     func(p *Pointer) { p.ChainID = 0 },
		"no contract":  func(p *Pointer) { p.Contract = Address{} },
		"nobody":       func(p *Pointer) { p.Org = Word{} },
	} {
		p := good
		spoil(&p)
		if _, err := ParsePointer(p.Marshal()); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v, want ErrMalformed", name, err)
		}
	}
}

// as is an entry of guardians.
func (h *history) as(action Action, kind Kind, subject Word, until uint64, data []byte, authors ...Address) *history {
	h.t.Helper()
	return h.apply(testScopes.Org, Entry{Action: action, Kind: kind, Subject: subject, Until: until, Data: data, Authors: authors})
}

// recover begins a new epoch in which `to` are root administrators.
func (h *history) recover(threshold uint8, to ...Address) *history {
	h.t.Helper()
	r := Recovery{Threshold: threshold, Roots: to}
	h.as(ActionPut, KindGuardian, trio().ID(), Never, trio().Marshal(), good)
	h.as(ActionRecover, KindGuardian, r.ID(), 0, r.Marshal(), Address{1}, Address{2})
	h.time += MinTimelock
	h.as(ActionComplete, KindGuardian, r.ID(), 0, nil, Address{1}, Address{2})
	for _, account := range to {
		a := RootAdmin(account, testScopes.Org, Word{7})
		h.as(ActionPut, KindAdmin, a.ID(), Never, a.Marshal(), Address{1}, Address{2})
	}
	return h
}

func (h *history) state() *State {
	return &State{Scopes: testScopes, Head: Head{Number: 10, Time: h.time}, Safe: 10, Finalized: 10, Confirmed: h.facts}
}

// A recovery voids administrators, limits and pointers, and nothing else.
func TestRecovery(t *testing.T) {
	org := testScopes.Org
	old, next := Address{0x01, 1}, Address{0x02, 2}
	root := RootAdmin(old, org, Word{5})
	pointer := Pointer{Direction: Successor, ChainID: 10, Contract: Address{1}, Org: Word{0x55}}
	enter := func() *history {
		h := newHistory(t)
		h.as(ActionPut, KindAdmin, root.ID(), Never, root.Marshal(), old)
		h.as(ActionPut, KindLimit, Word{1}, Never, Limit{Kind: KindPolicy, Approvals: 1, Longest: 9}.Marshal(), old)
		h.as(ActionPut, KindPointer, Word{2}, Never, pointer.Marshal(), old)
		return h.put(testScopes.Mailbox, KindGrant, Word{3}, Grant{Account: "root", Key: techKey})
	}
	h := enter()
	s := h.state()
	if to, ok := s.PointsTo(Successor, h.time); !s.MayPolicy([]Address{old}, h.time) || !ok || to != pointer || s.Guardianship(h.time).Epoch != 0 {
		t.Error("twin: before the recovery the old root has no power")
	}
	h = enter()
	entered := h.time
	h.recover(2, next, Address{0x03, 3})
	s = h.state()
	if g := s.Guardianship(h.time); g.Epoch != 1 || g.Recovery != nil || g.ID != trio().ID() {
		t.Errorf("%+v", g)
	}
	if s.MayPolicy([]Address{old}, h.time) {
		t.Error("the old root has power")
	}
	// What he wrote while he had it stays: the network that a bundle of his names, say.
	if !s.MayPolicy([]Address{old}, h.time-1) || s.MayPolicy([]Address{next, {0x03, 3}}, h.time-1) {
		t.Error("before the recovery the old root had no power, or the new ones had")
	}
	if s.MayPolicy([]Address{next}, h.time) || !s.MayPolicy([]Address{next, {0x03, 3}}, h.time) {
		t.Error("the new epoch begins with the recovery's threshold")
	}
	if _, ok := s.PointsTo(Successor, h.time); ok {
		t.Error("the old pointer counts")
	}
	if got := s.Standing(&s.Confirmed.admins[0].Fact, h.time); got != Replaced {
		t.Errorf("the old root is %v", got)
	}
	for g := range s.Grants(Word{3}) {
		if got := s.Standing(&g.Fact, entered); got != Live {
			t.Errorf("the grant is %v", got)
		}
	}
	// The recovery in the overlay, the rest confirmed.
	h = enter()
	confirmed := h.facts
	h.facts = NewFacts()
	h.recover(1, next)
	s = h.state()
	s.Confirmed, s.Overlay = confirmed, h.facts
	if s.MayPolicy([]Address{old}, h.time) || !s.MayPolicy([]Address{next}, h.time) {
		t.Error("a recovery in the overlay")
	}
}

// A freeze ends nothing.
func TestFreeze(t *testing.T) {
	h := newHistory(t).put(testScopes.Mailbox, KindGrant, Word{3}, Grant{Account: "root", Key: techKey})
	h.as(ActionPut, KindGuardian, trio().ID(), Never, trio().Marshal(), good)
	h.as(ActionFreeze, KindGuardian, Word{}, 1600, nil, Address{1}, Address{2})
	s := h.state()
	for now, frozen := range map[uint64]bool{1599: true, 1600: false} {
		g := s.Guardianship(now)
		if g.Frozen(now) != frozen || g.CoolUntil != 2200 {
			t.Errorf("at %d: frozen %v, %+v", now, g.Frozen(now), g)
		}
		for g := range s.Grants(Word{3}) {
			if got := s.Standing(&g.Fact, now); got != Live {
				t.Errorf("the grant is %v", got)
			}
		}
	}
}

// A successor counts only where both sides say so.
func TestSucceeds(t *testing.T) {
	here, there := Registry{ChainID: 1, Contract: Address{1}}, Registry{ChainID: 2, Contract: Address{2}}
	nextScopes := Scopes{Org: Word{0x99}}
	forth := Pointer{Direction: Successor, ChainID: 2, Contract: Address{2}, Org: nextScopes.Org}
	back := Pointer{Direction: Predecessor, ChainID: 1, Contract: Address{1}, Org: testScopes.Org}
	point := func(scopes Scopes, alter func(*Entry), p Pointer) *State {
		e := &Entry{Seq: 1, Block: 1, Time: 1000, Authors: []Address{good}, Action: ActionPut, Kind: KindPointer, From: 2000, Until: Never, Subject: Word{1}, Data: p.Marshal()}
		alter(e)
		s := &State{Scopes: scopes, Safe: 10, Confirmed: NewFacts()}
		s.Confirmed.Apply(scopes, scopes.Org, e, nil)
		return s
	}
	same := func(*Entry) {}
	vetoed := func(s *State) *State {
		e := &Entry{Seq: 2, Block: 1, Time: 1500, Authors: []Address{{1}, {2}}, Action: ActionVeto, Kind: KindPointer, Subject: Word{1}}
		if !e.Restrictive() {
			t.Error("a veto of a pointer does not restrict")
		}
		s.Sticky = NewFacts()
		s.Sticky.Apply(s.Scopes, s.Scopes.Org, e, nil)
		return s
	}
	other := forth
	other.Org = Word{0x98}
	otherBack := back
	otherBack.ChainID = 3
	for _, row := range []struct {
		name       string
		prev, next *State
		now        uint64
		want       bool
	}{
		{"both", point(testScopes, same, forth), point(nextScopes, same, back), 2000, true},
		{"too early", point(testScopes, same, forth), point(nextScopes, same, back), 1999, false},
		{"not back", point(testScopes, same, forth), &State{Scopes: nextScopes}, 2000, false},
		{"not forth", &State{Scopes: testScopes}, point(nextScopes, same, back), 2000, false},
		{"to somebody else", point(testScopes, same, other), point(nextScopes, same, back), 2000, false},
		{"back to another chain", point(testScopes, same, forth), point(nextScopes, same, otherBack), 2000, false},
		{"the wrong way", point(testScopes, same, back), point(nextScopes, same, forth), 2000, false},
		{"vetoed, before a reorganisation", vetoed(point(testScopes, same, forth)), point(nextScopes, same, back), 2000, false},
		{"outside the organisation's scope", func() *State {
			s := &State{Scopes: testScopes, Safe: 10, Confirmed: NewFacts()}
			s.Confirmed.Apply(testScopes, testScopes.Zone, &Entry{Seq: 1, Action: ActionPut, Kind: KindPointer, Until: Never, Subject: Word{1}, Data: forth.Marshal()}, nil)
			return s
		}(), point(nextScopes, same, back), 2000, false},
	} {
		if got := Succeeds(here, row.prev, there, row.next, row.now); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}

func TestDistrusts(t *testing.T) {
	h := newHistory(t).apply(testScopes.Org, Entry{Action: ActionPut, Kind: KindDistrust, Subject: Word{1}, Until: Never, Data: Distrust{Author: bad, From: 900, To: 1000}.Marshal()})
	s := h.state()
	for _, row := range []struct {
		account Address
		t       uint64
		want    bool
	}{{bad, 900, true}, {bad, 1000, true}, {bad, 899, false}, {bad, 1001, false}, {good, 950, false}} {
		if got := s.distrusted([]Address{row.account}, row.t); got != row.want {
			t.Errorf("%v at %d: %v", row.account, row.t, got)
		}
	}
	h.revoke(testScopes.Org, KindDistrust, Word{1}, good)
	if h.state().distrusted([]Address{bad}, 950) {
		t.Error("a distrust that was revoked voids")
	}
}

func TestActionNames(t *testing.T) {
	for a, want := range map[Action]string{0: "action 0", ActionPut: "put", ActionComplete: "complete", 7: "action 7", 255: "action 255"} {
		if got := a.String(); got != want {
			t.Errorf("%d: %q, want %q", uint8(a), got, want)
		}
	}
}
