package registry

import "dpki/state"

// Limits of one answer, in bytes. A reader of the network stops at them; a
// verifier refuses more.
const (
	// MaxChainID bounds an eth_chainId result.
	MaxChainID = 100
	// MaxHeader bounds one header. Some endpoints answer with the whole block
	// and its transaction hashes, 70 bytes each.
	MaxHeader = 256 << 10
	// MaxProof bounds an eth_getProof result. Measured: 22 KB for three words
	// at a million records; MaxSlots words need about 100 KB.
	MaxProof = 512 << 10
	// MaxSlots is the most storage words that one question names.
	MaxSlots = 32
	// MaxHeaders is the most headers that one question names.
	MaxHeaders = 64
	// MaxLogs bounds one eth_getLogs result. A block full of entries must fit,
	// since a range cannot be halved below one block: 60 M gas at 32 k and
	// about 1.2 KB of JSON each are 2.3 MB.
	MaxLogs = 8 << 20
)

// HeadQuery asks for one look at the tip: chain id, the latest, safe and
// finalized headers, and a proof of storage words at the latest.
type HeadQuery struct {
	Contract state.Address
	Slots    []state.Word // keys of the storage words, at most MaxSlots; none = no proof
	// At, unless 0, asks for the header of that number in the latest's place: to
	// confirm what another endpoint has proved costs no second proof. It goes
	// without slots: a proof is served at the tip only.
	At uint64
	// TipOnly leaves out the safe and finalized headers. A mirror, which keeps one
	// answer for all, gives them nevertheless.
	TipOnly bool
}

// HeadReply holds the JSON-RPC results as they came. Safe or Finalized is nil
// or `null` where the chain does not know such a block, or nobody asked.
type HeadReply struct {
	ChainID   []byte // eth_chainId
	Latest    []byte // header; of HeadQuery.At, `null` where the endpoint does not have it yet
	Safe      []byte // header
	Finalized []byte // header
	Proof     []byte // eth_getProof at latest, which may be one block off Latest
}

// LogQuery asks for the Appended logs of some scopes of an organisation, in
// blocks From to To, both included.
type LogQuery struct {
	Contract state.Address
	Org      state.Word
	Scopes   []state.Word // at least one, at most MaxSlots
	From, To uint64
	Max      int // bytes after which the answer is TooLarge; 0 = MaxLogs
}
