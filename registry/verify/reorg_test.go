package verify

import (
	"errors"
	"fmt"
	"testing"

	"dpki/state"
)

// fork makes the chain forget its last blocks and go on with as many others and
// one more, which hold these entries in the first.
func (f *fakeChain) reorg(depth int, entries ...ScopedEntry) {
	f.blocks = f.blocks[:len(f.blocks)-depth]
	f.fork++
	f.mine(entries...)
	for range depth {
		f.mine()
	}
}

func TestReorganisations(t *testing.T) {
	for _, depth := range []int{1, 2, 5, 20} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			f := newFake(t)
			f.mine(put(zone, state.KindGrant))
			f.final = 2
			r := f.reader([]state.Word{zone}, f)
			grant, deny := put(zone, state.KindGrant), put(zone, state.KindDeny)
			f.mine(grant, deny)
			for range depth - 1 {
				f.mine()
			}
			tickOK(t, r)
			if got, want := summary(r, zone), "confirmed 1 overlay 2 sticky 0"; got != want {
				t.Fatalf("before: %s, want %s", got, want)
			}
			f.reorg(depth)
			res := tickOK(t, r)
			if len(res.Changes) != 1 || !res.Changes[0].Rebuilt {
				t.Fatalf("got %+v, want a rebuilt scope", res.Changes)
			}
			// The grant is gone at once, the denial stays.
			if got, want := summary(r, zone), "confirmed 1 overlay 0 sticky 1"; got != want {
				t.Fatalf("after: %s, want %s", got, want)
			}
			if s := r.Known().Scopes[zone].Sticky[0]; s.Subject != deny.Entry.Subject {
				t.Errorf("sticky is %+v, want the denial", s)
			}
			// One block before finality passes the block that it stood in.
			f.final = 2
			if res := tickOK(t, r); len(res.Alarms) != 0 {
				t.Errorf("alarms %v before finality", res.Alarms)
			}
			f.final = 3
			res = tickOK(t, r)
			var dropped *DroppedError
			if len(res.Alarms) != 1 || !errors.As(res.Alarms[0], &dropped) || dropped.Entry.Subject != deny.Entry.Subject {
				t.Errorf("alarms %v, want the end of the denial", res.Alarms)
			}
			if got, want := summary(r, zone), "confirmed 1 overlay 0 sticky 0"; got != want {
				t.Errorf("at the end: %s, want %s", got, want)
			}
		})
	}
}

// The twin: a reorganisation that brings the same entries again, in other
// blocks, leaves nothing sticky and raises no alarm.
func TestReorganisationThatKeepsEverything(t *testing.T) {
	f := newFake(t)
	grant, deny := put(zone, state.KindGrant), put(zone, state.KindDeny)
	f.mine(put(zone, state.KindGrant))
	f.mine(grant, deny)
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)
	f.blocks = f.blocks[:3]
	f.mine()
	f.mine(grant, deny) // a block later than before
	res := tickOK(t, r)
	if len(res.Changes) != 1 || !res.Changes[0].Rebuilt || len(res.Changes[0].Added) != 2 {
		t.Errorf("got %+v", res.Changes)
	}
	f.final = f.head()
	res = tickOK(t, r)
	if got, want := summary(r, zone), "confirmed 3 overlay 0 sticky 0"; got != want || len(res.Alarms) != 0 {
		t.Errorf("got %s, %v, want %s", got, res.Alarms, want)
	}
}

// What is sticky: puts that restrict and revokes of puts that permit.
func TestStickyKinds(t *testing.T) {
	for _, row := range []struct {
		name string
		e    ScopedEntry
		want bool
	}{
		{"grant", put(zone, state.KindGrant), false},
		{"revoke of a grant", revoke(put(zone, state.KindGrant)), true},
		{"denial", put(zone, state.KindDeny), true},
		{"revoke of a denial", revoke(put(zone, state.KindDeny)), false},
		{"policy", put(zone, state.KindPolicy), true},
		{"revoke of a CA", revoke(put(zone, state.KindCAUser)), true},
		{"retired device", revoke(put(zone, state.KindDevice)), true},
	} {
		t.Run(row.name, func(t *testing.T) {
			f := newFake(t)
			f.mine()
			r := f.reader([]state.Word{zone}, f)
			f.mine(row.e)
			tickOK(t, r)
			f.reorg(1)
			tickOK(t, r)
			if got := len(r.Known().Scopes[zone].Sticky) == 1; got != row.want {
				t.Errorf("sticky %v, want %v", got, row.want)
			}
		})
	}
}

// A restriction that comes back is in the chain again, and no longer sticky;
// should that chain go as well, it is sticky again.
func TestStickyComesAndGoes(t *testing.T) {
	f := newFake(t)
	f.mine()
	r := f.reader([]state.Word{zone}, f)
	deny := put(zone, state.KindDeny)
	f.mine(deny)
	tickOK(t, r)
	for i, step := range []struct {
		depth   int
		entries []ScopedEntry
		want    string
	}{
		{1, nil, "confirmed 0 overlay 0 sticky 1"},
		{1, []ScopedEntry{deny}, "confirmed 0 overlay 1 sticky 0"},
		{2, nil, "confirmed 0 overlay 0 sticky 1"},
		{2, []ScopedEntry{put(zone, state.KindGrant)}, "confirmed 0 overlay 1 sticky 1"},
	} {
		f.reorg(step.depth, step.entries...)
		res := tickOK(t, r)
		if got := summary(r, zone); got != step.want || len(res.Alarms) != 0 {
			t.Errorf("step %d: %s, %v, want %s", i, got, res.Alarms, step.want)
		}
	}
}

// A restriction in a block that the chain has not reached, shown once, ends when
// finality passes the head that took it away: its own block may never come.
func TestStickyBeyondTheHead(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)
	known := r.Known()
	log := known.Scopes[zone]
	far := put(zone, state.KindDeny).Entry
	far.Seq, far.Block, far.PrevBlock, far.Time, far.Authors = 2, 1<<40, 2, f.blocks[2].time, []state.Address{{1}}
	log.Overlay, log.tip = append(log.Overlay, far), nil
	known.Scopes[zone] = log
	config := f.config()
	config.Known = known
	r = f.readerWith(config, []state.Word{zone}, f)
	f.mine()
	tickOK(t, r)
	if got, want := summary(r, zone), "confirmed 0 overlay 1 sticky 1"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	sticky := r.Known().Scopes[zone].Sticky[0]
	if _, err := sticky.Marshal(); err != nil || sticky.Block != 3 {
		t.Errorf("block %d, %v", sticky.Block, err)
	}
	f.mine()
	f.final = 3
	if res := tickOK(t, r); len(res.Alarms) != 1 || summary(r, zone) != "confirmed 1 overlay 0 sticky 0" {
		t.Errorf("%s, alarms %v", summary(r, zone), res.Alarms)
	}
}

// Heads that the caller calls too far ahead are not believed, whoever shows them;
// one of several who does is passed over.
func TestLeaps(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	far := f.clone()
	config := f.config()
	config.Leaps = func(last, next Head) bool { return last.Number != 0 && next.Number > last.Number+2 }
	r := f.readerWith(config, []state.Word{zone}, far, f)
	tickOK(t, r)
	for range 3 {
		far.mine()
	}
	res := tickOK(t, r)
	if len(res.From) != 1 || res.From[0] != "b" || len(res.Alarms) != 1 || !errors.Is(res.Alarms[0], ErrLeap) {
		t.Errorf("from %v, alarms %v", res.From, res.Alarms)
	}
	alone := f.readerWith(Config{Registry: f.registry, Org: f.org, CodeHash: f.code, Deploy: 1, Leaps: config.Leaps, Known: r.Known()}, []state.Word{zone}, far)
	if res, err := alone.Tick(t.Context()); res != nil || !errors.Is(err, ErrLeap) {
		t.Errorf("alone: %v, %v", res, err)
	}
}

// A scope in which nothing was written for long, while the chain under it is
// reorganised, is neither a rollback nor a change, and costs no question for logs.
func TestAQuietScopeAfterAReorganisation(t *testing.T) {
	for _, final := range []uint64{0, 2} { // its last entry in the overlay, or confirmed
		f := newFake(t)
		f.mine(put(zone, state.KindGrant), put(zone, state.KindDeny))
		f.final = final
		r := f.reader([]state.Word{zone, mailbox}, f)
		for range 5 {
			f.mine(put(mailbox, state.KindGrant))
		}
		tickOK(t, r)
		before := summary(r, zone)
		f.reorg(5)
		res := tickOK(t, r)
		if got := summary(r, zone); got != before || len(res.Alarms) != 0 {
			t.Errorf("final %d: %s, want %s; alarms %v", final, got, before, res.Alarms)
		}
		for _, c := range res.Changes {
			if c.Scope == zone {
				t.Errorf("final %d: a change %+v", final, c)
			}
		}
		calls := f.calls.logs
		f.final = 4
		tickOK(t, r)
		if f.calls.logs != calls {
			t.Errorf("final %d: %d questions for logs while nothing happens", final, f.calls.logs-calls)
		}
		if got, want := summary(r, zone), "confirmed 2 overlay 0 sticky 0"; got != want {
			t.Errorf("after finality: %s, want %s", got, want)
		}
	}
}
