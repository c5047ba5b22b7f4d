package witness

import (
	"bytes"
	"crypto/ed25519"
	"slices"

	"dpki/state"
)

const (
	chain  = 1135
	anchor = "dpki:eip155:1135:an-organisation"
)

// private is the key of a witness that a test calls by a number.
func private(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

func setOf(version uint32, agree int, witnesses ...byte) Set {
	s := Set{Version: version, Agree: agree}
	for _, n := range witnesses {
		s.Keys = append(s.Keys, KeyOf(private(n)))
	}
	slices.SortFunc(s.Keys, func(a, b Key) int { return bytes.Compare(a[:], b[:]) })
	return s
}

func sample() *Checkpoint {
	return &Checkpoint{ChainID: chain, Number: 1000, Time: 1_800_000_000, Safe: 990, Finalized: 900, Hashes: []state.Word{{1}, {2}, {3}}}
}
