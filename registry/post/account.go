package post

import (
	"context"
	"crypto/ecdsa"
	"fmt"
	"math/big"
	"sync"

	"dpki/contracts"
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
	// External, unless nil, signs in Open's place: the key is elsewhere.
	External External
}

// External signs with a key that this process never has. What it gives is
// checked: it may ask its owner, who may refuse or alter what is signed.
type External interface {
	// SignTx signs this transaction for this chain.
	SignTx(ctx context.Context, tx *types.Transaction, chainID *big.Int) (*types.Transaction, error)
	// SignTyped signs EIP-712 data, as eth_signTypedData_v4 takes it: r | s | v,
	// 65 bytes, v = 27 or 28.
	SignTyped(ctx context.Context, data []byte) ([]byte, error)
}

// SignProposal signs as an approver or a guardian, by whatever signs for this
// account: r | s | v, 65 bytes, v = 27 or 28.
func (a Account) SignProposal(ctx context.Context, r state.Registry, p contracts.Proposal) ([]byte, error) {
	digest, err := p.Digest(r)
	if err != nil {
		return nil, err
	}
	if a.External == nil {
		return a.Sign(digest)
	}
	data, err := p.TypedData(r)
	if err != nil {
		return nil, err
	}
	signature, err := a.External.SignTyped(ctx, data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	if who, err := SignerOf(digest, signature); err != nil || who != a.Address {
		return nil, fmt.Errorf("%w: %s did not sign this, whatever it signed", ErrSigner, a.Address)
	}
	return signature, nil
}

// SignProposal implements Poster.
func (c *Client) SignProposal(ctx context.Context, r state.Registry, p contracts.Proposal) ([]byte, error) {
	return c.config.Account.SignProposal(ctx, r, p)
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
	if s.account.Open == nil {
		return nil, fmt.Errorf("%w: the key of %s is not here", ErrSigner, s.account.Address)
	}
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

func (s *signer) sign(ctx context.Context, tx types.TxData, chainID *big.Int) (*types.Transaction, error) {
	if s.account.External != nil {
		return s.elsewhere(ctx, types.NewTx(tx), chainID)
	}
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

// elsewhere has a transaction signed and takes it only as it was asked for: a
// signer's owner who alters fees there would make the estimate a lie, and one
// who alters more signs what nobody has looked at.
func (s *signer) elsewhere(ctx context.Context, tx *types.Transaction, chainID *big.Int) (*types.Transaction, error) {
	signed, err := s.account.External.SignTx(ctx, tx, chainID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	rules := types.LatestSignerForChainID(chainID)
	if signed == nil || signed.Type() != tx.Type() || rules.Hash(signed) != rules.Hash(tx) {
		return nil, fmt.Errorf("%w: it signed another transaction than it was asked to", ErrSigner)
	}
	if who, err := types.Sender(rules, signed); err != nil || state.Address(who) != s.account.Address {
		return nil, fmt.Errorf("%w: it signed as %s, not %s", ErrSigner, state.Address(who), s.account.Address)
	}
	return signed, nil
}
