package post

import (
	"context"
	"fmt"
	"math/big"

	"dpki/internal/network"
	"dpki/registry"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// price is what a gas is expected to cost and may cost at most, in wei, and the
// part of it that is the tip.
func (c *Client) price(ctx context.Context) (expected, most, tip *big.Int, err error) {
	if c.config.FeeModel == network.Legacy {
		var p hexutil.Big
		if err := c.ask(ctx, &p, "eth_gasPrice"); err != nil {
			return nil, nil, nil, answered(err)
		}
		return (*big.Int)(&p), (*big.Int)(&p), nil, nil
	}
	var head struct {
		BaseFee *hexutil.Big `json:"baseFeePerGas"`
	}
	if err := c.ask(ctx, &head, "eth_getBlockByNumber", "latest", false); err != nil {
		return nil, nil, nil, answered(err)
	}
	if head.BaseFee == nil {
		return nil, nil, nil, fmt.Errorf("%w: the chain has no base fee: set fee_model to %q", registry.ErrChain, network.Legacy)
	}
	var suggested hexutil.Big
	if err := c.ask(ctx, &suggested, "eth_maxPriorityFeePerGas"); err != nil {
		return nil, nil, nil, answered(err)
	}
	tip, base := (*big.Int)(&suggested), (*big.Int)(head.BaseFee)
	expected = new(big.Int).Add(base, tip)
	// Twice the base fee outlasts six full blocks in a row, at an eighth each.
	most = new(big.Int).Add(new(big.Int).Lsh(base, 1), tip)
	return expected, most, tip, nil
}

// gasPriceOracle is the OP stack's predeploy; getL1Fee(bytes) takes an unsigned
// transaction and allows for its signature itself.
var (
	gasPriceOracle = common.HexToAddress("0x420000000000000000000000000000000000000F")
	getL1Fee       = []byte{0x49, 0x94, 0x8e, 0x0e}
)

// l1Fee is the part of an OP-stack fee that pays for the L1's data.
func (c *Client) l1Fee(ctx context.Context, call Call, q quote) (*big.Int, error) {
	if c.config.FeeModel != network.OPStack {
		return new(big.Int), nil
	}
	unsigned, err := types.NewTx(c.transaction(call, q, 1<<16)).MarshalBinary()
	if err != nil {
		return nil, err
	}
	var fee hexutil.Bytes
	message := map[string]any{"to": gasPriceOracle, "input": hexutil.Bytes(packBytes(getL1Fee, unsigned))}
	if err := c.ask(ctx, &fee, "eth_call", message, "latest"); err != nil {
		return nil, answered(err)
	}
	if len(fee) != 32 {
		return nil, fmt.Errorf("%w: it has no GasPriceOracle: set fee_model to %q", registry.ErrChain, network.EIP1559)
	}
	return new(big.Int).SetBytes(fee), nil
}

// packBytes is a call with one argument of type bytes: its offset, its length,
// itself, padded.
func packBytes(selector, b []byte) []byte {
	data := append([]byte(nil), selector...)
	data = append(data, common.BigToHash(big.NewInt(32)).Bytes()...)
	data = append(data, common.BigToHash(big.NewInt(int64(len(b)))).Bytes()...)
	data = append(data, b...)
	return append(data, make([]byte, (32-len(b)%32)%32)...)
}

func (c *Client) transaction(call Call, q quote, nonce uint64) types.TxData {
	to := common.Address(call.To)
	if q.tip == nil {
		return &types.LegacyTx{Nonce: nonce, To: &to, Gas: q.limit, GasPrice: q.MaxGasPrice, Data: call.Data}
	}
	return &types.DynamicFeeTx{ChainID: c.chainID, Nonce: nonce, To: &to, Gas: q.limit,
		GasFeeCap: q.MaxGasPrice, GasTipCap: q.tip, Data: call.Data}
}
