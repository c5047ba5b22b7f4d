package audit

import (
	"bytes"
	"encoding/json"
	"fmt"

	"dpki/registry/verify"
	"dpki/state"

	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rlp"
)

// EncodeHeader is the RLP of a header that an endpoint gave as JSON, after its
// hash has been computed again.
func EncodeHeader(raw []byte) ([]byte, verify.Header, error) {
	h, err := verify.ParseHeader(raw)
	if err != nil {
		return nil, h, err
	}
	var full types.Header
	if err := json.Unmarshal(raw, &full); err != nil {
		return nil, h, fmt.Errorf("%w: %v", verify.ErrHeader, err)
	}
	b, err := rlp.EncodeToBytes(&full)
	if err != nil {
		return nil, h, fmt.Errorf("%w: %v", verify.ErrHeader, err)
	}
	return b, h, nil
}

// header decodes RLP. A block's hash is that of these very bytes.
func header(b []byte) (verify.Header, error) {
	var h types.Header
	if err := rlp.DecodeBytes(b, &h); err != nil {
		return verify.Header{}, fmt.Errorf("%w: %v", verify.ErrHeader, err)
	}
	if again, err := rlp.EncodeToBytes(&h); err != nil || !bytes.Equal(again, b) {
		return verify.Header{}, fmt.Errorf("%w: not canonical", verify.ErrHeader)
	}
	if h.Number == nil || !h.Number.IsUint64() {
		return verify.Header{}, fmt.Errorf("%w: its number", verify.ErrHeader)
	}
	return verify.Header{Number: h.Number.Uint64(), Hash: state.Keccak256(b), Parent: state.Word(h.ParentHash),
		Root: state.Word(h.Root), Time: h.Time}, nil
}
