package admin

import (
	"testing"

	"dpki/bundle"
	"dpki/state"
)

// TestIdle: when nobody needs a delivery's block. Each row but the first two is
// the second, a delivery that was replaced by an applied one, changed in one place.
func TestIdle(t *testing.T) {
	const clock = 1000
	type rig struct {
		old, next sent
		applied   uint64 // what a receipt says, 0 = none
	}
	base := func() *rig {
		r := &rig{applied: 2}
		r.old = sent{final: true, live: true}
		r.old.Subject, r.old.Seq, r.old.Until = state.Word{1}, 1, clock+10
		r.next = sent{final: true, live: true}
		r.next.Subject, r.next.Seq, r.next.Until, r.next.Supersedes = state.Word{2}, 2, clock+20, state.Word{1}
		return r
	}
	for _, test := range []struct {
		name       string
		change     func(*rig)
		idle, kept bool
	}{
		{"in force", func(r *rig) { r.next.Supersedes = state.Word{9} }, false, false},
		{"superseded, and the successor applied", func(*rig) {}, true, false},
		{"the successor is not final", func(r *rig) { r.next.final = false }, false, false},
		{"the superseded is not final", func(r *rig) { r.old.final = false }, false, false},
		{"the successor is revoked", func(r *rig) { r.next.live = false }, false, false},
		{"the successor ends first", func(r *rig) { r.next.Until = clock + 5 }, false, false},
		{"the successor came before", func(r *rig) { r.next.Seq, r.old.Seq = 1, 2 }, false, false},
		{"no receipt", func(r *rig) { r.applied = 0 }, true, true},
		{"a receipt from before the successor", func(r *rig) { r.applied = 1 }, true, true},
		{"a receipt from later", func(r *rig) { r.applied = 7 }, true, false},
		{"expired", func(r *rig) { r.old.Until, r.applied, r.next.live = clock, 0, false }, true, false},
		{"expired, not final", func(r *rig) { r.old.Until, r.old.final = clock, false }, false, false},
		{"revoked", func(r *rig) { r.old.revoked, r.applied, r.next.live = true, 0, false }, true, false},
		{"revoked by an entry that is not final", func(r *rig) { r.old.live, r.old.void, r.next.live = false, true, false }, false, false},
	} {
		r := base()
		test.change(r)
		why, kept := r.old.idle([]sent{r.old, r.next}, clock, func(seq uint64) bool { return r.applied >= seq })
		if (why != "") != test.idle || (kept != "") != test.kept {
			t.Errorf("%s: idle %q, kept %q", test.name, why, kept)
		}
	}
}

// TestGarbage: what is idle is kept wherever anything else may be behind it.
func TestGarbage(t *testing.T) {
	id := bundle.CID{1}
	idle := content{id: id, what: "files web for plant/gate-7", idle: "revoked", mine: true}
	for _, test := range []struct {
		name   string
		more   []content
		change func(*contents, *content)
		o      StoreCollecting
		let    bool
	}{
		{"own", nil, nil, StoreCollecting{}, true},
		{"a live entry names it too", []content{{id: id, what: "files web for plant/gate-8"}}, nil, StoreCollecting{All: true}, false},
		{"an entry that is void for now names it too", []content{{id: id, what: "x", void: true}}, nil, StoreCollecting{}, false},
		{"idle twice, kept once", []content{{id: id, idle: "expired", kept: "no receipt", mine: true}}, nil, StoreCollecting{}, false},
		{"idle twice, another's once", []content{{id: id, idle: "expired"}}, nil, StoreCollecting{}, false},
		{"somebody else's", nil, func(_ *contents, b *content) { b.mine = false }, StoreCollecting{}, false},
		{"somebody else's, asked for", nil, func(_ *contents, b *content) { b.mine = false }, StoreCollecting{All: true}, true},
		{"somebody else's, with a list unread", nil, func(c *contents, b *content) { b.mine, c.unread = false, []content{{what: "list"}} }, StoreCollecting{All: true}, false},
		{"somebody else's, in an organisation that is not all known", nil, func(c *contents, b *content) { b.mine, c.strange = false, []string{"zone x"} }, StoreCollecting{All: true}, false},
		{"own, in an organisation that is not all known", nil, func(c *contents, _ *content) { c.strange = []string{"zone x"} }, StoreCollecting{All: true}, true},
	} {
		c, b := &contents{}, idle
		if test.change != nil {
			test.change(c, &b)
		}
		c.list = append([]content{b}, test.more...)
		got := c.garbage(test.o)
		if len(got) != 1 || (got[0].kept == "") != test.let {
			t.Errorf("%s: %+v, want let go %v", test.name, got, test.let)
		}
	}
	// Lists go after what they name.
	c := &contents{list: []content{{id: bundle.CID{3}, rank: rankRoot, idle: "x", mine: true}, {id: bundle.CID{2}, rank: rankLeaf, idle: "x", mine: true}, idle}}
	if got := c.garbage(StoreCollecting{}); len(got) != 3 || got[0].rank != rankBundle || got[2].rank != rankRoot {
		t.Errorf("order: %+v", got)
	}
}

// TestSupersededRoster: an expired batch that tells administrators of who is
// enrolled is let go of only when batches that last tell each of them the same.
func TestSupersededRoster(t *testing.T) {
	alice, bob := state.Word{1}, state.Word{2}
	says := func(names ...string) []*bundle.Roster {
		r := &bundle.Roster{Version: 1}
		for i, n := range names {
			r.Zones = append(r.Zones, bundle.RosterZone{Name: n, Zone: state.Word{byte(10 + i)}})
		}
		return []*bundle.Roster{r}
	}
	batch := func(why string, parts []*bundle.Roster, to ...state.Word) *listed {
		l := &listed{why: why, parts: parts, read: parts != nil, admins: map[state.Word]bool{}}
		for _, a := range to {
			l.admins[a] = true
		}
		return l
	}
	old := batch("expired", says("plant"), alice, bob)
	for _, test := range []struct {
		name string
		all  []*listed
		want bool
	}{
		{"nothing else says it", []*listed{old}, false},
		{"a later one says it to both", []*listed{old, batch("", says("plant"), alice, bob)}, true},
		{"a later one says more", []*listed{old, batch("", says("plant", "depot"), alice, bob)}, true},
		{"a later one says it to one of them", []*listed{old, batch("", says("plant"), alice)}, false},
		{"a later one says it to another each", []*listed{old, batch("", says("plant"), alice), batch("", says("plant"), bob)}, true},
		{"the later one has expired too", []*listed{old, batch("expired", says("plant"), alice, bob)}, false},
		{"the later one cannot be read", []*listed{old, batch("", nil, alice, bob)}, false},
		{"the later one says less", []*listed{old, batch("", says(), alice, bob)}, false},
		{"an earlier one said otherwise", []*listed{batch("", says("works"), alice, bob), old}, false},
	} {
		if got := supersededRoster(old, test.all); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
	if supersededRoster(batch("expired", nil, alice), nil) || supersededRoster(batch("", says("plant"), alice), nil) {
		t.Error("one that was not read, or that has not expired, counts as superseded")
	}
}

// TestToldElsewhere: where a person is enrolled an expired batch still says, unless
// one that lives does.
func TestToldElsewhere(t *testing.T) {
	tess, zone := recipientOf{id: state.Word{1}}, state.Word{8}
	batch := func(why string, in state.Word, to ...recipientOf) *listed {
		l := &listed{why: why, names: map[bundle.Tag]recipientOf{}}
		l.scope = in
		for i, r := range to {
			l.names[bundle.Tag{byte(i)}] = r
		}
		return l
	}
	device := tess
	device.device = true
	old := batch("expired", zone, tess)
	void := batch("", zone, tess)
	void.void = true
	for _, test := range []struct {
		name string
		to   recipientOf
		more *listed
		want bool
	}{
		{"nothing else", tess, batch("", zone), false},
		{"one that lives", tess, batch("", zone, recipientOf{id: state.Word{2}}, tess), true},
		{"one that has expired too", tess, batch("expired", zone, tess), false},
		{"one that is void for now", tess, void, false},
		{"one of another zone", tess, batch("", state.Word{9}, tess), false},
		{"somebody else's", tess, batch("", zone, recipientOf{id: state.Word{2}}), false},
		{"a device", device, batch("", zone), true},
	} {
		if got := toldElsewhere(test.to, old, []*listed{old, test.more}); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}
