package post

import (
	"context"
	"fmt"
	"strings"
	"time"

	"dpki/state"

	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core/types"
)

// nonce remembers the next one of this process, since an endpoint behind a
// balancer may not have seen the last transaction yet. After a failure the
// chain's word counts again.
type nonce struct {
	next uint64
	at   time.Time
}

// nonceMemory is how long an endpoint may lag behind what was sent.
const nonceMemory = time.Minute

// Post implements Poster.
func (c *Client) Post(ctx context.Context, call Call) (Receipt, error) {
	q, err := c.quote(ctx, call)
	if err != nil {
		return Receipt{}, err
	}
	if q.Balance.Cmp(q.MaxFee) < 0 {
		return Receipt{}, &FundsError{Account: c.From(), Have: q.Balance, Need: q.MaxFee}
	}
	tx, err := c.send(ctx, call, q)
	if err != nil {
		return Receipt{}, err
	}
	r, err := c.wait(ctx, call, tx)
	if err != nil {
		c.mu.Lock()
		c.nonce = nonce{}
		c.mu.Unlock()
		return Receipt{}, &SentError{Tx: state.Word(tx.Hash()), Err: err}
	}
	return r, nil
}

// send signs with the next nonce and hands the transaction to an endpoint. A
// nonce that is already used is a race with another process of the same
// account: the next one is tried.
func (c *Client) send(ctx context.Context, call Call, q quote) (*types.Transaction, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	const attempts = 10
	var err error
	for range attempts {
		var n uint64
		if n, err = c.nextNonce(ctx); err != nil {
			return nil, err
		}
		var tx *types.Transaction
		if tx, err = c.signer.sign(ctx, c.transaction(call, q, n), c.chainID); err != nil {
			return nil, err
		}
		switch err = c.broadcast(ctx, tx); {
		case err == nil:
			c.nonce = nonce{next: n + 1, at: time.Now()}
			return tx, nil
		case says(err, "nonce too low"):
			c.nonce = nonce{}
		case says(err, "replacement"):
			c.nonce = nonce{next: n + 1, at: time.Now()}
		case says(err, "insufficient funds"):
			return nil, &FundsError{Account: c.From(), Have: q.Balance, Need: q.MaxFee}
		default:
			return nil, answered(err)
		}
	}
	return nil, answered(err)
}

// nextNonce is the account's next nonce, those in the pool included.
func (c *Client) nextNonce(ctx context.Context) (uint64, error) {
	pending, err := c.count(ctx, "pending")
	if err != nil {
		return 0, err
	}
	if time.Since(c.nonce.at) > nonceMemory {
		return pending, nil
	}
	return max(pending, c.nonce.next), nil
}

// broadcast is idempotent: a transaction that the endpoint has counts as sent.
func (c *Client) broadcast(ctx context.Context, tx *types.Transaction) error {
	raw, err := tx.MarshalBinary()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSigner, err)
	}
	err = c.ask(ctx, new(hexutil.Bytes), "eth_sendRawTransaction", hexutil.Bytes(raw))
	if says(err, "already known") || says(err, "already imported") {
		return nil
	}
	return err
}

// says looks for a node's words: JSON-RPC has no codes for the pool's reasons.
func says(err error, words string) bool {
	return err != nil && isAnswer(err) && strings.Contains(strings.ToLower(err.Error()), words)
}
