package verify

import (
	"cmp"
	"fmt"
	"slices"

	"dpki/state"
)

// Observation is what one endpoint says about the tip, after its proofs have
// been checked: true if the endpoint's header is.
type Observation struct {
	Endpoint  string
	Latest    Header
	Safe      uint64       // number, 0 = none
	Finalized uint64       // number, 0 = none
	Words     []state.Word // proven storage words, in the question's order
}

// Head is what a policy accepts as the tip.
type Head struct {
	Number    uint64
	Hash      state.Word
	Time      uint64 // Unix seconds
	Safe      uint64 // number, 0 = none
	Finalized uint64 // number, 0 = none
}

// View is an accepted tip with the words that were proven there.
type View struct {
	Head  Head
	Words []state.Word
	From  []string // endpoints that say so
}

// HeadPolicy decides whether observations are enough to believe. Accept is
// called again with one more observation until it returns a nil error; it
// returns ErrAgreement (wrapped) as long as more are needed. Order is the
// reader's order of preference.
type HeadPolicy interface {
	Accept(observations []Observation) (View, error)
}

// Agreement accepts what K endpoints say: the same proven words, at tips that
// may differ by the blocks in which nothing was written. With K = 1 that one
// endpoint is fully trusted. The zero value accepts nothing.
type Agreement struct{ K int }

// Accept implements HeadPolicy. Numbers and times are the highest that K of the
// agreeing endpoints reach, so that K-1 liars move none of them up.
func (a Agreement) Accept(observations []Observation) (View, error) {
	if a.K < 1 {
		return View{}, fmt.Errorf("%w: a policy of %d endpoints accepts nothing", ErrAgreement, a.K)
	}
	best := 0
	for _, o := range observations {
		var same []Observation
		for _, p := range observations {
			if slices.Equal(o.Words, p.Words) {
				same = append(same, p)
			}
		}
		best = max(best, len(same))
		if len(same) >= a.K {
			return a.view(same), nil
		}
	}
	return View{}, fmt.Errorf("%w: %d of %d", ErrAgreement, best, a.K)
}

func (a Agreement) view(same []Observation) View {
	v := View{Words: same[0].Words}
	for _, o := range same {
		v.From = append(v.From, o.Endpoint)
	}
	kth := func(of func(Observation) uint64) uint64 {
		all := make([]uint64, len(same))
		for i, o := range same {
			all[i] = of(o)
		}
		slices.Sort(all)
		return all[len(all)-a.K]
	}
	v.Head.Time = kth(func(o Observation) uint64 { return o.Latest.Time })
	v.Head.Safe = kth(func(o Observation) uint64 { return o.Safe })
	v.Head.Finalized = kth(func(o Observation) uint64 { return o.Finalized })
	slices.SortStableFunc(same, func(x, y Observation) int { return cmp.Compare(y.Latest.Number, x.Latest.Number) })
	latest := same[a.K-1].Latest
	v.Head.Number, v.Head.Hash = latest.Number, latest.Hash
	// An endpoint that calls a block final which it has not reached is wrong
	// about one of the two; the smaller is the safe reading.
	v.Head.Finalized = min(v.Head.Finalized, v.Head.Number)
	v.Head.Safe = min(max(v.Head.Safe, v.Head.Finalized), v.Head.Number)
	return v
}
