package post

import (
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"sync"

	"dpki/state"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
)

// Account is the signer of transactions.
type Account struct {
	Address state.Address
	// Open gives the key. It is called once, when the first transaction is
	// signed, so that an estimate asks for no passphrase.
	Open func() (*ecdsa.PrivateKey, error)
}

// signer opens an account's key once.
type signer struct {
	account Account
	mu      sync.Mutex
	key     *ecdsa.PrivateKey
}

// open gives the key, and makes sure that it is the account's.
func (s *signer) open() (*ecdsa.PrivateKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.key == nil {
		key, err := s.account.Open()
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSigner, err)
		}
		if got := state.Address(crypto.PubkeyToAddress(key.PublicKey)); got != s.account.Address {
			return nil, fmt.Errorf("%w: it is of %s, not %s", ErrSigner, got, s.account.Address)
		}
		s.key = key
	}
	return s.key, nil
}

func (s *signer) sign(tx types.TxData, chainID *big.Int) (*types.Transaction, error) {
	key, err := s.open()
	if err != nil {
		return nil, err
	}
	signed, err := types.SignNewTx(key, types.LatestSignerForChainID(chainID), tx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return signed, nil
}
