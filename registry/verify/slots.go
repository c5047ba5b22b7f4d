package verify

import (
	"encoding/binary"

	"dpki/state"
)

// The contract's mappings that readers prove, by their storage slot.
const (
	slotH = 0
	slotC = 1
)

// SlotH is the storage key of a scope's running hash:
//
//	keccak(scope | keccak(org | 0))
func SlotH(org, scope state.Word) state.Word { return inMapping(scope, inMapping(org, number(slotH))) }

// SlotC is the storage key of a scope's running hash at sequence 1,024 * i:
//
//	keccak(i | keccak(scope | keccak(org | 1)))
func SlotC(org, scope state.Word, i uint64) state.Word {
	return inMapping(number(i), inMapping(scope, inMapping(org, number(slotC))))
}

// hintSlot is the word that the contract keeps after H. It is the contract's
// own, no part of the format, and only ever a hint of where to look.
func hintSlot(org, scope state.Word) state.Word {
	slot := SlotH(org, scope)
	for i := len(slot) - 1; i >= 0; i-- {
		if slot[i]++; slot[i] != 0 {
			break
		}
	}
	return slot
}

// hint is where a scope's log ends: seq 48 | block 48 | time 40, from the
// lowest bit up.
type hint struct{ seq, block uint64 }

func parseHint(w state.Word) hint {
	return hint{seq: bits48(w[26:32]), block: bits48(w[20:26])}
}

func bits48(b []byte) uint64 {
	return uint64(binary.BigEndian.Uint16(b))<<32 | uint64(binary.BigEndian.Uint32(b[2:]))
}

// inMapping is the storage key of a mapping's value, as Solidity lays it out.
func inMapping(key, slot state.Word) state.Word { return state.Keccak256(key[:], slot[:]) }

func number(n uint64) (w state.Word) {
	binary.BigEndian.PutUint64(w[24:], n)
	return w
}
