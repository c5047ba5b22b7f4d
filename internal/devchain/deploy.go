package devchain

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"math/big"
	"time"

	"dpki/contracts"
	"dpki/internal/network"
	"dpki/state"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// deployBlock is where the contract stands in every chain of this package: it
// is mined before anything else.
const deployBlock = 1

const deployGas = 8_000_000

// deploy puts the registry contract on the chain unless it is there. It runs
// before the mining loop does.
func (c *Chain) deploy(ctx context.Context) error {
	if c.options.NoContract {
		return nil
	}
	d := contracts.Deterministic()
	c.Contract, c.DeployBlock = d.Contract, deployBlock
	if c.hasCode(d.Contract) {
		return nil
	}
	if c.Number() >= deployBlock {
		// The folder is from another build, whose contract had other code: on a
		// real chain it would have another address and block as well.
		return errors.New("this chain was begun with another version of the contract: use another folder")
	}
	c.mining.Lock()
	defer c.mining.Unlock()
	if _, err := c.submit(ctx, c.faucet, (*common.Address)(&d.To), nil, d.Data, deployGas); err != nil {
		return err
	}
	if err := c.eth.TxPool().Sync(); err != nil {
		return err
	}
	c.commit()
	if !c.hasCode(d.Contract) {
		return errors.New("the contract's deployment failed")
	}
	return nil
}

func (c *Chain) hasCode(a state.Address) bool {
	db, err := c.eth.BlockChain().State()
	return err == nil && db.GetCodeSize(common.Address(a)) > 0
}

// sendTimeout bounds one Send: a block takes milliseconds, or BlockTime.
const sendTimeout = time.Minute

// Send makes a transaction from key and returns its receipt, once it is in a
// block. One that reverts is an error, and has a receipt.
func (c *Chain) Send(ctx context.Context, key *ecdsa.PrivateKey, to state.Address, wei *big.Int, data []byte) (*types.Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	gas := uint64(21_000)
	if len(data) > 0 {
		gas = gasLimit / 2
	}
	c.mining.Lock()
	from := c.Number()
	tx, err := c.submit(ctx, key, (*common.Address)(&to), wei, data, gas)
	c.mining.Unlock()
	if err != nil {
		return nil, err
	}
	// Looking is cheaper than a subscription to heads, and one that is not read
	// while blocks are mined stops the mining.
	look := time.NewTicker(2 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.stop:
			return nil, errors.New("chain closed")
		}
		// A block can be seen before it is on disk; the lock is held until it is.
		c.mining.Lock()
		r := c.receipt(tx.Hash(), from)
		c.mining.Unlock()
		switch {
		case r == nil:
		case r.Status != types.ReceiptStatusSuccessful:
			return r, fmt.Errorf("transaction %s reverted", tx.Hash())
		default:
			return r, nil
		}
	}
}

// submit signs a transaction and puts it into the pool. The caller holds
// c.mining, so that two of one key do not take the same nonce.
func (c *Chain) submit(ctx context.Context, key *ecdsa.PrivateKey, to *common.Address, wei *big.Int, data []byte, gas uint64) (*types.Transaction, error) {
	id := new(big.Int).SetUint64(c.ChainID)
	tx, err := types.SignNewTx(key, types.LatestSignerForChainID(id), &types.DynamicFeeTx{
		ChainID: id, Nonce: c.eth.TxPool().PoolNonce(crypto.PubkeyToAddress(key.PublicKey)),
		To: to, Value: wei, Data: data, Gas: gas, GasTipCap: big.NewInt(1e9), GasFeeCap: big.NewInt(1e11)})
	if err != nil {
		return nil, err
	}
	return tx, c.eth.APIBackend.SendTx(ctx, tx)
}

// receipt looks for a transaction in the blocks after from.
func (c *Chain) receipt(tx common.Hash, from uint64) *types.Receipt {
	for n := c.Number(); n > from; n-- {
		header := c.eth.BlockChain().GetHeaderByNumber(n)
		if header == nil {
			continue
		}
		for _, r := range c.eth.BlockChain().GetReceiptsByHash(header.Hash()) {
			if r.TxHash == tx {
				return r
			}
		}
	}
	return nil
}

// Fund sends wei to an account and returns when it has it.
func (c *Chain) Fund(ctx context.Context, to state.Address, wei *big.Int) error {
	_, err := c.Send(ctx, c.faucet, to, wei, nil)
	return err
}

// Network is the chain's network file.
func (c *Chain) Network() network.File {
	return network.File{
		Name: "sandbox", ChainID: c.ChainID, Contract: c.Contract, DeployBlock: c.DeployBlock,
		Agree: 1, FeeModel: network.EIP1559,
		Endpoints: []string{c.HTTP},
		Stores:    []network.Store{{Type: network.Sandbox, URL: c.HTTP}},
	}
}
