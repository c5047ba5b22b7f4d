package verify

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"dpki/registry"
	"dpki/registry/witness"
	"dpki/state"
)

// fakeWitness signs what a chain shows it, when it is told to.
type fakeWitness struct {
	f       *fakeChain // its node
	private ed25519.PrivateKey
	newest  []byte // what places serve; nil = nothing
	asked   int
	// sign, where set, alters what is signed.
	sign func(*witness.Checkpoint)
}

func newWitness(f *fakeChain, n byte) *fakeWitness {
	return &fakeWitness{f: f, private: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))}
}

// look signs the tip of its node.
func (w *fakeWitness) look() {
	f := w.f
	c := &witness.Checkpoint{ChainID: f.registry.ChainID, Number: f.head(), Time: f.blocks[f.head()].time, Safe: f.safe, Finalized: f.final}
	for n := f.head(); len(c.Hashes) < witness.MaxHashes; n-- {
		c.Hashes = append(c.Hashes, state.Word(f.header(n).Hash()))
		if n == 0 {
			break
		}
	}
	if w.sign != nil {
		w.sign(c)
	}
	var err error
	if w.newest, err = c.Sign(w.private); err != nil {
		f.t.Fatal(err)
	}
}

func (w *fakeWitness) Checkpoint(context.Context, witness.Key) ([]byte, error) {
	w.asked++
	if w.newest == nil {
		return nil, &registry.Failure{Fault: registry.Unavailable}
	}
	return w.newest, nil
}

// witnessedBy makes a configuration that asks for k of some witnesses.
func witnessedBy(f *fakeChain, k int, all ...*fakeWitness) Config {
	c := f.config()
	c.Witnesses.Agree = k
	for i, w := range all {
		c.Witnesses.All = append(c.Witnesses.All, Witness{Name: fmt.Sprintf("witness %d", i+1), Key: witness.KeyOf(w.private), Places: []CheckpointSource{w}})
	}
	return c
}

// soon is a context for looks that are not to wait for witnesses.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	t.Cleanup(cancel)
	return ctx
}

// All endpoints serve the same made up chain, every proof in it true: without
// witnesses it is believed, which is the limit of endpoints; with them it is
// refused, and the honest chain is accepted by the same reader.
func TestAllEndpointsCollude(t *testing.T) {
	f := newFake(t)
	grant := put(zone, state.KindGrant)
	f.mine(grant)
	f.mine(revoke(grant))
	forged := f.clone()
	forged.reorg(1, put(zone, state.KindGrantPriv)) // no revocation, and a grant more
	config := f.config()
	config.Policy = Agreement{K: 2}

	believed := f.readerWith(config, []state.Word{zone}, forged, forged.clone())
	tickOK(t, believed)
	if got := believed.Known().Scopes[zone].Overlay[1].Kind; got != state.KindGrantPriv {
		t.Fatalf("without witnesses: %v, want the forged grant", got)
	}

	one, two := newWitness(f, 1), newWitness(f, 2)
	f.mine()
	f.mine()
	one.look()
	two.look()
	config.Witnesses = witnessedBy(f, 2, one, two, newWitness(f, 3)).Witnesses
	colluding := []Source{forged, forged.clone()}
	r := f.readerWith(config, []state.Word{zone}, colluding...)
	res, err := r.Tick(soon(t))
	var named *EndpointError
	if res != nil || !errors.Is(err, ErrForked) || !errors.As(err, &named) || !named.Lied() {
		t.Fatalf("with witnesses: %v, %v, want ErrForked that names the endpoints", res, err)
	}
	if len(r.Known().Scopes) != 0 {
		t.Errorf("known: %+v", r.Known())
	}
	// The twin: the same endpoints, honest.
	*forged = *f.clone()
	*colluding[1].(*fakeChain) = *f.clone()
	if res := tickOK(t, r); len(res.Witnesses) != 2 || len(res.Changes) != 1 || len(res.Changes[0].Added) != 2 {
		t.Errorf("honest again: %+v", res)
	}
}

// A made up chain beyond what witnesses have signed is not believed either:
// nobody has said that it is wrong, and nobody that it is right.
func TestBlocksThatNoWitnessHasSigned(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	w := newWitness(f, 1)
	w.look()
	r := f.readerWith(witnessedBy(f, 1, w), []state.Word{zone}, f)
	tickOK(t, r)
	before := summary(r, zone)
	f.mine(put(zone, state.KindGrantPriv))
	if res, err := r.Tick(soon(t)); res != nil || !errors.Is(err, ErrWitness) {
		t.Fatalf("got %v, %v, want ErrWitness", res, err)
	}
	if got := summary(r, zone); got != before {
		t.Errorf("known %s, want %s", got, before)
	}
	w.look()
	if tickOK(t, r); summary(r, zone) == before {
		t.Error("the twin: signed, and not read")
	}
}

// The witness is a moment behind the endpoints, as it always is: one look waits
// for it.
func TestWitnessAMomentLate(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	w := newWitness(f, 1)
	r := f.readerWith(witnessedBy(f, 1, w), []state.Word{zone}, f)
	late := lateWitness{w, 2}
	r.config.Witnesses.All[0].Places[0] = &late
	tickOK(t, r)
	if late.after != 0 {
		t.Errorf("%d questions short", late.after)
	}
}

// lateWitness has signed nothing until it was asked so many times.
type lateWitness struct {
	*fakeWitness
	after int
}

func (w *lateWitness) Checkpoint(ctx context.Context, key witness.Key) ([]byte, error) {
	if w.after--; w.after == 0 {
		w.look()
	}
	return w.fakeWitness.Checkpoint(ctx, key)
}

// A place that serves checkpoints a minute late never has the tip: what was seen
// then counts when the checkpoint comes, and nothing of what came after it does.
func TestCheckpointsThatComeLate(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	w := newWitness(f, 1)
	w.look()
	r := f.readerWith(witnessedBy(f, 1, w), []state.Word{zone}, f)
	tickOK(t, r)
	f.mine(put(zone, state.KindGrant))
	var signed []byte
	for i := range 5 {
		if _, err := r.Tick(soon(t)); !errors.Is(err, ErrWitness) {
			t.Fatalf("look %d: %v, want ErrWitness", i, err)
		}
		if i == 2 {
			served := w.newest
			w.look()
			signed, w.newest = w.newest, served
		}
		f.mine()
	}
	f.mine(put(zone, state.KindGrantPriv))
	w.newest = signed
	res, err := r.Tick(soon(t))
	if err != nil {
		t.Fatal(err)
	}
	r.Commit(res)
	if got, want := summary(r, zone), "confirmed 0 overlay 2 sticky 0"; got != want || res.Head.Number != 5 {
		t.Errorf("got %s at block %d, want %s at block 5", got, res.Head.Number, want)
	}
	// Served again it is no news, and takes nothing back.
	if _, err := r.Tick(soon(t)); !errors.Is(err, ErrWitness) {
		t.Errorf("yesterday's checkpoint: %v, want ErrWitness", err)
	}
	w.look()
	tickOK(t, r)
	if got, want := summary(r, zone), "confirmed 0 overlay 3 sticky 0"; got != want {
		t.Errorf("at last: %s, want %s", got, want)
	}
}

// Two of three: what one witness does alone neither helps a forged chain nor
// hurts a true one.
func TestOneOfThreeWitnesses(t *testing.T) {
	for name, alter := range map[string]func(w *fakeWitness){
		"silent":           func(w *fakeWitness) { w.newest = nil },
		"garbage":          func(w *fakeWitness) { w.newest = []byte("garbage") },
		"an altered byte":  func(w *fakeWitness) { w.newest = slices.Clone(w.newest); w.newest[40] ^= 1 },
		"another's":        func(w *fakeWitness) { w.private = newWitness(w.f, 9).private; w.look() },
		"another chain's":  func(w *fakeWitness) { w.sign = func(c *witness.Checkpoint) { c.ChainID++ }; w.look() },
		"other blocks":     func(w *fakeWitness) { w.sign = func(c *witness.Checkpoint) { c.Hashes[0][0]++ }; w.look() },
		"a block in front": func(w *fakeWitness) { w.sign = func(c *witness.Checkpoint) { c.Number++ }; w.look() },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			f.mine(put(zone, state.KindGrant))
			one, two, odd := newWitness(f, 1), newWitness(f, 2), newWitness(f, 3)
			config := witnessedBy(f, 2, one, odd, two)
			r := f.readerWith(config, []state.Word{zone}, f)
			for _, w := range []*fakeWitness{one, two, odd} {
				w.look()
			}
			alter(odd)
			if res := tickOK(t, r); !slices.Equal(res.Witnesses, []string{"witness 1", "witness 3"}) {
				t.Errorf("signed by %v", res.Witnesses)
			}
			// And with it alone, there is nothing to believe.
			f.mine()
			one.newest, two.newest = nil, nil
			odd.look()
			if res, err := r.Tick(soon(t)); res != nil || !errors.Is(err, ErrWitness) {
				t.Errorf("by it alone: %v, %v, want ErrWitness", res, err)
			}
		})
	}
}

// The endpoint that witnesses contradict is named, and the other one is asked.
func TestWitnessesAvoidALiar(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	liar := f.clone()
	liar.reorg(1, put(zone, state.KindGrantPriv))
	f.mine()
	w := newWitness(f, 1)
	w.look()
	r := f.readerWith(witnessedBy(f, 1, w), []state.Word{zone}, liar, f)
	res := tickOK(t, r)
	if !slices.Equal(res.From, []string{"b"}) || len(res.Alarms) == 0 || !errors.Is(res.Alarms[0], ErrForked) {
		t.Errorf("from %v, alarms %v", res.From, res.Alarms)
	}
}

// What witnesses say is final bounds what endpoints say: these could otherwise
// call final what the chain takes back, and the device would stand still for
// ever.
func TestWitnessesBoundFinality(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	f.mine()
	f.safe, f.final = 2, 1
	one, two := newWitness(f, 1), newWitness(f, 2)
	one.look()
	f.safe, f.final = 3, 2
	two.look()
	f.safe, f.final = 3, 3 // the endpoint
	for _, row := range []struct {
		agree int
		of    []*fakeWitness
		want  Head
	}{
		{1, []*fakeWitness{two, one}, Head{Safe: 3, Finalized: 2}},
		{1, []*fakeWitness{one, two}, Head{Safe: 2, Finalized: 1}},
		{2, []*fakeWitness{two, one}, Head{Safe: 2, Finalized: 1}},
	} {
		r := f.readerWith(witnessedBy(f, row.agree, row.of...), []state.Word{zone}, f)
		if got := tickOK(t, r).Head; got.Safe != row.want.Safe || got.Finalized != row.want.Finalized {
			t.Errorf("%d of 2: safe %d, final %d, want %d, %d", row.agree, got.Safe, got.Finalized, row.want.Safe, row.want.Finalized)
		}
	}
}

// Places are asked in their order, and no further than needed; a place that
// serves an old checkpoint, or nonsense, hides nothing that another one has.
func TestPlacesOfAWitness(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	old, nonsense, good, last := newWitness(f, 1), newWitness(f, 1), newWitness(f, 1), newWitness(f, 1)
	old.look()
	nonsense.newest = []byte("nonsense")
	f.mine()
	good.look()
	last.look()
	config := witnessedBy(f, 1, old)
	config.Witnesses.All[0].Places = []CheckpointSource{old, nonsense, good, last}
	tickOK(t, f.readerWith(config, []state.Word{zone}, f))
	if old.asked != 1 || nonsense.asked != 1 || good.asked != 1 || last.asked != 0 {
		t.Errorf("asked %d, %d, %d, %d times", old.asked, nonsense.asked, good.asked, last.asked)
	}
	config.Witnesses.All[0].Places = nil
	if _, err := f.readerWith(config, []state.Word{zone}, f).Tick(soon(t)); !errors.Is(err, ErrWitness) || !errors.Is(err, ErrSource) {
		t.Errorf("no place: %v", err)
	}
}

// A device that joins at a C word believes that word as little without witnesses.
func TestJoinWithWitnesses(t *testing.T) {
	f := newFake(t)
	f.blocks = f.blocks[:1]
	f.mineAt(fakeStart+1, manyPuts(2*state.CheckpointInterval)...)
	f.mineAt(fakeStart+2+state.MaxValidity, put(zone, state.KindGrant))
	f.mine(put(zone, state.KindGrant))
	w := newWitness(f, 1)
	w.look()
	r := f.readerWith(witnessedBy(f, 1, w), []state.Word{zone}, f)
	tickOK(t, r)
	if got := r.Known().Scopes[zone].Base.Seq; got != state.CheckpointInterval {
		t.Errorf("joined at %d, want %d", got, state.CheckpointInterval)
	}
}

func manyPuts(n int) []ScopedEntry {
	all := make([]ScopedEntry, n)
	for i := range all {
		all[i] = put(zone, state.KindGrant)
	}
	return all
}

func TestWitnessConfig(t *testing.T) {
	f := newFake(t)
	one, two := newWitness(f, 1), newWitness(f, 2)
	for name, c := range map[string]Config{
		"more than there are": witnessedBy(f, 2, one),
		"none of one":         witnessedBy(f, 0, one),
		"one twice":           witnessedBy(f, 1, one, one),
		"twin":                witnessedBy(f, 2, one, two),
	} {
		_, err := NewReader(c, []Endpoint{{Name: "a", Source: f}})
		if want := name != "twin"; errors.Is(err, ErrConfig) != want || err != nil != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
