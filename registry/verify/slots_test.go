package verify

import (
	"testing"

	"dpki/state"
)

// The same keys computed by hand from the formats, and by nobody else's code.
func TestSlots(t *testing.T) {
	org, scope := state.Word{1}, state.Word{2}
	abi := func(words ...state.Word) state.Word {
		var b []byte
		for _, w := range words {
			b = append(b, w[:]...)
		}
		return state.Keccak256(b)
	}
	if got, want := SlotH(org, scope), abi(scope, abi(org, state.Word{})); got != want {
		t.Errorf("SlotH %s, want %s", got, want)
	}
	if got, want := SlotC(org, scope, 3), abi(state.Word{31: 3}, abi(scope, abi(org, state.Word{31: 1}))); got != want {
		t.Errorf("SlotC %s, want %s", got, want)
	}
	if got := hintSlot(org, scope); got[31] != SlotH(org, scope)[31]+1 || got[0] != SlotH(org, scope)[0] {
		t.Errorf("hintSlot %s, want one more than %s", got, SlotH(org, scope))
	}
	if got, want := parseHint(state.Word{20: 1, 25: 9, 30: 2, 31: 5}), (hint{seq: 0x205, block: 0x10000000009}); got != want {
		t.Errorf("hint %+v, want %+v", got, want)
	}
}
