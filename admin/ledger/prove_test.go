package ledger

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"testing"

	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/internal/devchain"
	"dpki/registry"
	"dpki/registry/audit"
	"dpki/registry/segment"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/state"
)

// moving is an endpoint at which a block is mined after each proof, as on a chain
// that does not wait for its readers.
type moving struct {
	verify.Source
	chain *devchain.Chain
}

func (m moving) Head(ctx context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	r, err := m.Source.Head(ctx, q)
	m.chain.Mine(2)
	return r, err
}

// notary is a witness that signs whatever the chain's block of a number is.
type notary struct {
	world *world
	key   ed25519.PrivateKey
	lies  bool
}

func newNotary(w *world, n byte) *notary {
	return &notary{world: w, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))}
}

func (n *notary) Checkpoint(ctx context.Context, _ witness.Key) ([]byte, error) {
	number := n.world.chain.Number()
	c := witness.Checkpoint{ChainID: n.world.config.Registry.ChainID, Number: number, Time: n.world.chain.Time()}
	for i := range min(number, witness.MaxHashes) {
		raw, err := n.world.ends[0].Source.Headers(ctx, []uint64{number - i})
		if err != nil {
			return nil, err
		}
		h, err := verify.ParseHeader(raw[0])
		if err != nil {
			return nil, err
		}
		if n.lies {
			h.Hash[0] ^= 1
		}
		c.Hashes = append(c.Hashes, h.Hash)
	}
	return c.Sign(n.key)
}

func (w *world) denyMany(t *testing.T, n int) {
	t.Helper()
	for n > 0 {
		var changes []contracts.Change
		for range min(n, 200) {
			w.subject++
			changes = append(changes, contracts.Change{Action: state.ActionPut, Kind: state.KindDenyClear, Until: state.Never, Subject: state.Word{0xff, byte(w.subject >> 8), byte(w.subject)}})
		}
		data, err := contracts.PackWrite(w.config.Org, w.admin, []contracts.Group{{Scope: w.config.Org, Changes: changes}})
		if err != nil {
			t.Fatal(err)
		}
		w.send(t, data)
		n -= len(changes)
	}
}

// again is the file after a trip through its form.
func again(t *testing.T, f *audit.File) *audit.File {
	t.Helper()
	b, err := f.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := audit.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if twice, err := parsed.Marshal(); err != nil || !bytes.Equal(b, twice) {
		t.Fatalf("Marshal(Parse(x)) is another file: %v", err)
	}
	return parsed
}

// What a ledger proves, another reader checks with nothing but the block's hash:
// across blocks, with witnesses, from a C word, and with scopes that are empty.
func TestProve(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	w.deny(t)
	w.deny(t)
	hash := state.Word(code.Hash())
	l := w.open(t, "")
	scopes := []state.Word{w.config.Org}
	for i := range 2 * audit.MaxLogs {
		scopes = append(scopes, state.Word{9, byte(i)})
	}

	t.Run("in several blocks", func(t *testing.T) {
		ends := []verify.Endpoint{{Name: "moving", Source: moving{w.ends[0].Source, w.chain}}}
		l, err := Open(w.config, ends, "")
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.Prove(ctx, scopes...)
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Proofs) != 3 || len(f.Headers) < 3 {
			t.Fatalf("%d proofs over %d headers: the test shows nothing about several blocks", len(f.Proofs), len(f.Headers))
		}
		c, err := again(t, f).Check(hash)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := c.Vouched(audit.Trust{Block: c.Newest().Hash}); err != nil || !v.Block {
			t.Errorf("the newest block's hash does not do: %v", err)
		}
		// A block before the last proof covers only some of it.
		if _, err := c.Vouched(audit.Trust{Block: c.Blocks[0].Hash}); !errors.Is(err, audit.ErrOther) {
			t.Errorf("an older block vouches for a newer one: %v", err)
		}
		if got := len(c.Proofs[0].Logs[0].Entries()); got != 3 {
			t.Errorf("%d entries, want 3", got)
		}
		f.Headers[1], f.Headers[2] = f.Headers[2], f.Headers[1]
		if _, err := f.Check(hash); !errors.Is(err, verify.ErrHeader) {
			t.Errorf("blocks out of order: %v", err)
		}
	})

	t.Run("witnesses", func(t *testing.T) {
		config := w.config
		one, two, liar := newNotary(w, 1), newNotary(w, 2), newNotary(w, 3)
		liar.lies = true
		var keys []witness.Key
		for _, n := range []*notary{one, two, liar} {
			keys = append(keys, witness.KeyOf(n.key))
		}
		config.Witnesses = verify.Witnesses{Agree: 2, All: []verify.Witness{
			{Name: "one", Key: keys[0], Places: []verify.CheckpointSource{one}}, {Name: "two", Key: keys[1], Places: []verify.CheckpointSource{two}},
		}}
		l, err := Open(config, w.ends, "")
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.Prove(ctx, w.config.Org)
		if err != nil {
			t.Fatal(err)
		}
		lie, err := liar.Checkpoint(ctx, keys[2])
		if err != nil {
			t.Fatal(err)
		}
		f.Checkpoints = append(f.Checkpoints, lie)
		c, err := again(t, f).Check(hash)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name  string
			trust audit.Trust
			want  error
		}{
			{"both", audit.Trust{Agree: 2, Witnesses: keys[:2]}, nil},
			{"one of two", audit.Trust{Agree: 1, Witnesses: keys[:2]}, nil},
			{"two of three, one lies", audit.Trust{Agree: 2, Witnesses: keys}, nil},
			{"hash and witnesses", audit.Trust{Agree: 2, Witnesses: keys[:2], Block: c.Newest().Hash}, nil},
			{"one stranger", audit.Trust{Agree: 1, Witnesses: []witness.Key{{7}}}, audit.ErrNobody},
			{"three of three, one lies", audit.Trust{Agree: 3, Witnesses: keys}, audit.ErrNobody},
			{"only the one that lies", audit.Trust{Agree: 1, Witnesses: keys[2:]}, audit.ErrOther},
			{"another hash, though witnesses signed", audit.Trust{Agree: 2, Witnesses: keys[:2], Block: state.Word{1}}, audit.ErrOther},
			{"nobody", audit.Trust{}, audit.ErrNobody},
			{"none of the witnesses must", audit.Trust{Witnesses: keys}, audit.ErrNobody},
		} {
			if _, err := c.Vouched(row.trust); !errors.Is(err, row.want) || (row.want == nil) != (err == nil) {
				t.Errorf("%s: %v, want %v", row.name, err, row.want)
			}
		}
	})

	t.Run("from a C word", func(t *testing.T) {
		w.denyMany(t, 2*segment.Entries)
		f, err := l.Prove(ctx, w.config.Org)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Check(hash); err != nil {
			t.Fatalf("twin, the whole log: %v", err)
		}
		log := &f.Proofs[0].Logs[0]
		whole := log.Segments
		if len(whole) != 3 {
			t.Fatalf("%d segments, want 3", len(whole))
		}
		// Without its first entries, and with a proof that does not say where it begins.
		log.Segments = whole[1:]
		if _, err := again(t, f).Check(hash); !errors.Is(err, verify.ErrProof) && !errors.Is(err, verify.ErrLogs) {
			t.Errorf("a log without its beginning: %v", err)
		}
		reply, err := w.ends[0].Source.Head(ctx, registry.HeadQuery{Contract: w.config.Registry.Contract, Slots: audit.Slots(w.config.Org, f.Proofs[0].Logs)})
		if err != nil {
			t.Fatal(err)
		}
		h, _, err := audit.EncodeHeader(reply.Latest)
		if err != nil {
			t.Fatal(err)
		}
		f.Headers, f.Proofs[0].Nodes = [][]byte{h}, reply.Proof
		c, err := again(t, f).Check(hash)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Proofs[0].Logs[0].Base(); got != segment.Entries {
			t.Errorf("it begins after entry %d", got)
		}
		log.Segments = whole[2:]
		if _, err := again(t, f).Check(hash); err == nil {
			t.Error("a C word that was not proven is believed")
		}
	})
}

// Each way to alter a file is found; the file as it was is accepted.
func TestAttackAlteredProof(t *testing.T) {
	w := newWorld(t)
	ctx := context.Background()
	for range 4 {
		w.deny(t)
	}
	l := w.open(t, "")
	hash := state.Word(code.Hash())
	empty := state.Word{9}
	fresh := func() *audit.File {
		f, err := l.Prove(ctx, w.config.Org, empty)
		if err != nil {
			t.Fatal(err)
		}
		return again(t, f)
	}
	first := func(f *audit.File) *segment.Segment { return &f.Proofs[0].Logs[0].Segments[0] }
	for _, row := range []struct {
		name  string
		alter func(f *audit.File)
		want  error
	}{
		{"as it was", func(*audit.File) {}, nil},
		{"the last entry left out", func(f *audit.File) { s := first(f); s.Entries = s.Entries[:len(s.Entries)-1] }, verify.ErrLogs},
		{"one in the middle left out", func(f *audit.File) { s := first(f); s.Entries = append(s.Entries[:2:2], s.Entries[3:]...) }, audit.ErrMalformed},
		{"two exchanged", func(f *audit.File) {
			e := first(f).Entries
			e[1], e[2] = e[2], e[1]
			e[1].Seq, e[2].Seq = 2, 3
		}, verify.ErrLogs},
		{"another author", func(f *audit.File) { first(f).Entries[1].Authors = []state.Address{{1}} }, verify.ErrLogs},
		{"another time", func(f *audit.File) { first(f).Entries[3].Time++ }, verify.ErrLogs},
		{"another subject", func(f *audit.File) { first(f).Entries[3].Subject[0] ^= 1 }, verify.ErrLogs},
		{"a revoke for a put", func(f *audit.File) { first(f).Entries[3].Action = state.ActionRevoke }, verify.ErrLogs},
		{"one invented", func(f *audit.File) {
			s := first(f)
			e := s.Entries[len(s.Entries)-1]
			e.Seq, e.PrevBlock, e.Subject = e.Seq+1, e.Block, state.Word{77}
			s.Entries = append(s.Entries, e)
		}, verify.ErrLogs},
		{"all left out", func(f *audit.File) { f.Proofs[0].Logs[0].Segments = nil }, verify.ErrLogs},
		{"an empty log with an entry", func(f *audit.File) {
			s := *first(f)
			s.Scope = empty
			f.Proofs[0].Logs[1].Segments = []segment.Segment{s}
		}, verify.ErrLogs},
		{"under another scope", func(f *audit.File) {
			f.Proofs[0].Logs[0].Scope = state.Word{8}
			first(f).Scope = state.Word{8}
		}, nil}, // empty there, or a path that the proof does not have
		{"another organisation's", func(f *audit.File) { f.Anchor.Org[0] ^= 1 }, nil},
		{"another contract's", func(f *audit.File) { f.Anchor.Registry.Contract[0] ^= 1 }, nil},
		{"no proof", func(f *audit.File) { f.Proofs[0].Nodes = []byte("{}") }, verify.ErrProof},
		{"a node altered", func(f *audit.File) { f.Proofs[0].Nodes = flipNode(t, f.Proofs[0].Nodes) }, verify.ErrProof},
		{"a header altered", func(f *audit.File) { f.Headers[0][100] ^= 1 }, nil},
		{"a header with something after it", func(f *audit.File) { f.Headers[0] = append(f.Headers[0], 0) }, verify.ErrHeader},
		{"a scope twice", func(f *audit.File) { f.Proofs[0].Logs[1] = f.Proofs[0].Logs[0] }, audit.ErrMalformed},
		{"a proof without a header", func(f *audit.File) { f.Proofs[0].Header = 1 }, audit.ErrMalformed},
	} {
		f := fresh()
		trusted, err := f.Check(hash)
		if err != nil {
			t.Fatal(err)
		}
		want := trusted.Newest().Hash
		row.alter(f)
		err = checkAll(f, hash, want)
		switch {
		case row.name == "as it was":
			if err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
		case err == nil:
			t.Errorf("%s: accepted", row.name)
		case row.want != nil && !errors.Is(err, row.want):
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
	if err := checkAll(fresh(), state.Word{1}, state.Word{}); !errors.Is(err, registry.ErrCode) {
		t.Errorf("another contract's code: %v", err)
	}
}

// checkAll is what an auditor does with bytes.
func checkAll(f *audit.File, code, block state.Word) error {
	b, err := f.Marshal()
	if err != nil {
		return err
	}
	parsed, err := audit.Parse(b)
	if err != nil {
		return err
	}
	c, err := parsed.Check(code)
	if err != nil {
		return err
	}
	_, err = c.Vouched(audit.Trust{Block: block})
	return err
}

func flipNode(t *testing.T, raw []byte) []byte {
	t.Helper()
	var p struct {
		AccountProof []string `json:"accountProof"`
		StorageProof []any    `json:"storageProof"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		t.Fatal(err)
	}
	node := []byte(p.AccountProof[0])
	if node[10]++; node[10] == '9'+1 || node[10] == 'f'+1 {
		node[10] = '0'
	}
	p.AccountProof[0] = string(node)
	b, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
