package post

import (
	"context"
	"fmt"

	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// Deploy puts the registry contract at its deterministic address, through the
// CREATE2 proxy, unless it stands there. The receipt's Tx is zero where nothing
// had to be sent.
func Deploy(ctx context.Context, c *Client) (state.Address, Receipt, error) {
	d := contracts.Deterministic()
	call := Call{To: d.Contract, CodeHash: code.Hash()}
	if c.checkCode(ctx, call) == nil {
		return d.Contract, Receipt{}, nil
	}
	var proxy hexutil.Bytes
	if err := c.ask(ctx, &proxy, "eth_getCode", d.To.String(), "latest"); err != nil {
		return state.Address{}, Receipt{}, answered(err)
	}
	if len(proxy) == 0 {
		return state.Address{}, Receipt{}, fmt.Errorf("%w %s, where the deployment proxy stands on other chains", registry.ErrNoCode, d.To)
	}
	r, err := c.Post(ctx, Call{To: d.To, Data: d.Data})
	if err != nil {
		return state.Address{}, r, err
	}
	return d.Contract, r, c.checkCode(ctx, call)
}
