package devchain

import (
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/params"
)

// gasLimit of a block: a batch of 100 entries, many times over.
const gasLimit = 60_000_000

// cacheMB keeps the node small: 16 MB a cache, and a folder of a few MB.
const cacheMB = 16

func (c *Chain) startNode() error {
	nc := node.DefaultConfig
	nc.Name = "devchain"
	nc.DataDir = c.options.Dir
	nc.IPCPath = ""
	nc.P2P = p2p.Config{NoDiscovery: true, NoDial: true}
	var err error
	if c.node, err = node.New(&nc); err != nil {
		return err
	}
	ec := ethconfig.Defaults
	ec.NetworkId = c.ChainID
	ec.SyncMode = ethconfig.FullSync
	ec.Genesis = c.genesis()
	// Only the hash scheme without pruning writes each block's state at once;
	// others keep it in memory until a clean stop.
	ec.StateScheme, ec.NoPruning = rawdb.HashScheme, true
	ec.TxPool.NoLocals = true
	ec.LogNoHistory = true
	ec.Miner.GasPrice = big.NewInt(1)
	ec.DatabaseCache, ec.TrieCleanCache, ec.TrieDirtyCache, ec.SnapshotCache = cacheMB, cacheMB, cacheMB, 0
	if c.eth, err = eth.New(c.node, &ec); err != nil {
		return err
	}
	if c.beacon, err = catalyst.NewSimulatedBeacon(0, common.Address{}, c.eth); err != nil {
		return err
	}
	c.node.RegisterLifecycle(c.beacon)
	if err := c.node.Start(); err != nil {
		return err
	}
	return c.eth.ChainDb().SyncKeyValue()
}

func (c *Chain) genesis() *core.Genesis {
	config := *params.AllDevChainProtocolChanges
	config.ChainID = new(big.Int).SetUint64(c.ChainID)
	// Gas as on the chains in use today; forks after Prague price it otherwise.
	config.OsakaTime, config.BPO1Time, config.BPO2Time = nil, nil, nil
	config.AmsterdamTime, config.BogotaTime = nil, nil
	alloc := core.SystemContractAllocs()
	for a, account := range c.options.Alloc {
		storage := map[common.Hash]common.Hash{}
		for k, v := range account.Storage {
			storage[common.Hash(k)] = common.Hash(v)
		}
		balance := account.Balance
		if balance == nil {
			balance = new(big.Int)
		}
		alloc[common.Address(a)] = types.Account{Balance: balance, Code: account.Code, Storage: storage, Nonce: 1}
	}
	if c.options.L1Fee != nil {
		alloc[gasPriceOracle] = types.Account{Balance: new(big.Int), Code: constantCode(c.options.L1Fee), Nonce: 1}
	}
	alloc[crypto.PubkeyToAddress(c.faucet.PublicKey)] = types.Account{Balance: Ether(1_000_000_000)}
	alloc[crypto.PubkeyToAddress(c.Admin.PublicKey)] = types.Account{Balance: Ether(1_000)}
	return &core.Genesis{Config: &config, GasLimit: gasLimit, BaseFee: big.NewInt(params.InitialBaseFee),
		Difficulty: new(big.Int), Alloc: alloc}
}

// gasPriceOracle is the OP stack's predeploy.
var gasPriceOracle = common.HexToAddress("0x420000000000000000000000000000000000000F")

// constantCode is a contract that answers every call with one number:
// PUSH32 n, PUSH0, MSTORE, PUSH1 32, PUSH0, RETURN.
func constantCode(n *big.Int) []byte {
	code := append([]byte{0x7f}, common.BigToHash(n).Bytes()...)
	return append(code, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3)
}
