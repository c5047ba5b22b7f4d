package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

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

// confirmWithin is by how many blocks a tip that is confirmed may be behind the one
// of who confirms it, as honest endpoints are. He proves his own words otherwise:
// one endpoint that shows an old block, however true, would withhold what was
// written since, whatever the others have.
const confirmWithin = 3

// confirm asks one endpoint for headers alone, a third of the bytes, while
// another proves the words. Whoever has the block that was proved has its state
// too, since the header's hash says so: it would prove the same words. An
// endpoint that has another block there, or none, proves its own.
func (t *tick) confirm(ctx context.Context, e Endpoint, slots []state.Word, proved func() []Observation) (Observation, error) {
	o, _, err := t.headers(ctx, e, registry.HeadQuery{})
	tip := o.Latest.Number
	for _, p := range proved() {
		if tip > p.Latest.Number+confirmWithin {
			continue
		}
		if err == nil && o.Latest.Hash != p.Latest.Hash && o.Latest.Number != p.Latest.Number {
			// A block apart, as honest endpoints often are.
			o, _, err = t.headers(ctx, e, registry.HeadQuery{At: p.Latest.Number})
		}
		if err == nil && o.Latest.Hash == p.Latest.Hash {
			o.Words = p.Words
			return o, nil
		}
	}
	return t.observe(ctx, e, slots)
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
	o, proof, err := t.headers(ctx, e, registry.HeadQuery{Contract: t.config.Registry.Contract, Slots: slots})
	if err != nil {
		return o, err
	}
	o.Words, err = CheckProof(proof, o.Latest, t.config.Registry.Contract, t.config.CodeHash, slots)
	return o, err
}

// headers is an observation without words, and the proof as it came.
func (t *tick) headers(ctx context.Context, e Endpoint, q registry.HeadQuery) (o Observation, proof []byte, err error) {
	q.TipOnly = t.spared
	reply, err := e.Source.Head(ctx, q)
	if err != nil {
		return Observation{}, nil, sourceError(err)
	}
	if err := CheckChainID(reply.ChainID, t.config.Registry.ChainID); err != nil {
		return Observation{}, nil, err
	}
	o = Observation{Endpoint: e.Name, Voice: e.voice()}
	if o.Latest, err = ParseHeader(reply.Latest); err != nil {
		return Observation{}, nil, err
	}
	if o.Latest.Number < t.known.Head.Number {
		return Observation{}, nil, fmt.Errorf("%w: it is at block %d, block %d was verified", ErrLagging, o.Latest.Number, t.known.Head.Number)
	}
	if next := (Head{Number: o.Latest.Number, Hash: o.Latest.Hash, Time: o.Latest.Time}); t.config.Leaps != nil && t.config.Leaps(t.known.Head, next) {
		return Observation{}, nil, fmt.Errorf("%w: block %d of %d, after block %d of %d", ErrLeap, next.Number, next.Time, t.known.Head.Number, t.known.Head.Time)
	}
	if o.Safe, err = optionalNumber(reply.Safe); err != nil {
		return Observation{}, nil, err
	}
	if o.Finalized, err = optionalNumber(reply.Finalized); err != nil {
		return Observation{}, nil, err
	}
	return o, reply.Proof, nil
}

// CheckChainID reports whether the answer to eth_chainId is the chain that is
// wanted; its error wraps registry.ErrChain.
func CheckChainID(raw []byte, want uint64) error {
	var s string
	if len(raw) > registry.MaxChainID || json.Unmarshal(raw, &s) != nil {
		return fmt.Errorf("%w: its chain id is no number", registry.ErrChain)
	}
	if got, err := decodeQuantity(s); err != nil || got != want {
		return fmt.Errorf("%w: chain id %.20q, want %d", registry.ErrChain, s, want)
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
