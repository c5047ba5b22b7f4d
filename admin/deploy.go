package admin

import (
	"context"

	"dpki/registry/post"
	"dpki/state"
)

// Deployed is where the registry contract stands.
type Deployed struct {
	Contract string `json:"contract"`
	Sent     bool   `json:"sent"` // by this call; it may have been there
	Block    uint64 `json:"block,omitempty"`
}

// Deploy puts the registry contract on a chain that does not have it yet. Nobody
// owns it, and it is the same for everybody: the first who needs it pays.
func Deploy(ctx context.Context, c *post.Client, unlock func() error) (*Deployed, error) {
	if err := unlock(); err != nil {
		return nil, postProblem(err)
	}
	address, receipt, err := post.Deploy(ctx, c)
	if err != nil {
		return nil, postProblem(err)
	}
	return &Deployed{Contract: address.String(), Sent: receipt.Tx != state.Word{}, Block: receipt.Block}, nil
}
