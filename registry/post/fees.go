package post

import (
	"context"
	"fmt"
	"math/big"
	"slices"
	"time"

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
		p, err := c.suggested(ctx, "eth_gasPrice")
		return p, p, nil, err
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
	if tip, err = c.suggested(ctx, "eth_maxPriorityFeePerGas"); err != nil {
		return nil, nil, nil, err
	}
	base := (*big.Int)(head.BaseFee)
	expected = new(big.Int).Add(base, tip)
	// Twice the base fee outlasts six full blocks in a row, at an eighth each.
	most = new(big.Int).Add(new(big.Int).Lsh(base, 1), tip)
	return expected, most, tip, nil
}

// suggested is what endpoints would have paid of what is paid as it was offered,
// unlike the base fee: the middle of what voices say, the lower one of two.
// So one that names the whole balance, for whoever makes the blocks, is overruled.
func (c *Client) suggested(ctx context.Context, method string) (*big.Int, error) {
	if len(c.voices) > 1 {
		if said := c.fromEach(ctx, method); len(said) > 0 {
			slices.SortFunc(said, (*big.Int).Cmp)
			return said[(len(said)-1)/2], nil
		}
	}
	var p hexutil.Big
	err := c.ask(ctx, &p, method)
	return (*big.Int)(&p), answered(err)
}

// feeTimeout is how long voices may take where several are asked for a fee.
const feeTimeout = 3 * time.Second

// fromEach asks one endpoint of each voice, all at once, and leaves out who does not answer.
func (c *Client) fromEach(ctx context.Context, method string) (said []*big.Int) {
	ctx, cancel := context.WithTimeout(ctx, feeTimeout)
	defer cancel()
	answers := make(chan *big.Int, len(c.voices))
	for _, i := range c.voices {
		go func() {
			var p hexutil.Big
			if c.onChain(ctx, i) != nil || c.clients[i].CallContext(ctx, &p, method) != nil {
				answers <- nil
				return
			}
			answers <- (*big.Int)(&p)
		}()
	}
	for range c.voices {
		if p := <-answers; p != nil {
			said = append(said, p)
		}
	}
	return said
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
