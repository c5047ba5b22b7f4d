package verify

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"dpki/registry"
	"dpki/state"
)

const day = 24 * 3600

// oldChain has a zone's log that is older than anything lasts: `old` entries at
// its start, `size` a block, `recent` ones 500 days later.
func oldChain(t *testing.T, old, recent, size int) *fakeChain {
	f := newFake(t)
	at := f.blocks[f.head()].time
	for range old / size {
		at += day / 2
		block := make([]ScopedEntry, size)
		for i := range block {
			block[i] = put(zone, state.KindGrant)
		}
		f.mineAt(at, block...)
	}
	at += 500 * day
	f.mineAt(at)
	for range recent {
		at += 60
		f.mineAt(at, put(zone, state.KindGrant))
	}
	return f
}

func TestJoinsAtACheckpoint(t *testing.T) {
	for _, row := range []struct{ old, recent, base int }{
		{64, 3, 0},            // shorter than one checkpoint
		{1024, 3, 0},          // entry 1,025 is recent: what is before it may still be in force
		{1088, 3, 1024},       // entry 1,025 is old
		{2048, 3, 1024},       // 2,049 is recent, 1,025 is old
		{2048 + 64, 3, 2048},  // 2,049 is old
		{2048 + 64, 0, 2048},  // nothing recent
		{3072, 1100, 2048},    // a checkpoint within the recent ones does not count
		{1088, 1, 1024},       // one recent entry
		{4096 + 128, 2, 4096}, // several
	} {
		t.Run(fmt.Sprintf("%d and %d", row.old, row.recent), func(t *testing.T) {
			f := oldChain(t, row.old, row.recent, 64)
			f.mineAt(f.blocks[f.head()].time + 60)
			f.final = f.head()
			r := f.reader([]state.Word{f.org, zone, mailbox}, f)
			res := tickOK(t, r)
			l := r.Known().Scopes[zone]
			if got := int(l.Base.Seq); got != row.base {
				t.Errorf("began at %d, want %d", got, row.base)
			}
			if got, want := l.Confirmed.H, f.tip(zone).H; got != want {
				t.Errorf("ends at %s, want %s", got, want)
			}
			for _, c := range res.Changes {
				if c.Scope == zone && len(c.Confirmed) != row.old/64*64+row.recent-row.base {
					t.Errorf("%d entries, want those after %d", len(c.Confirmed), row.base)
				}
			}
			if len(res.Alarms) != 0 {
				t.Errorf("alarms %v", res.Alarms)
			}
			// And it goes on as any other.
			f.mine(put(zone, state.KindGrant))
			if res := tickOK(t, r); len(res.Changes) != 1 || len(res.Changes[0].Added) != 1 {
				t.Errorf("afterwards: %+v", res.Changes)
			}
		})
	}
}

// A C word in the middle of a block's entries.
func TestJoinsWithinABlock(t *testing.T) {
	for _, final := range []bool{true, false} {
		f := oldChain(t, 2_200, 2, 100)
		r := f.reader([]state.Word{zone}, f)
		if final {
			f.final = f.head()
		}
		for range 2 {
			tickOK(t, r)
			f.mine(put(zone, state.KindGrant))
		}
		l := r.Known().Scopes[zone]
		if got := int(l.Confirmed.Seq) + len(l.Overlay); l.Base.Seq != 2048 || got != 2203 {
			t.Errorf("final %v: from %d to %d, want 2048 to 2203", final, l.Base.Seq, got)
		}
	}
}

// The organisation's own entries may last for ever: they are all read.
func TestJoinReadsTheWholeOrganisation(t *testing.T) {
	f := newFake(t)
	block := make([]ScopedEntry, 1100)
	for i := range block {
		block[i] = put(f.org, state.KindZone)
	}
	f.mine(block...)
	f.mineAt(f.blocks[f.head()].time+500*day, put(f.org, state.KindZone))
	r := f.reader([]state.Word{f.org}, f)
	tickOK(t, r)
	if l := r.Known().Scopes[f.org]; l.Base.Seq != 0 || len(l.Overlay) != 1101 {
		t.Errorf("began at %d with %d entries, want all", l.Base.Seq, len(l.Overlay))
	}
}

// Hints that are wrong cost time and change nothing: headers whose times lie
// would have the reader skip entries that are still in force.
func TestJoinWithLyingHeaders(t *testing.T) {
	f := newFake(t)
	at := f.blocks[f.head()].time
	for range 40 {
		at += day // the last 400 days hold entries that count
		block := make([]ScopedEntry, 64)
		for i := range block {
			block[i] = put(zone, state.KindGrant)
		}
		f.mineAt(at, block...)
	}
	f.mineAt(at + 380*day)
	liar := lyingHeaders{f}
	r := f.reader([]state.Word{zone}, liar)
	tickOK(t, r)
	l := r.Known().Scopes[zone]
	first := l.Overlay[0]
	if l.Base.Seq != 0 && first.Time+state.MaxValidity > f.blocks[f.head()].time {
		t.Errorf("began at %d, whose next entry is of %d: too young", l.Base.Seq, first.Time)
	}
	if l.tip == nil || l.tip.H != f.tip(zone).H {
		t.Error("ends at another hash")
	}
}

// lyingHeaders says of every block that it is 300 days older than it is.
type lyingHeaders struct{ *fakeChain }

func (l lyingHeaders) Headers(_ context.Context, numbers []uint64) ([][]byte, error) {
	var all [][]byte
	for _, n := range numbers {
		h := l.header(n)
		h.Time -= 300 * day
		all = append(all, l.json(h))
	}
	return all, nil
}

// Endpoints that cap ranges, down to five blocks a question, are read all the
// same, going back entry by entry where ranges would take too many questions.
func TestCappedRanges(t *testing.T) {
	for _, limit := range []uint64{1, 5, 100, 5_000} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			f := newFake(t)
			for i := range 2_000 {
				if i%400 == 7 {
					f.mine(put(zone, state.KindGrant), put(zone, state.KindGrant))
				} else {
					f.mine()
				}
			}
			f.tamper.logs = func(q registry.LogQuery, e []ScopedEntry) ([]ScopedEntry, error) {
				if q.To-q.From+1 > limit {
					return nil, &registry.Failure{Fault: registry.TooWide}
				}
				return e, nil
			}
			r := f.reader([]state.Word{zone}, f)
			res := tickOK(t, r)
			if got, want := summary(r, zone), "confirmed 0 overlay 10 sticky 0"; got != want || len(res.Alarms) != 0 {
				t.Errorf("got %s, %v, want %s", got, res.Alarms, want)
			}
			if f.calls.logs > 100 {
				t.Errorf("%d questions", f.calls.logs)
			}
			// What such an endpoint leaves out is noticed as ever.
			f.mine(put(zone, state.KindGrant))
			honest := f.tamper.logs
			f.tamper.logs = func(q registry.LogQuery, e []ScopedEntry) ([]ScopedEntry, error) {
				e, err := honest(q, e)
				if n := len(e); n > 0 {
					e = e[:n-1]
				}
				return e, err
			}
			if _, err := r.Tick(t.Context()); !errors.Is(err, ErrLogs) {
				t.Errorf("an entry omitted: %v, want ErrLogs", err)
			}
		})
	}
}

// A long log comes in pieces of a bounded size.
func TestLongLogInPieces(t *testing.T) {
	f := newFake(t)
	for range 60 {
		block := make([]ScopedEntry, 100)
		for i := range block {
			block[i] = put(zone, state.KindGrant)
		}
		f.mine(block...)
	}
	largest := 0
	f.tamper.raw = func(b []byte) []byte { largest = max(largest, len(b)); return b }
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)
	if got, want := summary(r, zone), "confirmed 0 overlay 6000 sticky 0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if f.calls.logs < 3 {
		t.Errorf("%d questions for %d bytes and more", f.calls.logs, largest)
	}
}
