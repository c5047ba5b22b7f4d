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
	Voice     string // whose word it is
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
	// Witnesses have signed its block; none where none are configured.
	Witnesses []string
}

func (o Observation) sameVoice(p Observation) bool {
	return cmp.Or(o.Voice, o.Endpoint) == cmp.Or(p.Voice, p.Endpoint)
}

// HeadPolicy decides whether observations are enough to believe.
type HeadPolicy interface {
	// Accept is called again with one more observation until its error is nil.
	// It wraps ErrAgreement as long as more are needed. The observations stand
	// in the order of preference.
	Accept(observations []Observation) (View, error)
	// AtLeast is how many endpoints to ask at once, since Accept needs them.
	AtLeast() int
}

// Agreement accepts what K endpoints say: the same proven words, at tips that
// may differ by the blocks in which nothing was written. With K = 1 that one
// endpoint is fully trusted. The zero value accepts nothing.
type Agreement struct{ K int }

// AtLeast implements HeadPolicy.
func (a Agreement) AtLeast() int { return a.K }

// Accept implements HeadPolicy.
func (a Agreement) Accept(observations []Observation) (View, error) {
	if a.K < 1 {
		return View{}, fmt.Errorf("%w: a policy of %d endpoints accepts nothing", ErrAgreement, a.K)
	}
	best := 0
	for _, o := range observations {
		var same []Observation
		for _, p := range observations {
			if slices.Equal(o.Words, p.Words) && !slices.ContainsFunc(same, p.sameVoice) {
				same = append(same, p)
			}
		}
		if len(same) >= a.K {
			return a.view(same), nil
		}
		best = max(best, len(same))
	}
	return View{}, fmt.Errorf("%w: %d of %d", ErrAgreement, best, a.K)
}

// view takes as number and time the highest that K of the agreeing endpoints
// reach, so that K-1 liars move none of them up.
func (a Agreement) view(same []Observation) View {
	v := View{Words: same[0].Words}
	for _, o := range same {
		v.From = append(v.From, o.Endpoint)
	}
	v.Head.Time = a.highest(same, func(o Observation) uint64 { return o.Latest.Time })
	v.Head.Safe = a.highest(same, func(o Observation) uint64 { return o.Safe })
	v.Head.Finalized = a.highest(same, func(o Observation) uint64 { return o.Finalized })
	slices.SortStableFunc(same, func(x, y Observation) int { return cmp.Compare(y.Latest.Number, x.Latest.Number) })
	v.Head.Number, v.Head.Hash = same[a.K-1].Latest.Number, same[a.K-1].Latest.Hash
	// An endpoint that calls a block final which it has not reached is wrong
	// about one of the two; the smaller is the safe reading.
	v.Head.Finalized = min(v.Head.Finalized, v.Head.Number)
	v.Head.Safe = min(max(v.Head.Safe, v.Head.Finalized), v.Head.Number)
	return v
}

// highest is the highest value that K observations reach.
func (a Agreement) highest(of []Observation, value func(Observation) uint64) uint64 {
	values := make([]uint64, len(of))
	for i, o := range of {
		values[i] = value(o)
	}
	slices.Sort(values)
	return values[len(values)-a.K]
}
