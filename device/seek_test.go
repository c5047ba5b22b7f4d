package device

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/device/clock"
	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/state"
)

// stalling is a Fetcher whose stores answer nothing.
type stalling struct{ Fetcher }

func (stalling) Get(ctx context.Context, _ bundle.CID, _ int) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// seeker is an engine that knows of one batch, as far as seeking needs one.
func seeker(t *testing.T) (*Engine, state.BatchFact) {
	t.Helper()
	a := anchor.Anchor{Registry: state.Registry{ChainID: 1, Contract: state.Address{1}}, Org: state.Word{1}}
	path := filepath.Join(t.TempDir(), "journal")
	if err := journal.Create(path, a); err != nil {
		t.Fatal(err)
	}
	j, err := journal.Open(path, a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	began := time.Now()
	e := &Engine{
		c:     Config{Anchor: a, Journal: j, Fetcher: stalling{}, Log: slog.New(slog.DiscardHandler), Clock: clock.Clock{Wall: time.Now, Boot: func() time.Duration { return time.Since(began) }, BootID: "first"}},
		found: make(chan found, 1), tried: map[state.Word]bool{},
	}
	e.replica = replica{scopes: state.Scopes{Org: a.Org}, confirmed: state.NewFacts(), overlay: state.NewFacts(), sticky: state.NewFacts()}
	e.replica.confirmed.Apply(e.replica.scopes, a.Org, &state.Entry{
		Action: state.ActionPut, Kind: state.KindBatch, Seq: 1, Block: 7, Time: 1, Subject: state.Word{2}, Until: state.Never, Data: state.MarshalBatch(state.Word{3}),
	}, bundle.NewRing(a))
	s := e.replica.state(e.head)
	e.view.Store(&View{State: s})
	for b := range s.Batches(uint64(time.Now().Unix())) {
		return e, *b
	}
	t.Fatal("no batch is live")
	return nil, state.BatchFact{}
}

// A search that stores have held up to its end is heard of, each time: one that is
// not would be the last, and a device that waits for a zone's key waits for ever.
func TestSearchThatIsHeldUp(t *testing.T) {
	t.Parallel()
	e, batch := seeker(t)
	for i := range 40 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		e.seekAt = 0
		e.seek(ctx)
		select {
		case f := <-e.found:
			if f.err == nil || f.batch.Subject != batch.Subject {
				t.Fatalf("found %+v", f)
			}
			e.take(f)
		case <-time.After(10 * time.Second):
			t.Fatalf("search %d was never heard of", i)
		}
		cancel()
		if e.seeking || e.seekFails != i+1 {
			t.Fatalf("after search %d: seeking %v, %d failed", i, e.seeking, e.seekFails)
		}
	}
}

// What a search brings is taken while its batch is in the log, where it stood:
// not after a reorganisation or reset-trust has taken it away meanwhile.
func TestAttackBatchThatIsGone(t *testing.T) {
	t.Parallel()
	e, batch := seeker(t)
	for name, change := range map[string]func(*state.BatchFact){
		"another subject": func(b *state.BatchFact) { b.Subject[0]++ },
		"another root":    func(b *state.BatchFact) { b.Root[0]++ },
		"another block":   func(b *state.BatchFact) { b.Block++ },
		"another place":   func(b *state.BatchFact) { b.Seq++ },
		"another scope":   func(b *state.BatchFact) { b.Scope[0]++ },
	} {
		gone := batch
		change(&gone)
		e.seeking = true
		// An empty batch: nothing in it that could be refused.
		if e.take(found{batch: gone}); e.seeking || len(e.tried) != 0 {
			t.Errorf("%s: seeking %v, tried %v", name, e.seeking, e.tried)
		}
	}
	e.seeking = true
	if e.take(found{batch: batch}); e.seeking || !e.tried[batch.Subject] {
		t.Errorf("the twin: seeking %v, tried %v", e.seeking, e.tried)
	}
}
