package verify

import "dpki/state"

// Header is the part of a block header that DPKI reads, after its hash has
// been computed again from all of it.
type Header struct {
	Number uint64
	Hash   state.Word
	Parent state.Word
	Root   state.Word // state root, which account proofs start from
	Time   uint64     // Unix seconds
}
