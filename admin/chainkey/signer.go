package chainkey

import (
	"context"
	"math/big"

	"github.com/ethereum/go-ethereum/core/types"
)

// Signer signs with a key that is not in a file; it is a post.External.
type Signer interface {
	Ready(ctx context.Context) error
	SignTx(ctx context.Context, tx *types.Transaction, chainID *big.Int) (*types.Transaction, error)
	SignTyped(ctx context.Context, data []byte) ([]byte, error)
}

// Signer is the one at the URL. Nothing is asked of it yet.
func (e External) Signer() (Signer, error) {
	if err := e.Check(); err != nil {
		return nil, err
	}
	if e.URL == LedgerURL {
		return ledger(e)
	}
	return &Clef{e}, nil
}
