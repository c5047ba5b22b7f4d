package verify

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"testing"

	"dpki/state"
)

// sparingReader asks for finality only where it must.
func (f *fakeChain) sparingReader() *Reader {
	config := f.config()
	config.Sparing = func() bool { return true }
	return f.readerWith(config, []state.Word{zone}, f)
}

// Looks ask what is final at first, while something waits for it, and once an
// hour; those of a reader that was not told to spare always do.
func TestFinalityIsAskedForWhereItMatters(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	f.final = 2
	r, always := f.sparingReader(), f.reader([]state.Word{zone}, f)
	deny := put(zone, state.KindDeny)
	for _, step := range []struct {
		name  string
		do    func()
		asks  bool
		want  string
		alarm bool
	}{
		{"the first look", func() {}, true, "confirmed 1 overlay 0 sticky 0", false},
		{"nothing waits", func() { f.mine() }, false, "confirmed 1 overlay 0 sticky 0", false},
		{"an entry comes", func() { f.mine(deny) }, false, "confirmed 1 overlay 1 sticky 0", false},
		{"it waits", func() {}, true, "confirmed 1 overlay 1 sticky 0", false},
		{"it is reorganised away", func() { f.reorg(1) }, true, "confirmed 1 overlay 0 sticky 1", false},
		{"it stands nevertheless", func() { f.final = 3 }, true, "confirmed 1 overlay 0 sticky 1", false},
		{"finality has passed it", func() { f.final = 4 }, true, "confirmed 1 overlay 0 sticky 0", true},
		{"nothing waits again", func() { f.mine() }, false, "confirmed 1 overlay 0 sticky 0", false},
		{"an hour has passed", func() { f.mineAt(f.blocks[f.head()].time + settleEvery); tickOK(t, r) }, true, "confirmed 1 overlay 0 sticky 0", false},
		{"a minute after it", func() { f.mine() }, false, "confirmed 1 overlay 0 sticky 0", false},
	} {
		step.do()
		before := f.calls.finality
		res := tickOK(t, r)
		if asks := f.calls.finality > before; asks != step.asks {
			t.Errorf("%s: asked %v, want %v", step.name, asks, step.asks)
		}
		if got := summary(r, zone); got != step.want || (len(res.Alarms) > 0) != step.alarm {
			t.Errorf("%s: %s, alarms %v, want %s", step.name, got, res.Alarms, step.want)
		}
		before = f.calls.finality
		if tickOK(t, always); f.calls.finality == before || summary(always, zone) != step.want {
			t.Errorf("%s: always: %s, asked %d", step.name, summary(always, zone), f.calls.finality-before)
		}
	}
}

// A chain that goes back behind what was confirmed is refused by a look that
// does not ask for finality.
func TestRollbackWithoutAskingForFinality(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant), put(zone, state.KindDeny))
	f.final = 2
	r := f.sparingReader()
	tickOK(t, r)
	tickOK(t, r)
	before := f.calls.finality
	f.final = 0
	f.reorg(1)
	if res, err := r.Tick(t.Context()); res != nil || !errors.Is(err, ErrRollback) {
		t.Errorf("got %v, %v, want ErrRollback", res, err)
	}
	if f.calls.finality != before || summary(r, zone) != "confirmed 2 overlay 0 sticky 0" {
		t.Errorf("asked %d times, %s", f.calls.finality-before, summary(r, zone))
	}
}

// Over made up histories, a reader that spares knows what one that always asks
// does, after the look that follows a change at the latest.
func TestSparingChangesNothing(t *testing.T) {
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 0))
		f := newFake(t)
		f.mine()
		r, always := f.sparingReader(), f.reader([]state.Word{zone}, f)
		kinds := []state.Kind{state.KindGrant, state.KindDeny, state.KindGrantPriv}
		ended, alwaysEnded := 0, 0
		for range 40 {
			var entries []ScopedEntry
			for range rnd.IntN(3) {
				entries = append(entries, put(zone, kinds[rnd.IntN(len(kinds))]))
			}
			switch open := f.head() - f.final; {
			case rnd.IntN(3) == 0 && open > 0:
				f.reorg(1+int(rnd.Uint64N(open)), entries...)
			case rnd.IntN(2) == 0:
				f.final += rnd.Uint64N(open + 1)
			default:
				f.mine(entries...)
			}
			for range 2 {
				ended += len(tickOK(t, r).Alarms)
				alwaysEnded += len(tickOK(t, always).Alarms)
			}
			got, want := r.Known().Scopes[zone], always.Known().Scopes[zone]
			if got.Confirmed != want.Confirmed || !reflect.DeepEqual(got.Overlay, want.Overlay) || !reflect.DeepEqual(got.Sticky, want.Sticky) || ended != alwaysEnded {
				t.Fatalf("seed %d: %s, %d ended, want %s, %d", seed, summary(r, zone), ended, summary(always, zone), alwaysEnded)
			}
		}
	}
}
