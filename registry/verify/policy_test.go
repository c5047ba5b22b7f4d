package verify

import (
	"errors"
	"slices"
	"testing"

	"dpki/registry"
	"dpki/state"
)

func observation(name string, number uint64, words ...state.Word) Observation {
	return Observation{Endpoint: name, Latest: Header{Number: number, Time: 1000 + number, Hash: state.Word{byte(number)}}, Safe: number - 2, Finalized: number - 5, Words: words}
}

func spoken(voice string, o Observation) Observation {
	o.Voice = voice
	return o
}

func TestAgreement(t *testing.T) {
	a, b := state.Word{1}, state.Word{2}
	liar := observation("liar", 1<<40, a)
	liar.Finalized = 1 << 40
	for _, row := range []struct {
		name   string
		k      int
		of     []Observation
		number uint64 // of the accepted head, 0 = none
		final  uint64
	}{
		{"zero accepts nothing", 0, []Observation{observation("x", 10, a)}, 0, 0},
		{"none", 1, nil, 0, 0},
		{"one of one", 1, []Observation{observation("x", 10, a)}, 10, 5},
		{"one of two asked for", 2, []Observation{observation("x", 10, a)}, 0, 0},
		{"two that agree", 2, []Observation{observation("x", 10, a), observation("y", 12, a)}, 10, 5},
		{"two that differ", 2, []Observation{observation("x", 10, a), observation("y", 10, b)}, 0, 0},
		{"two of three", 2, []Observation{observation("x", 10, a), observation("y", 10, b), observation("z", 11, b)}, 10, 5},
		{"a liar about number and finality moves neither", 2, []Observation{liar, observation("x", 10, a), observation("y", 11, a)}, 11, 6},
		{"one host by two ways", 2, []Observation{spoken("x", observation("http", 10, a)), spoken("x", observation("ws", 12, a))}, 0, 0},
		{"two hosts, one of them by two ways", 2, []Observation{spoken("x", observation("http", 10, a)), spoken("x", observation("ws", 12, a)), spoken("y", observation("other", 11, a))}, 10, 5},
		{"two of two words", 2, []Observation{observation("x", 10, a, b), observation("y", 10, b, a)}, 0, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			v, err := Agreement{K: row.k}.Accept(slices.Clone(row.of))
			if row.number == 0 {
				if !errors.Is(err, ErrAgreement) || v.Words != nil {
					t.Errorf("got %+v, %v, want ErrAgreement", v, err)
				}
				return
			}
			if err != nil || v.Head.Number != row.number || v.Head.Finalized != row.final || v.Head.Time > 1000+row.number {
				t.Errorf("got %+v, %v, want number %d, finalized %d", v.Head, err, row.number, row.final)
			}
		})
	}
}

// An endpoint behind a balancer whose other node has not seen the block yet: it
// lags, and is not called a liar.
func TestLogsLagBehindTheHead(t *testing.T) {
	f := newFake(t)
	f.mine(put(zone, state.KindGrant))
	r := f.reader([]state.Word{zone}, f)
	tickOK(t, r)
	f.mine(put(zone, state.KindGrant))
	f.tamper.logs = func(registry.LogQuery, []ScopedEntry) ([]ScopedEntry, error) {
		return nil, &registry.Failure{Fault: registry.PastHead}
	}
	_, err := r.Tick(t.Context())
	var named *EndpointError
	if !errors.Is(err, ErrLagging) || !errors.As(err, &named) || named.Lied() {
		t.Errorf("got %v, want ErrLagging", err)
	}
	f.tamper.logs = nil
	tickOK(t, r)
}

// Two of three: one liar of any sort changes nothing but the alarms; two that
// say the same lie would be believed, and two that do not are not.
func TestTwoOfThree(t *testing.T) {
	setup := func(t *testing.T) (f, liar *fakeChain, config Config) {
		f = newFake(t)
		f.mine(put(zone, state.KindGrant))
		liar = f.clone()
		f.mine(put(zone, state.KindDeny))
		liar.fork++
		liar.mine() // the denial never happened
		config = f.config()
		config.Policy = Agreement{K: 2}
		return f, liar, config
	}
	f, liar, config := setup(t)
	for name, sources := range map[string][]Source{"first": {liar, f, f.clone()}, "last": {f, f.clone(), liar}, "middle": {f, liar, f.clone()}} {
		t.Run(name, func(t *testing.T) {
			r := f.readerWith(config, []state.Word{zone}, sources...)
			tickOK(t, r)
			if got, want := summary(r, zone), "confirmed 0 overlay 2 sticky 0"; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
	t.Run("no two agree", func(t *testing.T) {
		silent := f.clone()
		silent.tamper.head = func(r *registry.HeadReply) { r.Latest = nil }
		r := f.readerWith(config, []state.Word{zone}, f, liar, silent)
		if res, err := r.Tick(t.Context()); res != nil || !errors.Is(err, ErrAgreement) {
			t.Errorf("got %v, %v, want ErrAgreement", res, err)
		}
		// Twin: the silent one speaks again.
		silent.tamper.head = nil
		tickOK(t, r)
	})
	t.Run("logs may come from any of them", func(t *testing.T) {
		empty := f.clone()
		empty.tamper.logs = func(registry.LogQuery, []ScopedEntry) ([]ScopedEntry, error) { return nil, nil }
		r := f.readerWith(config, []state.Word{zone}, empty, f)
		tickOK(t, r)
	})
}
