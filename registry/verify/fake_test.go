package verify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"testing"

	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/ethereum/go-ethereum/triedb"
)

// fakeChain is a chain made of what a reader sees of one: headers that hash,
// state that proves, logs. It is its own endpoint. Blocks number from 0.
type fakeChain struct {
	t        testing.TB
	registry state.Registry
	org      state.Word
	code     state.Word
	blocks   []fakeBlock
	fork     byte // goes into headers, so that two forks differ
	safe     uint64
	final    uint64

	calls struct{ head, finality, proofs, logs, headers int }
	// tamper, where set, alters what is answered.
	tamper struct {
		head func(*registry.HeadReply)
		logs func(q registry.LogQuery, entries []ScopedEntry) ([]ScopedEntry, error)
		raw  func([]byte) []byte
	}
}

type fakeBlock struct {
	time    uint64
	entries []ScopedEntry
	ends    map[state.Word]fakeEnd // of every scope, after this block
}

// fakeEnd is a scope's storage.
type fakeEnd struct {
	tip         state.Tip
	checkpoints []state.Word
}

const (
	fakeStart  = 1_700_000_000
	fakePeriod = 2
)

func newFake(t testing.TB) *fakeChain {
	f := &fakeChain{t: t, registry: state.Registry{ChainID: 7, Contract: state.Address{0xc0}}, org: state.Word{0x0a}, code: state.Word{0xcc}}
	f.mine() // genesis
	f.mine() // deployment
	return f
}

// clone is another endpoint of the same chain, or the start of a fork.
func (f *fakeChain) clone() *fakeChain {
	c := *f
	c.blocks = slices.Clone(f.blocks)
	c.tamper.head, c.tamper.logs, c.tamper.raw = nil, nil, nil
	return &c
}

func (f *fakeChain) mine(entries ...ScopedEntry) {
	at := uint64(fakeStart)
	if n := len(f.blocks); n > 0 {
		at = f.blocks[n-1].time + fakePeriod
	}
	f.mineAt(at, entries...)
}

// mineAt makes a block of entries, of which only action, kind, subject and data
// are given.
func (f *fakeChain) mineAt(at uint64, entries ...ScopedEntry) {
	number := uint64(len(f.blocks))
	b := fakeBlock{time: at, ends: map[state.Word]fakeEnd{}}
	if number > 0 {
		maps.Copy(b.ends, f.blocks[number-1].ends)
	}
	for _, s := range entries {
		end, ok := b.ends[s.Scope]
		if !ok {
			end.tip.H = f.registry.H0(f.org, s.Scope)
		}
		e := s.Entry
		e.Seq, e.Block, e.PrevBlock, e.Time = end.tip.Seq+1, number, end.tip.Block, at
		e.Authors = []state.Address{{1}}
		var err error
		if end.tip, err = end.tip.Append(&e); err != nil {
			f.t.Fatal(err)
		}
		if end.tip.Seq%state.CheckpointInterval == 0 {
			end.checkpoints = append(slices.Clip(end.checkpoints), end.tip.H)
		}
		b.ends[s.Scope] = end
		b.entries = append(b.entries, ScopedEntry{s.Scope, e})
	}
	f.blocks = append(f.blocks, b)
}

func (f *fakeChain) tip(scope state.Word) state.Tip { return f.blocks[f.head()].ends[scope].tip }

// storage is the contract's storage after a block.
func (f *fakeChain) storage(number uint64) map[state.Word]state.Word {
	words := map[state.Word]state.Word{{0xff}: {31: 1}} // never empty
	for scope, end := range f.blocks[number].ends {
		words[SlotH(f.org, scope)] = end.tip.H
		var m state.Word
		copy(m[26:], number48(end.tip.Seq))
		copy(m[20:], number48(end.tip.Block))
		words[hintSlot(f.org, scope)] = m
		for i, c := range end.checkpoints {
			words[SlotC(f.org, scope, uint64(i+1))] = c
		}
	}
	return words
}

func number48(n uint64) []byte { w := number(n); return w[26:] }

// tries builds the storage and the account trie after a block.
func (f *fakeChain) tries(number uint64) (storage, accounts *trie.Trie) {
	db := triedb.NewDatabase(rawdb.NewMemoryDatabase(), nil)
	storage, accounts = trie.NewEmpty(db), trie.NewEmpty(db)
	for k, v := range f.storage(number) {
		value, err := rlp.EncodeToBytes(common.TrimLeftZeroes(v[:]))
		if err != nil {
			f.t.Fatal(err)
		}
		storage.MustUpdate(crypto.Keccak256(k[:]), value)
	}
	for a, account := range map[state.Address]types.StateAccount{
		f.registry.Contract: {Nonce: 1, Balance: common.U2560, Root: storage.Hash(), CodeHash: f.code[:]},
		{0xee}:              {Nonce: 9, Balance: common.U2560, Root: types.EmptyRootHash, CodeHash: types.EmptyCodeHash[:]},
	} {
		value, err := rlp.EncodeToBytes(&account)
		if err != nil {
			f.t.Fatal(err)
		}
		accounts.MustUpdate(crypto.Keccak256(a[:]), value)
	}
	return storage, accounts
}

func (f *fakeChain) header(number uint64) *types.Header {
	_, accounts := f.tries(number)
	return &types.Header{Number: new(big.Int).SetUint64(number), Time: f.blocks[number].time, Root: accounts.Hash(),
		Difficulty: new(big.Int), Extra: []byte{f.fork}, UncleHash: types.EmptyUncleHash,
		TxHash: types.EmptyTxsHash, ReceiptHash: types.EmptyReceiptsHash, BaseFee: big.NewInt(7)}
}

func (f *fakeChain) json(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

func (f *fakeChain) proof(contract state.Address, slots []state.Word) []byte {
	storage, accounts := f.tries(f.head())
	prove := func(t *trie.Trie, key []byte) []string {
		db := memorydb.New()
		if err := t.Prove(crypto.Keccak256(key), db); err != nil {
			f.t.Fatal(err)
		}
		proof := []string{}
		it := db.NewIterator(nil, nil)
		for it.Next() {
			proof = append(proof, hexutil.Encode(it.Value()))
		}
		it.Release()
		return proof
	}
	type storageProof struct {
		Key   string   `json:"key"`
		Value string   `json:"value"`
		Proof []string `json:"proof"`
	}
	var answer struct {
		AccountProof []string       `json:"accountProof"`
		StorageHash  string         `json:"storageHash"`
		StorageProof []storageProof `json:"storageProof"`
	}
	answer.AccountProof = prove(accounts, contract[:])
	answer.StorageHash = storage.Hash().Hex()
	words := f.storage(f.head())
	for _, s := range slots {
		v := words[s]
		answer.StorageProof = append(answer.StorageProof, storageProof{"0x" + s.String(), "0x" + v.String(), prove(storage, s[:])})
	}
	return f.json(answer)
}

func (f *fakeChain) head() uint64 { return uint64(len(f.blocks) - 1) }

func (f *fakeChain) Head(_ context.Context, q registry.HeadQuery) (registry.HeadReply, error) {
	f.calls.head++
	r := registry.HeadReply{ChainID: f.json(hexutil.Uint64(f.registry.ChainID)), Latest: []byte("null")}
	if at := cmp.Or(q.At, f.head()); at <= f.head() {
		r.Latest = f.json(f.header(at))
	}
	if len(q.Slots) > 0 {
		f.calls.proofs++
		r.Proof = f.proof(q.Contract, q.Slots)
	}
	if !q.TipOnly {
		f.calls.finality++
	}
	if f.safe > 0 && !q.TipOnly {
		r.Safe = f.json(f.header(f.safe))
	}
	if f.final > 0 && !q.TipOnly {
		r.Finalized = f.json(f.header(f.final))
	}
	if f.tamper.head != nil {
		f.tamper.head(&r)
	}
	return r, nil
}

func (f *fakeChain) Logs(_ context.Context, q registry.LogQuery) ([]byte, error) {
	f.calls.logs++
	if q.From > f.head() {
		return nil, &registry.Failure{Fault: registry.PastHead}
	}
	var found []ScopedEntry
	for n := q.From; n <= min(q.To, f.head()); n++ {
		for _, e := range f.blocks[n].entries {
			if slices.Contains(q.Scopes, e.Scope) {
				found = append(found, e)
			}
		}
	}
	if f.tamper.logs != nil {
		var err error
		if found, err = f.tamper.logs(q, found); err != nil {
			return nil, err
		}
	}
	raw := f.logsJSON(found)
	if f.tamper.raw != nil {
		raw = f.tamper.raw(raw)
	}
	if len(raw) > q.Max {
		return nil, &registry.Failure{Fault: registry.TooLarge}
	}
	return raw, nil
}

func (f *fakeChain) logsJSON(entries []ScopedEntry) []byte {
	logs := []map[string]any{}
	for i := range entries {
		topics, data, err := state.EncodeLog(f.org, entries[i].Scope, &entries[i].Entry)
		if err != nil {
			f.t.Fatal(err)
		}
		hex := []string{}
		for _, topic := range topics {
			hex = append(hex, "0x"+topic.String())
		}
		logs = append(logs, map[string]any{"address": f.registry.Contract.String(), "topics": hex, "data": hexutil.Encode(data),
			"blockNumber": hexutil.EncodeUint64(entries[i].Entry.Block), "removed": false, "logIndex": "0x0"})
	}
	return f.json(logs)
}

func (f *fakeChain) Headers(_ context.Context, numbers []uint64) ([][]byte, error) {
	f.calls.headers++
	if len(numbers) > registry.MaxHeaders {
		return nil, &registry.Failure{Fault: registry.Refused}
	}
	var all [][]byte
	for _, n := range numbers {
		if n > f.head() {
			all = append(all, nil)
			continue
		}
		all = append(all, f.json(f.header(n)))
	}
	return all, nil
}

func (f *fakeChain) config() Config {
	return Config{Registry: f.registry, Org: f.org, CodeHash: f.code, Deploy: 1}
}

// reader follows scopes of some endpoints, named a, b, c, ... in their order.
func (f *fakeChain) reader(scopes []state.Word, sources ...Source) *Reader {
	return f.readerWith(f.config(), scopes, sources...)
}

func (f *fakeChain) readerWith(config Config, scopes []state.Word, sources ...Source) *Reader {
	f.t.Helper()
	var endpoints []Endpoint
	for i, s := range sources {
		endpoints = append(endpoints, Endpoint{Name: string(rune('a' + i)), Source: s})
	}
	r, err := NewReader(config, endpoints)
	if err != nil {
		f.t.Fatal(err)
	}
	if err := r.Follow(scopes...); err != nil {
		f.t.Fatal(err)
	}
	return r
}

var (
	zone    = state.Word{0x20}
	mailbox = state.Word{0x30}
	serial  byte
)

// put is an entry with a subject of its own.
func put(scope state.Word, kind state.Kind) ScopedEntry {
	serial++
	return ScopedEntry{scope, state.Entry{Action: state.ActionPut, Kind: kind, Subject: state.Word{serial, byte(kind)}, Until: fakeStart, Data: []byte{serial}}}
}

func revoke(of ScopedEntry) ScopedEntry {
	return ScopedEntry{of.Scope, state.Entry{Action: state.ActionRevoke, Kind: of.Entry.Kind, Subject: of.Entry.Subject}}
}

// tick ticks, expects success and commits.
func tickOK(t testing.TB, r *Reader) *Result {
	t.Helper()
	res, err := r.Tick(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r.Commit(res)
	return res
}

// summary is what is known of a scope, for comparison: confirmed up to, overlay,
// sticky.
func summary(r *Reader, scope state.Word) string {
	l := r.Known().Scopes[scope]
	return fmt.Sprintf("confirmed %d overlay %d sticky %d", l.Confirmed.Seq, len(l.Overlay), len(l.Sticky))
}

// withHash puts another hash into a header's JSON.
func (f *fakeChain) withHash(header []byte, old, hash common.Hash) []byte {
	changed := bytes.Replace(header, []byte(old.Hex()), []byte(hash.Hex()), 1)
	if bytes.Equal(changed, header) {
		f.t.Fatal("the hash is not in the header")
	}
	return changed
}
