package verify

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"
)

// proofCase is a chain with a few logs, the words to prove and the answer.
func proofCase(t testing.TB) (f *fakeChain, header Header, slots, want []state.Word, raw []byte) {
	f = newFake(t)
	f.mine(put(f.org, state.KindZone), put(zone, state.KindGrant), put(mailbox, state.KindGrant))
	slots = []state.Word{SlotH(f.org, f.org), SlotH(f.org, zone), SlotH(f.org, state.Word{0x99}), SlotC(f.org, zone, 1)}
	want = []state.Word{f.tip(f.org).H, f.tip(zone).H, {}, {}}
	header, err := ParseHeader(f.json(f.header(f.head())))
	if err != nil {
		t.Fatal(err)
	}
	return f, header, slots, want, f.proof(f.registry.Contract, slots)
}

func equal(a, b []state.Word) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestCheckProof(t *testing.T) {
	f, header, slots, want, raw := proofCase(t)
	got, err := CheckProof(raw, header, f.registry.Contract, f.code, slots)
	if err != nil || !equal(got, want) {
		t.Fatalf("got %v, %v, want %v", got, err, want)
	}
	// The values beside the proofs are an endpoint's opinion: alter them all.
	var answer map[string]any
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatal(err)
	}
	answer["storageHash"] = "0x" + strings.Repeat("00", 32)
	answer["codeHash"] = "0x" + strings.Repeat("11", 32)
	for _, p := range answer["storageProof"].([]any) {
		p.(map[string]any)["value"] = "0x1234"
		p.(map[string]any)["key"] = "0x0"
	}
	got, err = CheckProof(f.json(answer), header, f.registry.Contract, f.code, slots)
	if err != nil || !equal(got, want) {
		t.Errorf("with other values beside the proofs: got %v, %v, want %v", got, err, want)
	}
}

// Each row changes one thing in the accepted case above.
func TestCheckProofRefuses(t *testing.T) {
	f, header, slots, _, raw := proofCase(t)
	otherRoot := header
	otherRoot.Root[0] ^= 1
	text := string(raw)
	type row struct {
		name     string
		raw      string
		header   Header
		contract state.Address
		code     state.Word
		slots    []state.Word
		want     error
	}
	rows := []row{
		{"another root", text, otherRoot, f.registry.Contract, f.code, slots, ErrProof},
		{"other code", text, header, f.registry.Contract, state.Word{1}, slots, registry.ErrCode},
		{"no expected code", text, header, f.registry.Contract, state.Word{}, slots, registry.ErrCode},
		{"another address, its nodes missing", text, header, state.Address{0xee}, f.code, slots, ErrProof},
		{"an account without code", string(f.proof(state.Address{0xee}, slots)), header, state.Address{0xee}, f.code, slots, registry.ErrNoCode},
		{"no account", string(f.proof(state.Address{0x77}, slots)), header, state.Address{0x77}, f.code, slots, registry.ErrNoCode},
		{"a word whose nodes are missing", string(f.proof(f.registry.Contract, slots[2:3])), header, f.registry.Contract, f.code, slots, ErrProof},
		{"no storage proofs", string(f.proof(f.registry.Contract, nil)), header, f.registry.Contract, f.code, slots, ErrProof},
		{"empty", "", header, f.registry.Contract, f.code, slots, ErrProof},
		{"null", "null", header, f.registry.Contract, f.code, slots, ErrProof},
		{"trailing data", text + "[]", header, f.registry.Contract, f.code, slots, ErrProof},
		{"too deep", `{"a":` + strings.Repeat("[", 8) + strings.Repeat("]", 8) + "," + text[1:], header, f.registry.Contract, f.code, slots, ErrProof},
		{"too large", `{"a":"` + strings.Repeat("a", registry.MaxProof) + `",` + text[1:], header, f.registry.Contract, f.code, slots, ErrProof},
		{"too many nodes", strings.Replace(text, `"accountProof":[`, `"accountProof":[`+strings.Repeat(`"0x00",`, maxNodes), 1), header, f.registry.Contract, f.code, slots, ErrProof},
		{"node too large", strings.Replace(text, `"accountProof":[`, `"accountProof":["0x`+strings.Repeat("00", maxNode+1)+`",`, 1), header, f.registry.Contract, f.code, slots, ErrProof},
		{"no hex", strings.Replace(text, `"accountProof":[`, `"accountProof":["0xzz",`, 1), header, f.registry.Contract, f.code, slots, ErrProof},
		{"too many storage proofs", strings.Replace(text, `"storageProof":[`, `"storageProof":[`+strings.Repeat(`{"proof":[]},`, registry.MaxSlots), 1), header, f.registry.Contract, f.code, slots, ErrProof},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			got, err := CheckProof([]byte(r.raw), r.header, r.contract, r.code, r.slots)
			if !errors.Is(err, r.want) || got != nil {
				t.Errorf("got %v, %v, want %v", got, err, r.want)
			}
		})
	}
}

// Whoever makes up a header chooses the state as well: values that no contract
// stores are refused, and nothing panics.
func TestCheckProofOfImpossibleValues(t *testing.T) {
	slot := state.Word{5}
	for name, row := range map[string]struct {
		value []byte // as it stands in the trie
		want  error
	}{
		"twin: one byte":       {[]byte{7}, nil},
		"twin: 32 bytes":       {append([]byte{0xa0}, bytes.Repeat([]byte{9}, 32)...), nil},
		"33 bytes":             {append([]byte{0xa1}, bytes.Repeat([]byte{9}, 33)...), ErrProof},
		"a leading zero":       {[]byte{0x82, 0, 7}, ErrProof},
		"zero, which is none":  {[]byte{0x80}, ErrProof},
		"a list":               {[]byte{0xc1, 7}, ErrProof},
		"trailing":             {[]byte{7, 7}, ErrProof},
		"longer than it says":  {[]byte{0x85, 7}, ErrProof},
		"not the shortest way": {[]byte{0x81, 7}, ErrProof},
	} {
		t.Run(name, func(t *testing.T) {
			storage := trie.NewEmpty(triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil))
			storage.MustUpdate(crypto.Keccak256(slot[:]), row.value)
			db := memorydb.New()
			if err := storage.Prove(crypto.Keccak256(slot[:]), db); err != nil {
				t.Fatal(err)
			}
			pool := nodes{}
			it := db.NewIterator(nil, nil)
			for it.Next() {
				pool[state.Word(it.Key())] = bytes.Clone(it.Value())
			}
			it.Release()
			if w, err := proveWord(pool, state.Word(storage.Hash()), slot); !errors.Is(err, row.want) || (err != nil && w != state.Word{}) {
				t.Errorf("got %s, %v, want %v", w, err, row.want)
			}
		})
	}
}

// Every byte of every node counts: flipped, it gives an error. Flipped outside
// the nodes, it changes nothing. The word is one, so that no node is there twice.
func TestCheckProofFlipped(t *testing.T) {
	f, header, slots, want, _ := proofCase(t)
	slots, want = slots[:1], want[:1]
	raw := f.proof(f.registry.Contract, slots)
	refused := 0
	for i := 0; i < len(raw); i++ {
		if !bytes.ContainsRune([]byte("0123456789abcdef"), rune(raw[i])) {
			continue
		}
		flipped := bytes.Clone(raw)
		digit, _ := hex.DecodeString("0" + string(raw[i]))
		flipped[i] = "0123456789abcdef"[digit[0]^1]
		got, err := CheckProof(flipped, header, f.registry.Contract, f.code, slots)
		switch {
		case err != nil:
			refused++
		case !equal(got, want):
			t.Fatalf("byte %d: %v", i, got)
		}
	}
	if refused < len(raw)/2 {
		t.Errorf("%d of %d altered proofs refused: does the test alter proofs?", refused, len(raw))
	}
}

func FuzzCheckProof(f *testing.F) {
	chain, header, slots, want, raw := proofCase(f)
	f.Add(raw)
	f.Add(chain.proof(state.Address{0xee}, slots))
	f.Add([]byte(`{"accountProof":["0xc0"],"storageProof":[]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := CheckProof(raw, header, chain.registry.Contract, chain.code, slots)
		if err == nil && !equal(got, want) {
			t.Fatalf("proved %v", got)
		}
		if err != nil && !errors.Is(err, ErrProof) && !errors.Is(err, registry.ErrCode) && !errors.Is(err, registry.ErrNoCode) {
			t.Fatalf("untyped error %v", err)
		}
	})
}

// FuzzProofNodes lets the attacker choose the root as well, which a header of
// their own does: nothing panics.
func FuzzProofNodes(f *testing.F) {
	_, _, _, _, raw := proofCase(f)
	var answer struct {
		AccountProof []string `json:"accountProof"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		f.Fatal(err)
	}
	for _, s := range answer.AccountProof {
		b, err := decodeData(s, maxNode)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, []byte{0xc0})
	}
	f.Fuzz(func(t *testing.T, root, child []byte) {
		hash := state.Keccak256(root)
		pool := nodes{hash: root, state.Keccak256(child): child}
		for i := range 16 {
			proveWord(pool, hash, state.Word{byte(i)})
		}
		proveAccount([]string{"0x" + hex.EncodeToString(root), "0x" + hex.EncodeToString(child)}, hash, state.Address{1})
	})
}
