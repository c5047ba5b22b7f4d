package post

import (
	"context"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Settle implements Poster.
func (c *Client) Settle(ctx context.Context, since uint64, waiting func(nonce uint64)) (overtaken bool, block uint64, err error) {
	used, err := c.count(ctx, "latest")
	if err != nil {
		return false, 0, err
	}
	// An endpoint that does not know the block says nothing about what came after it.
	known := used
	if n, err := c.count(ctx, hexutil.EncodeUint64(since)); err == nil && since > 0 {
		known = n
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Wait)
	defer cancel()
	told := false
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		// Asked anew each time: a pool may also forget what it had.
		pending, err := c.count(ctx, "pending")
		if err == nil {
			var n uint64
			if n, err = c.count(ctx, "latest"); err == nil { // else the time is over
				used = n
			}
		}
		if err != nil && !told {
			return false, 0, err
		}
		if err == nil && used >= pending {
			break
		}
		if !told {
			told = true
			waiting(used)
		}
		select {
		case <-ctx.Done():
			return false, 0, &UnsettledError{Nonce: used}
		case <-time.After(pause):
		}
	}
	var number hexutil.Uint64
	if err := c.ask(ctx, &number, "eth_blockNumber"); err != nil {
		return false, 0, answered(err)
	}
	return used > known, uint64(number), nil
}

// count is how many transactions of the account there are, up to a block.
func (c *Client) count(ctx context.Context, block string) (uint64, error) {
	var n hexutil.Uint64
	if err := c.ask(ctx, &n, "eth_getTransactionCount", c.From().String(), block); err != nil {
		return 0, answered(err)
	}
	return uint64(n), nil
}

// UnsettledError: an earlier transaction of the account is in no block yet.
type UnsettledError struct {
	Nonce uint64 // of the first one
}

func (e *UnsettledError) Error() string {
	return fmt.Sprintf("transaction %d of this account is in no block yet", e.Nonce)
}
