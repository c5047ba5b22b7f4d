package code

// Version of the contract, as it stands in an anchor.
const Version = 1

// Hash is keccak-256 of the contract's runtime code: the code hash in the proof
// of its account.
func Hash() (h [32]byte) {
	copy(h[:], hash)
	return h
}
