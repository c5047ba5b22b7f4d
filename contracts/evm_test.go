package contracts

import (
	_ "embed"
	"encoding/binary"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	evmstate "github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/core/vm"
	"github.com/ethereum/go-ethereum/params"
	"github.com/holiman/uint256"

	"dpki/state"
)

//go:embed DPKI.bin-runtime
var runtimeHex string

// evm is a chain of one contract: transactions with their real gas, under
// Prague's rules, without the blocks around them.
type evm struct {
	t        testing.TB
	config   *params.ChainConfig
	db       *evmstate.StateDB
	block    uint64
	time     uint64 // Unix seconds
	contract state.Address
	txs      uint64
}

// receipt is what a transaction did.
type receipt struct {
	gas    uint64
	output []byte
	failed bool
	logs   []*types.Log
}

// deployer creates the contract; it has no power in it.
var deployer = state.Address{0xde}

// newEVM stands at block 100, 2026-01-01, with the contract deployed.
func newEVM(t testing.TB) *evm {
	t.Helper()
	config := *params.MergedTestChainConfig
	config.ChainID = big.NewInt(1135)
	config.OsakaTime = nil
	db, err := evmstate.New(types.EmptyRootHash, evmstate.NewDatabaseForTesting())
	if err != nil {
		t.Fatal(err)
	}
	e := &evm{t: t, config: &config, db: db, block: 100, time: 1767225600}
	r := e.send(deployer, nil, InitCode())
	if r.failed {
		t.Fatalf("deployment failed: %x", r.output)
	}
	e.contract = createAddress(deployer, 0)
	if got := state.Word(e.db.GetCodeHash(common.Address(e.contract))); got != state.Keccak256(mustHex(runtimeHex)) {
		t.Fatalf("code hash after deployment = %v, want that of DPKI.bin-runtime", got)
	}
	return e
}

func (e *evm) registry() state.Registry {
	return state.Registry{ChainID: e.config.ChainID.Uint64(), Contract: e.contract}
}

// next goes on by one block.
func (e *evm) next(seconds uint64) {
	e.block++
	e.time += seconds
}

// send runs a transaction; a nil receiver creates a contract.
func (e *evm) send(from state.Address, to *state.Address, data []byte) receipt {
	e.t.Helper()
	env := vm.NewEVM(vm.BlockContext{
		CanTransfer: core.CanTransfer,
		Transfer:    core.Transfer,
		GetHash:     func(uint64) common.Hash { return common.Hash{} },
		BlockNumber: new(big.Int).SetUint64(e.block),
		Time:        e.time,
		Difficulty:  new(big.Int),
		GasLimit:    100_000_000,
		BaseFee:     new(big.Int),
		BlobBaseFee: big.NewInt(1),
		Random:      &common.Hash{},
	}, e.db, e.config, vm.Config{NoBaseFee: true})
	e.txs++
	var hash common.Hash
	binary.BigEndian.PutUint64(hash[:], e.txs)
	e.db.SetTxContext(hash, 0, 0)
	msg := &core.Message{
		From: common.Address(from), Nonce: e.db.GetNonce(common.Address(from)), Value: new(uint256.Int),
		GasLimit: 100_000_000, GasPrice: new(uint256.Int), GasFeeCap: new(uint256.Int), GasTipCap: new(uint256.Int), Data: data,
	}
	if to != nil {
		msg.To = (*common.Address)(to)
	}
	result, err := core.ApplyMessage(env, msg, nil)
	if err != nil {
		e.t.Fatalf("transaction not accepted: %v", err)
	}
	r := receipt{gas: result.UsedGas, output: result.ReturnData, failed: result.Failed(), logs: e.db.GetLogs(hash, e.block, common.Hash{}, e.time)}
	e.db.Finalise(e.config.Rules(new(big.Int).SetUint64(e.block), true, e.time))
	return r
}

// must sends calldata to the contract and expects success.
func (e *evm) must(from state.Address, data []byte) receipt {
	e.t.Helper()
	r := e.send(from, &e.contract, data)
	if r.failed {
		if refusal, ok := ParseRefusal(r.output); ok {
			e.t.Fatalf("refused: %v", refusal)
		}
		e.t.Fatalf("reverted: %x", r.output)
	}
	return r
}

// slot reads the contract's storage.
func (e *evm) slot(key state.Word) state.Word {
	return state.Word(e.db.GetState(common.Address(e.contract), common.Hash(key)))
}
