package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"dpki/state"
)

// patience is how long an endpoint may take before another is asked beside it.
// What it says later counts too, as long as it is waited for.
const patience = 600 * time.Millisecond

var errSlow = fmt.Errorf("%w within %v, while others answered", ErrSource, patience)

// agreed asks endpoints for the tip until the policy accepts: as many at once as
// must agree, and one more for each that fails or takes long, so that one that
// stalls holds nobody up.
func (t *tick) agreed(ctx context.Context, slots []state.Word) (View, error) {
	parent := ctx
	ctx, cancel := context.WithCancel(parent)
	a := &asking{tick: t, slots: slots, waited: make(chan struct{}), answers: make(chan said), before: map[string]int{}}
	defer a.all.Wait()
	defer cancel() // who is still asked is not waited for
	for _, e := range t.endpoints {
		if t.usable(e) {
			a.waiting = append(a.waiting, e)
		}
	}
	a.ask(ctx, t.config.Policy.AtLeast())
	slow := time.NewTicker(patience)
	defer slow.Stop()
	var seen []said
	for len(a.pending) > 0 {
		select {
		case s := <-a.answers:
			a.pending = slices.DeleteFunc(a.pending, func(e Endpoint) bool { return e.Name == s.Endpoint })
			if s.err != nil {
				a.failed(s)
				a.ask(ctx, 1)
				continue
			}
			a.heard(s)
			seen = append(seen, s)
			if view, err := t.config.Policy.Accept(inOrder(seen)); err == nil {
				a.passOver()
				return view, nil
			}
			if len(a.pending) == 0 {
				a.ask(ctx, 1)
			}
		case <-ctx.Done():
			for _, e := range a.pending {
				a.failed(said{Observation: Observation{Endpoint: e.Name}, by: e, err: sourceError(ctx.Err())})
			}
			a.pending = nil
		case <-slow.C:
			a.proofIsLate()
			a.late = slices.Clone(a.pending)
			if len(a.waiting) == 0 { // while there is nothing to do but wait
				a.waiting, a.again = a.again, nil
			}
			a.ask(ctx, 1)
		}
	}
	_, err := t.config.Policy.Accept(inOrder(seen))
	return View{}, errors.Join(err, parent.Err())
}

// passOver notes who was too slow to be heard.
func (a *asking) passOver() {
	for _, e := range a.pending {
		if slices.ContainsFunc(a.late, func(l Endpoint) bool { return l.Name == e.Name }) {
			a.alarms = append(a.alarms, &EndpointError{Endpoint: e.Name, Err: errSlow})
		}
	}
}

// failed names an endpoint that is not believed. One that only could not be asked
// may be asked again while others are waited for.
func (a *asking) failed(s said) {
	err := &EndpointError{Endpoint: s.Endpoint, Err: s.err}
	before, again := a.before[s.Endpoint]
	if !again {
		before = a.tries[s.Endpoint]
		a.alarms = append(a.alarms, err)
	}
	a.before[s.Endpoint], a.tries[s.Endpoint] = before, maxTries
	if !err.Lied() {
		a.again = append(a.again, s.by)
	}
}

// heard lets one be asked for entries too that could not be asked at first.
func (a *asking) heard(s said) {
	if before, failed := a.before[s.Endpoint]; failed {
		a.tries[s.Endpoint] = before
	}
}

// inOrder is what was said, in the order of the endpoints' preference.
func inOrder(seen []said) []Observation {
	slices.SortStableFunc(seen, func(a, b said) int { return cmp.Compare(a.rank, b.rank) })
	all := make([]Observation, len(seen))
	for i, s := range seen {
		all[i] = s.Observation
	}
	return all
}

// asking is one search for agreement. The first endpoint proves the words; the
// others say whether they have the block that was proved.
type asking struct {
	*tick
	slots   []state.Word
	waiting []Endpoint     // not asked yet
	pending []Endpoint     // asked
	late    []Endpoint     // pending for longer than patience
	again   []Endpoint     // asked, and could not be
	before  map[string]int // tries of those that failed, before
	asked   int
	answers chan said
	all     sync.WaitGroup

	once   sync.Once
	waited chan struct{} // closed when nobody waits for the first proof any more
	mu     sync.Mutex
	proved []Observation
}

// said is what came of asking one endpoint.
type said struct {
	Observation
	by   Endpoint
	rank int // of its preference
	err  error
}

// ask asks n more endpoints.
func (a *asking) ask(ctx context.Context, n int) {
	for ; n > 0 && len(a.waiting) > 0 && ctx.Err() == nil; n-- {
		e, rank := a.waiting[0], a.asked
		a.waiting, a.pending, a.asked = a.waiting[1:], append(a.pending, a.waiting[0]), a.asked+1
		a.all.Go(func() {
			s := said{by: e, rank: rank}
			if rank == 0 {
				s.Observation, s.err = a.observe(ctx, e, a.slots)
			} else {
				s.Observation, s.err = a.confirm(ctx, e, a.slots, a.proofs)
			}
			s.Endpoint = e.Name
			if s.err == nil {
				a.mu.Lock()
				a.proved = append(a.proved, s.Observation)
				a.mu.Unlock()
			}
			if rank == 0 {
				a.proofIsLate()
			}
			select {
			case a.answers <- s:
			case <-ctx.Done():
			}
		})
	}
}

// proofs are what was proved so far, once the first endpoint has proved it, or
// has failed, or is late.
func (a *asking) proofs() []Observation {
	<-a.waited
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.proved)
}

// proofIsLate ends the wait for the first proof, come or not.
func (a *asking) proofIsLate() { a.once.Do(func() { close(a.waited) }) }
