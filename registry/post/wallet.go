package post

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"slices"

	"dpki/contracts"
	"dpki/state"

	"github.com/ethereum/go-ethereum/common/hexutil"
)

// accepted is the selector of isValidSignature(bytes32,bytes), and what it answers
// for a signature of the account's (ERC-1271).
var accepted = []byte{0x16, 0x26, 0xba, 0x7e}

// acceptCall is isValidSignature(digest, signature): selector | digest | offset 64 |
// length | signature, padded with zeros to words.
func acceptCall(digest state.Word, signature []byte) []byte {
	b := append(slices.Clone(accepted), digest[:]...)
	b = binary.BigEndian.AppendUint64(append(b, make([]byte, 24)...), 64)
	b = binary.BigEndian.AppendUint64(append(b, make([]byte, 24)...), uint64(len(signature)))
	b = append(b, signature...)
	return append(b, make([]byte, (32-len(signature)%32)%32)...)
}

// Accepts implements Poster. It is the endpoint's word for what the registry will
// ask the account itself.
func (c *Client) Accepts(ctx context.Context, account state.Address, digest state.Word, signature []byte) (bool, error) {
	var answer hexutil.Bytes
	err := c.ask(ctx, &answer, "eth_call", map[string]any{"to": account.String(), "input": hexutil.Bytes(acceptCall(digest, signature))}, "latest")
	if err != nil {
		err = refusal(err)
		var refused *contracts.Refusal
		if errors.Is(err, ErrReverted) || errors.As(err, &refused) {
			return false, nil // it would have to answer
		}
		return false, err
	}
	// As OpenZeppelin's SignatureChecker reads it; an account without code answers
	// nothing.
	return len(answer) >= 32 && bytes.Equal(answer[:32], append(slices.Clone(accepted), make([]byte, 28)...)), nil
}
