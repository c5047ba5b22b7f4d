package post

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"dpki/contracts"
	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/rpc"
)

// quote is an estimate with what signing needs.
type quote struct {
	Estimate
	limit uint64   // gas limit: with room for what others write meanwhile
	tip   *big.Int // wei a gas; nil with a legacy price
}

// Estimate implements Poster.
func (c *Client) Estimate(ctx context.Context, call Call) (Estimate, error) {
	q, err := c.quote(ctx, call)
	return q.Estimate, err
}

func (c *Client) quote(ctx context.Context, call Call) (quote, error) {
	if err := c.checkCode(ctx, call); err != nil {
		return quote{}, err
	}
	var q quote
	var err error
	if q.Gas, err = c.gas(ctx, call); err != nil {
		return quote{}, err
	}
	q.limit = q.Gas + q.Gas/5
	if q.GasPrice, q.MaxGasPrice, q.tip, err = c.price(ctx); err != nil {
		return quote{}, err
	}
	if q.L1Fee, err = c.l1Fee(ctx, call, q); err != nil {
		return quote{}, err
	}
	var balance hexutil.Big
	if err := c.ask(ctx, &balance, "eth_getBalance", c.From().String(), "latest"); err != nil {
		return quote{}, answered(err)
	}
	q.Balance = (*big.Int)(&balance)
	q.Fee = cost(q.Gas, q.GasPrice, q.L1Fee)
	// The L1 fee moves with the L1's own price, an eighth a block at most.
	q.MaxFee = cost(q.limit, q.MaxGasPrice, new(big.Int).Div(new(big.Int).Mul(q.L1Fee, big.NewInt(5)), big.NewInt(4)))
	return q, nil
}

func cost(gas uint64, price, more *big.Int) *big.Int {
	wei := new(big.Int).Mul(new(big.Int).SetUint64(gas), price)
	return wei.Add(wei, more)
}

// checkCode looks at the code at the address, once. It is the endpoint's word,
// and guards against a wrong network file, not against the endpoint.
func (c *Client) checkCode(ctx context.Context, call Call) error {
	if call.CodeHash.IsZero() {
		return nil
	}
	key := [2]state.Word{call.CodeHash}
	copy(key[1][:], call.To[:])
	if _, ok := c.code.Load(key); ok {
		return nil
	}
	var text hexutil.Bytes
	if err := c.ask(ctx, &text, "eth_getCode", call.To.String(), "latest"); err != nil {
		return answered(err)
	}
	if len(text) == 0 {
		return fmt.Errorf("%w %s", registry.ErrNoCode, call.To)
	}
	if got := state.Keccak256(text); got != call.CodeHash {
		return fmt.Errorf("%w: %s has code hash %s, want %s", registry.ErrCode, call.To, got, call.CodeHash)
	}
	c.code.Store(key, struct{}{})
	return nil
}

// message is a call as JSON-RPC has it.
func (c *Client) message(call Call) map[string]any {
	return map[string]any{"from": c.From().String(), "to": call.To.String(), "input": hexutil.Bytes(call.Data)}
}

func (c *Client) gas(ctx context.Context, call Call) (uint64, error) {
	var gas hexutil.Uint64
	if err := c.ask(ctx, &gas, "eth_estimateGas", c.message(call)); err != nil {
		return 0, refusal(err)
	}
	return uint64(gas), nil
}

// refusal finds the contract's own reason in an error of eth_estimateGas or
// eth_call.
func refusal(err error) error {
	var data rpc.DataError
	if errors.As(err, &data) {
		if text, ok := data.ErrorData().(string); ok {
			if raw, decodeErr := hexutil.Decode(text); decodeErr == nil {
				if r, ok := contracts.ParseRefusal(raw); ok {
					return r
				}
				return fmt.Errorf("%w: %.200q", ErrReverted, text)
			}
		}
	}
	var answer rpc.Error
	if errors.As(err, &answer) && answer.ErrorCode() == codeReverted {
		return fmt.Errorf("%w: %.200q", ErrReverted, answer.Error())
	}
	return answered(err)
}

// codeReverted is the code of JSON-RPC for a call that reverts (EIP-1474's 3).
const codeReverted = 3

// answered types an error that an endpoint answered with where none was due.
func answered(err error) error {
	if isAnswer(err) {
		return fmt.Errorf("%w: it answered %.200q", ErrUnavailable, err.Error())
	}
	return err
}
