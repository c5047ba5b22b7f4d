package ledger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"dpki/internal/anchor"
	"dpki/registry"
	"dpki/registry/audit"
	"dpki/registry/segment"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/state"
)

// How long a moving chain is tried to be caught in one block, and witnesses are
// waited for.
const (
	proveTries  = 10
	proveWait   = 200 * time.Millisecond
	witnessWait = 15 * time.Second
)

// ErrMoving says that logs or blocks changed faster than they could be proved.
var ErrMoving = errors.New("the chain moved on before it was proved")

// Base is where the reading of a scope's log began: before its first entry, or at
// a C word.
func (l *Ledger) Base(scope state.Word) state.Tip {
	if log, ok := l.reader.Known().Scopes[scope]; ok {
		return log.Base
	}
	return state.Tip{H: l.config.Registry.H0(l.config.Org, scope)}
}

// CodeHash is the hash of the code that the contract must have.
func (l *Ledger) CodeHash() state.Word { return l.config.CodeHash }

// Health is how each endpoint and witness has done.
func (l *Ledger) Health() []verify.Health { return l.reader.Health() }

// Prove writes the logs of these scopes down as somebody else can check them. Its
// newest block is one that as many endpoints have, and as many witnesses have
// signed, as this reader believes.
func (l *Ledger) Prove(ctx context.Context, scopes ...state.Word) (*audit.File, error) {
	scopes = unique(scopes)
	f := &audit.File{Anchor: anchor.Anchor{Registry: l.config.Registry, Org: l.config.Org}}
	var last verify.Header
	for from := 0; from < len(scopes); from += audit.MaxLogs {
		p, raw, h, err := l.prove(ctx, scopes[from:min(from+audit.MaxLogs, len(scopes))])
		if err != nil {
			return nil, err
		}
		if err := l.link(ctx, f, last, h, raw); err != nil {
			return nil, err
		}
		last = h
		p.Header = len(f.Headers) - 1
		f.Proofs = append(f.Proofs, p)
	}
	if err := l.confirm(ctx, last); err != nil {
		return nil, err
	}
	var err error
	f.Checkpoints, err = l.checkpoints(ctx, last)
	return f, err
}

// prove has one endpoint prove logs as they were just read.
func (l *Ledger) prove(ctx context.Context, scopes []state.Word) (p audit.Proof, raw []byte, h verify.Header, err error) {
	for range proveTries {
		if err = l.Read(ctx, scopes...); err != nil {
			return p, nil, h, err
		}
		if p.Logs, err = l.logs(scopes); err != nil {
			return p, nil, h, err
		}
		if p.Nodes, raw, h, err = l.proof(ctx, p.Logs); err == nil {
			return p, raw, h, nil
		}
		select {
		case <-ctx.Done():
			return p, nil, h, ctx.Err()
		case <-time.After(proveWait):
		}
	}
	return p, nil, h, err
}

func (l *Ledger) logs(scopes []state.Word) ([]audit.Log, error) {
	var logs []audit.Log
	for _, scope := range scopes {
		entries := l.Entries(scope)
		log := audit.Log{Scope: scope, Segments: segment.Split(scope, entries)}
		if base := l.Base(scope); len(entries) > 0 && log.Base() != base.Seq {
			return nil, fmt.Errorf("%w: scope %s was read from entry %d", verify.ErrLogs, scope, base.Seq+1)
		}
		logs = append(logs, log)
	}
	return logs, nil
}

// proof asks the endpoints, in their order, for a proof at the tip that these
// logs are all there is.
func (l *Ledger) proof(ctx context.Context, logs []audit.Log) (nodes, raw []byte, h verify.Header, err error) {
	err = fmt.Errorf("%w: no endpoint", verify.ErrSource)
	for _, e := range l.endpoints {
		var reply registry.HeadReply
		if reply, err = e.Source.Head(ctx, registry.HeadQuery{Contract: l.config.Registry.Contract, Slots: audit.Slots(l.config.Org, logs)}); err != nil {
			continue
		}
		if h, err = verify.ParseHeader(reply.Latest); err != nil {
			continue
		}
		if err = audit.CheckLogs(l.config.Registry, l.config.Org, reply.Proof, h, l.config.CodeHash, logs); err != nil {
			err = fmt.Errorf("%w: %w", ErrMoving, err)
			continue
		}
		nodes, err = onlyNodes(reply.Proof)
		return nodes, reply.Latest, h, err
	}
	return nil, nil, h, err
}

// onlyNodes drops from eth_getProof's result what no reader reads.
func onlyNodes(raw []byte) ([]byte, error) {
	type one struct {
		Proof []string `json:"proof"`
	}
	var answer struct {
		AccountProof []string `json:"accountProof"`
		StorageProof []one    `json:"storageProof"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

// link appends the headers from after the last one to h.
func (l *Ledger) link(ctx context.Context, f *audit.File, last, h verify.Header, raw []byte) error {
	if len(f.Headers) > 0 && h.Hash == last.Hash {
		return nil
	}
	if len(f.Headers) > 0 {
		if h.Number <= last.Number || h.Number-last.Number > audit.MaxHeaders {
			return fmt.Errorf("%w: block %d after block %d", ErrMoving, h.Number, last.Number)
		}
		for n := last.Number + 1; n < h.Number; n++ {
			between, err := l.header(ctx, n)
			if err != nil {
				return err
			}
			b, _, err := audit.EncodeHeader(between)
			if err != nil {
				return err
			}
			f.Headers = append(f.Headers, b)
		}
	}
	b, _, err := audit.EncodeHeader(raw)
	f.Headers = append(f.Headers, b)
	return err
}

func (l *Ledger) header(ctx context.Context, number uint64) ([]byte, error) {
	err := fmt.Errorf("%w: no endpoint", verify.ErrSource)
	for _, e := range l.endpoints {
		var raw [][]byte
		if raw, err = e.Source.Headers(ctx, []uint64{number}); err == nil && len(raw) == 1 && len(raw[0]) > 0 {
			return raw[0], nil
		}
	}
	return nil, fmt.Errorf("%w: block %d: %w", verify.ErrSource, number, err)
}

// confirm asks until as many independent endpoints have this block as the policy
// wants.
func (l *Ledger) confirm(ctx context.Context, h verify.Header) error {
	need := 1
	if l.config.Policy != nil {
		need = l.config.Policy.AtLeast()
	}
	voices := map[string]bool{}
	var errs []error
	for range proveTries {
		for _, e := range l.endpoints {
			raw, err := e.Source.Headers(ctx, []uint64{h.Number})
			if err != nil || len(raw) != 1 {
				errs = append(errs, &verify.EndpointError{Endpoint: e.Name, Err: fmt.Errorf("%w: %w", verify.ErrSource, err)})
				continue
			}
			if got, err := verify.ParseHeader(raw[0]); err == nil && got.Hash == h.Hash {
				voice := e.Voice
				if voice == "" {
					voice = e.Name
				}
				voices[voice] = true
			}
		}
		if len(voices) >= need {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(proveWait):
		}
	}
	return errors.Join(append(errs, fmt.Errorf("%w: %d of %d have block %d", verify.ErrAgreement, len(voices), need, h.Number))...)
}

// checkpoints are those of as many witnesses as this reader believes, each with
// the block in it. Without witnesses there are none.
func (l *Ledger) checkpoints(ctx context.Context, h verify.Header) ([][]byte, error) {
	w := l.config.Witnesses
	if w.Agree == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, witnessWait)
	defer cancel()
	found := map[witness.Key][]byte{}
	for {
		for _, one := range w.All {
			if b := signedBlock(ctx, one, l.config.Registry.ChainID, h); b != nil {
				found[one.Key] = b
			}
		}
		if len(found) >= w.Agree {
			var list [][]byte
			for _, one := range w.All {
				if b := found[one.Key]; b != nil {
					list = append(list, b)
				}
			}
			return list, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %d of %d have signed block %d", verify.ErrWitness, len(found), w.Agree, h.Number)
		case <-time.After(proveWait):
		}
	}
}

func signedBlock(ctx context.Context, w verify.Witness, chain uint64, h verify.Header) []byte {
	for _, place := range w.Places {
		raw, err := place.Checkpoint(ctx, w.Key)
		if err != nil {
			continue
		}
		if c, err := witness.Parse(raw, w.Key, chain); err == nil {
			if hash, ok := c.Hash(h.Number); ok && hash == h.Hash {
				return raw
			}
		}
	}
	return nil
}

// Contradicted are the endpoints that show another block in the place of the
// newest that was verified, and what they show. Those that do not answer are not
// among them.
func (l *Ledger) Contradicted(ctx context.Context) map[string]string {
	head, others := l.Head(), map[string]string{}
	for _, e := range l.endpoints {
		raw, err := e.Source.Headers(ctx, []uint64{head.Number})
		if err != nil || len(raw) != 1 {
			continue
		}
		if h, err := verify.ParseHeader(raw[0]); err == nil && h.Number == head.Number && h.Hash != head.Hash {
			others[e.Name] = fmt.Sprintf("shows another block %d than the one that was verified: %s, not %s", head.Number, h.Hash, head.Hash)
		}
	}
	return others
}
