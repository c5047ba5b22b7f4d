package attack

import (
	"slices"
	"strings"
	"testing"

	"dpki/authkeys"
	"dpki/internal/devchain"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness/hostile"
	"dpki/registry"
	"dpki/registry/verify"
	"dpki/state"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// lie is what an endpoint says, and what the device says to that.
type lie struct {
	name    string
	tell    hostile.Lie
	problem string // of the daemon's status
}

// lies are those that one endpoint can tell about one chain. None is believed,
// whoever else is asked.
func lies(s *siege.Site) []lie {
	elsewhere := func(o devchain.Options) hostile.Lie {
		o.MaxDrift = -1
		c := devchain.New(s.T, o)
		c.Mine(int(s.Org.Chain.Number()) + 1000) // never behind
		return hostile.Elsewhere(c.HTTP)
	}
	contract := s.Org.Chain.Contract
	otherCode := map[state.Address]devchain.Account{contract: {Code: []byte{0x60, 0x00, 0x60, 0x00, 0xf3}}}
	header, proof, logs, silent := verify.ErrHeader.Error(), verify.ErrProof.Error(), verify.ErrLogs.Error(), verify.ErrSource.Error()
	return []lie{
		{"forged root", hostile.Header(func(h *types.Header) { h.Root[0] ^= 1 }), proof},
		{"root without its hash", hostile.HeaderMember("stateRoot", common.Hash{1}.Hex()), header},
		{"time without its hash", hostile.HeaderMember("timestamp", "0x7fffffff"), header},
		{"number without its hash", hostile.HeaderMember("number", "0x7fffffff"), header},
		{"no header", hostile.Result("eth_getHeaderByNumber", func([]byte) []byte { return []byte("null") }), header},
		{"account proof", hostile.AccountNode(), proof},
		{"storage proof", hostile.StorageNode(), proof},
		{"storage root", hostile.StorageRoot(common.Hash{1}), proof},
		{"empty storage", hostile.StorageRoot(types.EmptyRootHash), proof},
		{"no storage proofs", hostile.WithoutStorage(), proof},
		{"nested proof", hostile.Result("eth_getProof", func([]byte) []byte {
			return []byte(strings.Repeat("[", 5000) + strings.Repeat("]", 5000))
		}), proof},

		{"an entry omitted", hostile.Logs(func(l []hostile.Log) []hostile.Log { return l[:len(l)-1] }), logs},
		{"all entries omitted", hostile.Logs(func([]hostile.Log) []hostile.Log { return nil }), logs},
		{"entries reordered", hostile.Logs(func(l []hostile.Log) []hostile.Log { slices.Reverse(l); return l }), logs},
		{"entries twice", hostile.Logs(func(l []hostile.Log) []hostile.Log { return append(l, l...) }), logs},
		{"an entry invented", hostile.Logs(func(l []hostile.Log) []hostile.Log {
			return append(l, l[len(l)-1].WithEntry(func(e *state.Entry) { e.Seq, e.PrevBlock, e.Subject[0] = e.Seq+1, e.Block, ^e.Subject[0] }))
		}), logs},
		{"a longer window", entries(func(e *state.Entry) { e.Until++ }), logs},
		{"another author", entries(func(e *state.Entry) { e.Authors = []state.Address{{1}} }), logs},
		{"other data", entries(func(e *state.Entry) { e.Data = append(e.Data, 1) }), logs},
		{"another kind", entries(func(e *state.Entry) { e.Kind = state.KindGrantPriv }), logs},
		{"another contract's entries", hostile.Logs(func(l []hostile.Log) []hostile.Log {
			return append(l, l[0].With("address", state.Address{1}.String()))
		}), logs},
		{"removed entries", hostile.Logs(func(l []hostile.Log) []hostile.Log { l[0] = l[0].With("removed", true); return l }), logs},

		{"another chain", elsewhere(devchain.Options{ChainID: 4242}), registry.ErrChain.Error()},
		{"other code", elsewhere(devchain.Options{NoContract: true, Alloc: otherCode}), registry.ErrCode.Error()},
		{"no code", elsewhere(devchain.Options{NoContract: true}), registry.ErrNoCode.Error()},

		{"nested answer", hostile.Instead(200, []byte(strings.Repeat("[", 1<<20))), silent},
		{"a page", hostile.Instead(200, []byte("<html>all is well</html>")), silent},
		{"no answers", hostile.Instead(200, []byte("[]")), silent},
		{"other answers", hostile.Body(func(b []byte) []byte { return []byte(strings.ReplaceAll(string(b), `"id":`, `"id":7`)) }), silent},
		{"an error", hostile.Instead(500, []byte("oh")), silent},
		{"truncated", hostile.Truncate(), silent},
		{"hung up", hostile.Hangup(), silent},
	}
}

// entries alters every entry that is not older than the lie.
func entries(change func(*state.Entry)) hostile.Lie {
	return hostile.Logs(func(l []hostile.Log) []hostile.Log {
		for i := range l {
			if altered := l[i].WithEntry(change); altered != nil {
				l[i] = altered
			}
		}
		return l
	})
}

// TestOneEndpoint: the only endpoint lies. The device says so, stays where it
// was, and goes on when the lie ends.
func TestOneEndpoint(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1})
	e := s.Endpoints[0]
	for _, l := range lies(s) {
		t.Run(l.name, func(t *testing.T) {
			s := s.In(t)
			s.Current("before")
			before, err := s.Status()
			s.Must(err)
			e.Tell(l.tell)
			a, b := s.Pair()
			st := s.Problem(l.problem)
			if !strings.Contains(st.Problem, "endpoint 1") {
				t.Errorf("the problem does not name the endpoint: %s", st.Problem)
			}
			if e.Count().Altered == 0 {
				t.Error("the lie was not told")
			}
			s.Refuses("not seen", a, authkeys.GrantUnknown)
			s.LetsIn("seen before", s.Alice)
			if st, err = s.Status(); err != nil || st.Block != before.Block {
				t.Errorf("block %d, %v, want %d as before", st.Block, err, before.Block)
			}
			e.Tell(nil)
			s.Until("the twin: the truth", a, true)
			s.LetsIn("the twin: the truth", b)
		})
	}
	run, fetch := s.Processes()
	for name, pid := range map[string]int{"run": run, "fetch": fetch} {
		if peak := s.Memory(pid, "VmHWM"); peak > 5*40<<20 {
			t.Errorf("%s was as large as %d MB", name, peak>>20)
		}
	}
}
