package post

import (
	"errors"
	"fmt"
	"math/big"

	"dpki/state"

	"github.com/ethereum/go-ethereum/crypto"
)

// ErrSignature says that bytes are no signature that the contract would take of
// an account without code.
var ErrSignature = errors.New("not a signature")

// Sign signs a digest (Organisation.Digest) as an approver or a guardian:
// r | s | v, 65 bytes, v = 27 or 28. It opens the key each time.
func (a Account) Sign(digest state.Word) ([]byte, error) {
	s := signer{account: a}
	key, err := s.open()
	if err != nil {
		return nil, err
	}
	signature, err := crypto.Sign(digest[:], key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSigner, err)
	}
	signature[crypto.RecoveryIDOffset] += 27
	return signature, nil
}

// SignerOf tells whose signature over the digest this is. A contract's (ERC-1271)
// tells nothing here: Poster.Accepts asks it.
func SignerOf(digest state.Word, signature []byte) (state.Address, error) {
	if len(signature) != crypto.SignatureLength {
		return state.Address{}, fmt.Errorf("%w: %d bytes", ErrSignature, len(signature))
	}
	r, s, v := new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:64]), signature[64]-27
	// A high s is another spelling of the same signature, which the contract refuses.
	if !crypto.ValidateSignatureValues(v, r, s, true) {
		return state.Address{}, fmt.Errorf("%w: out of range", ErrSignature)
	}
	plain := append(append([]byte(nil), signature[:64]...), v)
	key, err := crypto.SigToPub(digest[:], plain)
	if err != nil {
		return state.Address{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	return state.Address(crypto.PubkeyToAddress(*key)), nil
}
