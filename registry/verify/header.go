package verify

import (
	"encoding/json"
	"fmt"

	"dpki/registry"
	"dpki/state"

	"github.com/ethereum/go-ethereum/core/types"
)

// Header is the part of a block header that DPKI reads, after its hash has
// been computed again from all of it.
type Header struct {
	Number uint64
	Hash   state.Word
	Parent state.Word
	Root   state.Word // state root, which account proofs start from
	Time   uint64     // Unix seconds
}

// ParseHeader parses the result of eth_getHeaderByNumber or
// eth_getBlockByNumber, of which members that are not the header's are ignored.
// Its error wraps ErrHeader.
func ParseHeader(raw []byte) (Header, error) {
	if err := bounded(raw, registry.MaxHeader); err != nil {
		return Header{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	var header types.Header
	if err := json.Unmarshal(raw, &header); err != nil {
		return Header{}, fmt.Errorf("%w: %v", ErrHeader, err)
	}
	var named struct {
		Hash string `json:"hash"`
	}
	if err := json.Unmarshal(raw, &named); err != nil {
		return Header{}, fmt.Errorf("%w: %v", ErrHeader, err)
	}
	claimed, err := decodeWord(named.Hash)
	if err != nil {
		return Header{}, fmt.Errorf("%w: hash %.80q", ErrHeader, named.Hash)
	}
	// A header with members that this build does not know hashes to something
	// else: the chain is newer than the build.
	if hash := state.Word(header.Hash()); hash != claimed {
		return Header{}, fmt.Errorf("%w: it hashes to %s, not %s", ErrHeader, hash, claimed)
	}
	if !header.Number.IsUint64() {
		return Header{}, fmt.Errorf("%w: number of %d bits", ErrHeader, header.Number.BitLen())
	}
	return Header{Number: header.Number.Uint64(), Hash: claimed, Parent: state.Word(header.ParentHash),
		Root: state.Word(header.Root), Time: header.Time}, nil
}
