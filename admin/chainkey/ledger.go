//go:build ledger

package chainkey

import (
	"context"
	"encoding/json"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/accounts"
	"github.com/ethereum/go-ethereum/accounts/usbwallet"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"dpki/state"
)

// searched is how many accounts of a Ledger are looked at, along the path that
// Ledger Live uses first (m/44'/60'/0'/0/i).
const searched = 10

// Ledger signs with a Ledger device. It is compiled by a check and was never
// tried on a device: whoever has one, tell us.
type Ledger struct{ external External }

func ledger(e External) (Signer, error) { return &Ledger{e}, nil }

// Ready finds the account on a device.
func (l *Ledger) Ready(context.Context) error {
	w, _, err := l.open()
	if err != nil {
		return err
	}
	return w.Close()
}

// SignTx implements post.External: the device shows the transaction.
func (l *Ledger) SignTx(_ context.Context, tx *types.Transaction, chainID *big.Int) (*types.Transaction, error) {
	w, account, err := l.open()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	signed, err := w.SignTx(account, tx, chainID)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	return signed, nil
}

// SignTyped implements post.External: the device shows the domain's and the
// message's hash.
func (l *Ledger) SignTyped(_ context.Context, data []byte) ([]byte, error) {
	var typed apitypes.TypedData
	if err := json.Unmarshal(data, &typed); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	_, hashes, err := apitypes.TypedDataAndHash(typed)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	w, account, err := l.open()
	if err != nil {
		return nil, err
	}
	defer w.Close()
	signature, err := w.SignData(account, accounts.MimetypeTypedData, []byte(hashes))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	if len(signature) == 65 && signature[64] < 27 {
		signature[64] += 27
	}
	return signature, nil
}

func (l *Ledger) open() (accounts.Wallet, accounts.Account, error) {
	hub, err := usbwallet.NewLedgerHub()
	if err != nil {
		return nil, accounts.Account{}, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	for _, w := range hub.Wallets() {
		if w.Open("") != nil {
			continue
		}
		next := accounts.DefaultIterator(accounts.DefaultBaseDerivationPath)
		for range searched {
			account, err := w.Derive(next(), true)
			if err == nil && state.Address(account.Address) == l.external.Address {
				return w, account, nil
			}
		}
		w.Close()
	}
	return nil, accounts.Account{}, fmt.Errorf("%w: no Ledger that is unlocked, with its Ethereum app open, has account %s", ErrSigner, l.external.Address)
}
