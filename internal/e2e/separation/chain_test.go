package separation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	evmstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb/memorydb"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/trie"
	"github.com/holiman/uint256"

	"dpki/contracts"
	"dpki/registry"
	"dpki/state"
)

const (
	chainID  = 1135
	period   = 2         // seconds between blocks
	blockGas = 100000000 // of a block, and of each of its transactions
)

// chain is what one node knows: blocks, their logs and their state. A copy costs
// nothing and is a fork.
type chain struct {
	t        testing.TB
	rules    *params.ChainConfig
	db       evmstate.Database
	blocks   []block
	contract state.Address
	final    uint64 // number of the newest final block
}

// block is one of a chain. It has one transaction or none.
type block struct {
	header *types.Header
	logs   []*types.Log
}

// newChain has the contract in block 1.
func newChain(t testing.TB, start time.Time) *chain {
	t.Helper()
	rules := *params.MergedTestChainConfig
	rules.ChainID, rules.OsakaTime = big.NewInt(chainID), nil
	c := &chain{t: t, rules: &rules, db: evmstate.NewDatabaseForTesting()}
	c.append(types.EmptyRootHash, uint64(start.Unix()), nil)
	var deployer state.Address
	deployer[0] = 0xde
	if err := c.transact(deployer, nil, contracts.InitCode()); err != nil {
		t.Fatal(err)
	}
	c.contract = state.Address(crypto.CreateAddress(common.Address(deployer), 0))
	return c
}

// fork is the same chain up to now.
func (c *chain) fork() *chain {
	f := *c
	f.blocks = slices.Clip(c.blocks)
	return &f
}

func (c *chain) head() *types.Header { return c.blocks[len(c.blocks)-1].header }
func (c *chain) number() uint64      { return c.head().Number.Uint64() }
func (c *chain) time() uint64        { return c.head().Time }
func (c *chain) hash() state.Word    { return state.Word(c.head().Hash()) }
func (c *chain) registry() state.Registry {
	return state.Registry{ChainID: chainID, Contract: c.contract}
}

// pass mines an empty block that much later.
func (c *chain) pass(d time.Duration) {
	c.append(c.head().Root, c.time()+uint64(d/time.Second), nil)
}

// until is the chain not before a time, Unix seconds.
func (c *chain) until(at uint64) *chain {
	if c.time() > at {
		return c
	}
	f := c.fork()
	f.append(c.head().Root, at+1, nil)
	return f
}

func (c *chain) append(root common.Hash, at uint64, logs []*types.Log) {
	h := &types.Header{
		Number: big.NewInt(int64(len(c.blocks))), Time: at, Root: root, Difficulty: new(big.Int), GasLimit: blockGas, BaseFee: big.NewInt(7),
		UncleHash: types.EmptyUncleHash, TxHash: types.EmptyTxsHash, ReceiptHash: types.EmptyReceiptsHash,
	}
	if len(c.blocks) > 0 {
		h.ParentHash = c.head().Hash()
	}
	c.blocks = append(c.blocks, block{h, logs})
}

// send has the contract take calldata of an account, in a block of its own. What
// it refuses leaves the chain as it was.
func (c *chain) send(from state.Address, data []byte) error {
	c.t.Helper()
	return c.transact(from, &c.contract, data)
}

func (c *chain) transact(from state.Address, to *state.Address, data []byte) error {
	c.t.Helper()
	db, err := evmstate.New(c.head().Root, c.db)
	c.must(err)
	number, at := uint64(len(c.blocks)), c.time()+period
	env := vm.NewEVM(vm.BlockContext{
		CanTransfer: core.CanTransfer, Transfer: core.Transfer, GetHash: func(uint64) common.Hash { return common.Hash{} },
		BlockNumber: new(big.Int).SetUint64(number), Time: at, Difficulty: new(big.Int), GasLimit: blockGas,
		BaseFee: new(big.Int), BlobBaseFee: big.NewInt(1), Random: &common.Hash{},
	}, db, c.rules, vm.Config{NoBaseFee: true})
	tx := common.BigToHash(new(big.Int).SetUint64(number))
	db.SetTxContext(tx, 0, 0)
	result, err := core.ApplyMessage(env, &core.Message{
		From: common.Address(from), To: (*common.Address)(to), Nonce: db.GetNonce(common.Address(from)), Value: new(uint256.Int),
		GasLimit: blockGas, GasPrice: new(uint256.Int), GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int), Data: data,
	}, nil)
	c.must(err)
	if result.Failed() {
		if refusal, ok := contracts.ParseRefusal(result.ReturnData); ok {
			return refusal
		}
		return fmt.Errorf("%w: %x", errReverted, result.ReturnData)
	}
	rules := c.rules.Rules(new(big.Int).SetUint64(number), true, at)
	logs := db.GetLogs(tx, number, common.Hash{}, at)
	db.Finalise(rules)
	root, err := db.Commit(rules, number)
	c.must(err)
	c.append(root, at, logs)
	return nil
}

var errReverted = errors.New("reverted")

func (c *chain) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

// Head, Logs and Headers answer as a node does.
func (c *chain) Head(_ context.Context, _ int, q registry.HeadQuery) (registry.HeadReply, error) {
	header := func(n uint64) []byte {
		if n >= uint64(len(c.blocks)) {
			return []byte("null")
		}
		return c.json(c.blocks[n].header)
	}
	latest := c.number()
	if q.At != 0 {
		latest = q.At
	}
	r := registry.HeadReply{ChainID: c.json(hexutil.Uint64(chainID)), Latest: header(latest)}
	if len(q.Slots) > 0 {
		r.Proof = c.prove(q.Contract, q.Slots)
	}
	if !q.TipOnly {
		r.Safe, r.Finalized = header(c.final), header(c.final)
	}
	return r, nil
}

func (c *chain) Headers(_ context.Context, _ int, numbers []uint64) ([][]byte, error) {
	all := make([][]byte, len(numbers))
	for i, n := range numbers {
		if n < uint64(len(c.blocks)) {
			all[i] = c.json(c.blocks[n].header)
		}
	}
	return all, nil
}

func (c *chain) Logs(_ context.Context, _ int, q registry.LogQuery) ([]byte, error) {
	if q.From > c.number() {
		return nil, &registry.Failure{Fault: registry.PastHead}
	}
	found := []*types.Log{}
	for n := q.From; n <= min(q.To, c.number()); n++ {
		for _, l := range c.blocks[n].logs {
			if state.Word(l.Topics[1]) == q.Org && slices.Contains(q.Scopes, state.Word(l.Topics[2])) {
				found = append(found, l)
			}
		}
	}
	return c.json(found), nil
}

// prove is the result of eth_getProof at the head.
func (c *chain) prove(contract state.Address, slots []state.Word) []byte {
	root := c.head().Root
	account := crypto.Keccak256(contract[:])
	db, err := evmstate.New(root, c.db)
	c.must(err)
	storage := db.GetStorageRoot(common.Address(contract))
	nodes := func(id *trie.ID, key []byte) []string {
		t, err := trie.NewStateTrie(id, c.db.TrieDB())
		c.must(err)
		found := memorydb.New()
		c.must(t.Prove(key, found))
		list := []string{}
		for it := found.NewIterator(nil, nil); it.Next(); {
			list = append(list, hexutil.Encode(it.Value()))
		}
		return list
	}
	type word struct {
		Key   string   `json:"key"`
		Value string   `json:"value"`
		Proof []string `json:"proof"`
	}
	proof := struct {
		Address      string   `json:"address"`
		AccountProof []string `json:"accountProof"`
		StorageHash  string   `json:"storageHash"`
		StorageProof []word   `json:"storageProof"`
	}{contract.String(), nodes(trie.StateTrieID(root), account), storage.Hex(), nil}
	for _, s := range slots {
		proof.StorageProof = append(proof.StorageProof, word{"0x" + s.String(), "0x0", nodes(trie.StorageTrieID(root, common.Hash(account), storage), crypto.Keccak256(s[:]))})
	}
	return c.json(proof)
}

func (c *chain) json(v any) []byte {
	b, err := json.Marshal(v)
	c.must(err)
	return b
}
