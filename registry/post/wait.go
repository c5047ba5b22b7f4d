package post

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"time"

	"dpki/state"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

const (
	// The receipt is looked for quickly at first: a sandbox mines in
	// milliseconds; then twice as slowly each time.
	firstLook = 5 * time.Millisecond
	lastLook  = 500 * time.Millisecond
	// checkEvery is how often the transaction itself is looked for.
	checkEvery = 5 * time.Second
)

// receipt is the part of a receipt that is read. L1Fee is the OP stack's.
type receipt struct {
	Status      *hexutil.Uint64 `json:"status"`
	BlockNumber *hexutil.Big    `json:"blockNumber"`
	BlockHash   *common.Hash    `json:"blockHash"`
	GasUsed     hexutil.Uint64  `json:"gasUsed"`
	Price       *hexutil.Big    `json:"effectiveGasPrice"`
	L1Fee       *hexutil.Big    `json:"l1Fee"`
}

// wait looks until the transaction is in a block.
func (c *Client) wait(ctx context.Context, call Call, tx *types.Transaction) (Receipt, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Wait)
	defer cancel()
	pause, checked := firstLook, time.Now()
	for {
		r, err := c.receipt(ctx, tx)
		if err == nil && r != nil {
			return c.result(ctx, call, tx, r)
		}
		if time.Since(checked) > checkEvery {
			checked = time.Now()
			if err := c.stillComing(ctx, tx); err != nil {
				return Receipt{}, err
			}
		}
		select {
		case <-ctx.Done():
			return Receipt{}, fmt.Errorf("%w: %w", ErrTimeout, errors.Join(err, ctx.Err()))
		case <-time.After(pause):
		}
		pause = min(2*pause, lastLook)
	}
}

func (c *Client) receipt(ctx context.Context, tx *types.Transaction) (*receipt, error) {
	var r *receipt
	if err := c.ask(ctx, &r, "eth_getTransactionReceipt", tx.Hash()); err != nil {
		return nil, answered(err)
	}
	if r == nil || r.BlockNumber == nil || r.BlockHash == nil || r.Status == nil {
		return nil, nil
	}
	return r, nil
}

// stillComing finds out why a transaction is late. One that an endpoint forgot
// is sent again.
func (c *Client) stillComing(ctx context.Context, tx *types.Transaction) error {
	used, err := c.count(ctx, "latest")
	if err != nil {
		return nil // not known: go on waiting
	}
	if used > tx.Nonce() {
		// The nonce is in a block: with this transaction, or with another.
		if r, err := c.receipt(ctx, tx); err != nil || r != nil {
			return nil
		}
		return ErrReplaced
	}
	if err := c.broadcast(ctx, tx); err != nil && isAnswer(err) && !says(err, "nonce too low") {
		return fmt.Errorf("%w: %.200q", ErrDropped, err.Error())
	}
	return nil
}

func (c *Client) result(ctx context.Context, call Call, tx *types.Transaction, r *receipt) (Receipt, error) {
	if *r.Status != hexutil.Uint64(types.ReceiptStatusSuccessful) {
		return Receipt{}, c.whyReverted(ctx, call, r)
	}
	out := Receipt{Tx: state.Word(tx.Hash()), Block: (*big.Int)(r.BlockNumber).Uint64(), GasUsed: uint64(r.GasUsed)}
	price, l1 := new(big.Int), new(big.Int)
	if r.Price != nil {
		price = (*big.Int)(r.Price)
	}
	if r.L1Fee != nil {
		l1 = (*big.Int)(r.L1Fee)
	}
	out.Fee = cost(out.GasUsed, price, l1)
	var block struct {
		Time hexutil.Uint64 `json:"timestamp"`
	}
	if err := c.ask(ctx, &block, "eth_getBlockByHash", *r.BlockHash, false); err != nil {
		return Receipt{}, answered(err)
	}
	out.Time = uint64(block.Time)
	return out, nil
}

// whyReverted asks for the reason of a transaction that was good when it was
// estimated, and no longer when it was mined.
func (c *Client) whyReverted(ctx context.Context, call Call, r *receipt) error {
	var ignored hexutil.Bytes
	if err := c.ask(ctx, &ignored, "eth_call", c.message(call), r.BlockNumber); err != nil {
		return refusal(err)
	}
	return fmt.Errorf("%w: it ran out of gas, or what it met is gone", ErrReverted)
}
