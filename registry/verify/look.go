package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"dpki/registry"
	"dpki/state"
)

// look is the tip: one that enough endpoints prove, and that enough witnesses
// have signed. Endpoints that witnesses contradict are not asked again.
func (t *tick) look(ctx context.Context, slots []state.Word) (View, error) {
	for {
		view, err := t.agreed(ctx, slots)
		if err != nil {
			return View{}, err
		}
		believed, err := t.witnessed(ctx, view, slots)
		if err == nil || !errors.Is(err, ErrForked) || ctx.Err() != nil {
			return believed, err
		}
		t.blame(view.From, err)
	}
}

// agreed asks endpoints for the tip until the policy accepts.
func (t *tick) agreed(ctx context.Context, slots []state.Word) (View, error) {
	var waiting []Endpoint
	for _, e := range t.endpoints {
		if t.usable(e) {
			waiting = append(waiting, e)
		}
	}
	var seen []Observation
	for {
		n := max(1, t.config.Policy.AtLeast()-len(seen))
		if len(waiting) == 0 || ctx.Err() != nil {
			break
		}
		n = min(n, len(waiting))
		seen = append(seen, t.observeAll(ctx, waiting[:n], slots)...)
		waiting = waiting[n:]
		view, err := t.config.Policy.Accept(seen)
		if err == nil {
			return view, nil
		}
	}
	_, err := t.config.Policy.Accept(seen)
	return View{}, errors.Join(err, ctx.Err())
}

// observeAll asks some endpoints at once. Those that fail are blamed and left
// out.
func (t *tick) observeAll(ctx context.Context, endpoints []Endpoint, slots []state.Word) []Observation {
	observations, errs := make([]Observation, len(endpoints)), make([]error, len(endpoints))
	var all sync.WaitGroup
	for i, e := range endpoints {
		all.Go(func() { observations[i], errs[i] = t.observe(ctx, e, slots) })
	}
	all.Wait()
	var good []Observation
	for i, err := range errs {
		if err == nil {
			good = append(good, observations[i])
			continue
		}
		t.blame([]string{endpoints[i].Name}, err)
		t.tries[endpoints[i].Name] = maxTries
	}
	return good
}

// observe asks one endpoint. A block that arrives between header and proof
// makes them differ, so that a failed proof is asked for again, twice.
func (t *tick) observe(ctx context.Context, e Endpoint, slots []state.Word) (Observation, error) {
	const attempts = 3
	var err error
	for range attempts {
		var o Observation
		if o, err = t.observeOnce(ctx, e, slots); err == nil || !errors.Is(err, ErrProof) {
			return o, err
		}
	}
	return Observation{}, err
}

func (t *tick) observeOnce(ctx context.Context, e Endpoint, slots []state.Word) (Observation, error) {
	reply, err := e.Source.Head(ctx, registry.HeadQuery{Contract: t.config.Registry.Contract, Slots: slots})
	if err != nil {
		return Observation{}, sourceError(err)
	}
	if err := checkChainID(reply.ChainID, t.config.Registry.ChainID); err != nil {
		return Observation{}, err
	}
	o := Observation{Endpoint: e.Name, Voice: e.voice()}
	if o.Latest, err = ParseHeader(reply.Latest); err != nil {
		return Observation{}, err
	}
	if o.Latest.Number < t.known.Head.Number {
		return Observation{}, fmt.Errorf("%w: it is at block %d, block %d was verified", ErrLagging, o.Latest.Number, t.known.Head.Number)
	}
	if o.Safe, err = optionalNumber(reply.Safe); err != nil {
		return Observation{}, err
	}
	if o.Finalized, err = optionalNumber(reply.Finalized); err != nil {
		return Observation{}, err
	}
	o.Words, err = CheckProof(reply.Proof, o.Latest, t.config.Registry.Contract, t.config.CodeHash, slots)
	return o, err
}

func checkChainID(raw []byte, want uint64) error {
	var s string
	if len(raw) > registry.MaxChainID || json.Unmarshal(raw, &s) != nil {
		return fmt.Errorf("%w: its chain id is no number", ErrChain)
	}
	if got, err := decodeQuantity(s); err != nil || got != want {
		return fmt.Errorf("%w: chain id %.20q, want %d", ErrChain, s, want)
	}
	return nil
}

// optionalNumber is the number of a header that an endpoint may not have: a
// young chain has no finalized block, some chains never have one.
func optionalNumber(raw []byte) (uint64, error) {
	if isNull(raw) {
		return 0, nil
	}
	h, err := ParseHeader(raw)
	return h.Number, err
}

// sourceError wraps a failure to ask. A limit that the answer passed is the
// endpoint's doing: no honest answer does.
func sourceError(err error) error { return fmt.Errorf("%w: %w", ErrSource, err) }
