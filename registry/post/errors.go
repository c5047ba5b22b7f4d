package post

import (
	"errors"
	"fmt"
	"math/big"

	"dpki/state"
)

// Why a transaction was not made, or not seen to be made.
var (
	// ErrUnavailable: no endpoint answered.
	ErrUnavailable = errors.New("no endpoint answered")
	// ErrReverted: the contract refused without a reason that it declares. One
	// with a reason is a *contracts.Refusal instead, found by errors.As.
	ErrReverted = errors.New("the transaction reverts")
	// ErrReplaced: another transaction of the account took the nonce.
	ErrReplaced = errors.New("another transaction of this account took its place")
	// ErrDropped: no endpoint knows the transaction any more.
	ErrDropped = errors.New("the transaction was dropped")
	// ErrTimeout: it is not in a block yet, and may still come.
	ErrTimeout = errors.New("the transaction is not in a block yet")
	// ErrSigner: the account's key could not be used.
	ErrSigner = errors.New("the account's key could not be used")
)

// FundsError says that the account cannot pay.
type FundsError struct {
	Account state.Address
	Have    *big.Int // wei
	Need    *big.Int // wei, at most
}

// Missing is what has to be sent to the account, in wei.
func (e *FundsError) Missing() *big.Int { return new(big.Int).Sub(e.Need, e.Have) }

func (e *FundsError) Error() string {
	return fmt.Sprintf("account %s has %s wei and needs up to %s: send it %s more", e.Account, e.Have, e.Need, e.Missing())
}

// SentError is an error after the transaction was sent.
type SentError struct {
	Tx  state.Word
	Err error
}

func (e *SentError) Error() string { return fmt.Sprintf("transaction 0x%s: %v", e.Tx, e.Err) }
func (e *SentError) Unwrap() error { return e.Err }
