package mirror

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"dpki/registry"
	"dpki/state"
)

// gathering is how long a question about the tip waits for others: each device
// asks for words of its own, and one proof holds the words of ten.
const gathering = 15 * time.Millisecond

// rounds joins questions about the tip into one to an upstream.
type rounds struct {
	ask    func(ctx context.Context, slots []state.Word) (registry.HeadReply, error)
	gather time.Duration // 0 = gathering

	mu   sync.Mutex
	open *round
}

type round struct {
	slots []state.Word
	done  chan struct{}
	reply registry.HeadReply
	err   error
}

// head is the tip with proofs of these words, at most registry.MaxSlots.
func (r *rounds) head(ctx context.Context, slots []state.Word) (registry.HeadReply, error) {
	one := r.join(slots)
	select {
	case <-one.done:
	case <-ctx.Done():
		return registry.HeadReply{}, ctx.Err()
	}
	if one.err != nil {
		return registry.HeadReply{}, one.err
	}
	reply := one.reply
	reply.Proof = only(reply.Proof, slots)
	return reply, nil
}

// join finds the round that still gathers and has room, or begins one.
func (r *rounds) join(slots []state.Word) *round {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open != nil {
		all := slices.Clone(r.open.slots)
		for _, s := range slots {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
		if len(all) <= registry.MaxSlots {
			r.open.slots = all
			return r.open
		}
	}
	one := &round{slots: slices.Clone(slots), done: make(chan struct{})}
	r.open = one
	time.AfterFunc(cmp.Or(r.gather, gathering), func() { r.finish(one) })
	return one
}

func (r *rounds) finish(one *round) {
	r.mu.Lock()
	if r.open == one {
		r.open = nil
	}
	slots := one.slots
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), upstreamTime)
	defer cancel()
	one.reply, one.err = r.ask(ctx, slots)
	close(one.done)
}

// only leaves out the proofs of other words. A proof that is not as expected is
// handed on as it is: whoever asked will see what it is worth.
func only(proof []byte, slots []state.Word) []byte {
	var parts map[string]json.RawMessage
	var storage []json.RawMessage
	if json.Unmarshal(proof, &parts) != nil || json.Unmarshal(parts["storageProof"], &storage) != nil {
		return proof
	}
	kept := slices.DeleteFunc(storage, func(raw json.RawMessage) bool {
		var p struct {
			Key string `json:"key"`
		}
		if json.Unmarshal(raw, &p) != nil {
			return false
		}
		word, ok := wordOf(p.Key)
		return ok && !slices.Contains(slots, word)
	})
	var err error
	if parts["storageProof"], err = json.Marshal(kept); err != nil {
		return proof
	}
	b, err := json.Marshal(parts)
	if err != nil {
		return proof
	}
	return b
}

// wordOf reads a key as nodes spell it: 0x and up to 64 digits.
func wordOf(key string) (state.Word, bool) {
	if len(key) < 3 || len(key) > 66 || key[:2] != "0x" {
		return state.Word{}, false
	}
	digits := []byte("0000000000000000000000000000000000000000000000000000000000000000")
	copy(digits[len(digits)-len(key)+2:], key[2:])
	w, err := state.ParseWord(string(digits))
	return w, err == nil
}
