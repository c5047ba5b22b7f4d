package verify

import (
	"context"
	"errors"
	"slices"
	"testing"

	"dpki/registry"
	"dpki/state"
)

func healthOf(t *testing.T, r *Reader, name string) Health {
	t.Helper()
	for _, h := range r.Health() {
		if h.Name == name {
			return h
		}
	}
	t.Fatalf("no %s in %+v", name, r.Health())
	return Health{}
}

// Who lied is named, and asked after all others from then on; the longer, the
// oftener. It is still asked where the others are too few.
func TestALiarIsAvoided(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	liar := f.clone()
	liar.tamper.head = func(r *registry.HeadReply) { r.Proof = []byte("{}") }
	r := f.readerWith(f.config(), []state.Word{zone}, liar, f)
	tickOK(t, r)
	if h := healthOf(t, r, "a"); h.Lies != 1 || h.Looks != 0 || !errors.Is(h.Last, ErrProof) {
		t.Errorf("%+v", h)
	}
	if h := healthOf(t, r, "b"); h.Lies != 0 || h.Looks != 1 || h.Last != nil {
		t.Errorf("%+v", h)
	}
	asked := liar.calls.head
	for range avoidLiar - 1 {
		if res := tickOK(t, r); len(res.Alarms) != 0 {
			t.Fatalf("alarms %v", res.Alarms)
		}
	}
	if liar.calls.head != asked {
		t.Errorf("asked %d times while it is avoided", liar.calls.head-asked)
	}
	tickOK(t, r)
	if healthOf(t, r, "a").Lies != 2 || r.records["a"].avoid != 2*avoidLiar {
		t.Errorf("asked again: %+v", r.records["a"])
	}
	// The other one is gone: the liar is asked, and is what it is.
	f.tamper.head = func(r *registry.HeadReply) { r.ChainID = nil }
	if _, err := r.Tick(t.Context()); !errors.Is(err, ErrProof) || !errors.Is(err, registry.ErrChain) {
		t.Errorf("got %v", err)
	}
	// Honest again, it counts at once and is the first again.
	liar.tamper.head = nil
	tickOK(t, r)
	if h := healthOf(t, r, "a"); h.Looks != 1 || h.Last != nil || r.records["a"].avoid != 0 {
		t.Errorf("honest again: %+v", h)
	}
}

// One that does not answer is no liar, and soon tried again.
func TestOneThatDoesNotAnswer(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	gone := &silent{fakeChain: f.clone(), silent: true}
	r := f.readerWith(f.config(), []state.Word{zone}, gone, f)
	res := tickOK(t, r)
	if h := healthOf(t, r, "a"); h.Missed != 1 || h.Lies != 0 || !errors.Is(h.Last, ErrSource) || !slices.Equal(res.From, []string{"b"}) {
		t.Errorf("%+v, from %v", h, res.From)
	}
	gone.silent = false
	for range avoidLate {
		res = tickOK(t, r)
	}
	if h := healthOf(t, r, "a"); h.Looks != 1 || h.Last != nil || !slices.Equal(res.From, []string{"a"}) {
		t.Errorf("back: %+v, from %v", h, res.From)
	}
}

// Health stands in the order of the configuration, witnesses last.
func TestHealthOfWitnesses(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	good, gone := newWitness(f, 1), newWitness(f, 2)
	good.look()
	r := f.readerWith(witnessedBy(f, 1, gone, good), []state.Word{zone}, f, f.clone())
	tickOK(t, r)
	var names []string
	for _, h := range r.Health() {
		names = append(names, h.Name)
	}
	if want := []string{"a", "b", "witness 1", "witness 2"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	if h := healthOf(t, r, "witness 2"); h.Looks != 1 || h.Last != nil {
		t.Errorf("%+v", h)
	}
	// It is asked last for a while, and not at all where the other one does.
	asked := gone.asked
	tickOK(t, r)
	if gone.asked != asked || good.asked != 2 {
		t.Errorf("asked %d and %d times", gone.asked, good.asked)
	}
	if h := healthOf(t, r, "witness 1"); h.Looks != 0 || h.Missed != 1 || !errors.Is(h.Last, ErrSource) {
		t.Errorf("%+v", h)
	}
}

// silent is an endpoint that may be gone.
type silent struct {
	*fakeChain
	silent bool
}

func (s *silent) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	if s.silent {
		return registry.HeadReply{}, &registry.Failure{Fault: registry.Unavailable}
	}
	return s.fakeChain.Head(ctx, q)
}
