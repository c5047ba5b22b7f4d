package verify

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"dpki/state"
)

// maxNesting is how deep the JSON of an answer nests: a header 2 (its
// transactions and their access lists 6), a proof 5, a log 4.
const maxNesting = 8

var (
	errSize    = errors.New("too large")
	errNesting = errors.New("nests too deep")
	errHex     = errors.New("not canonical hex")
)

// bounded refuses JSON that is larger or deeper than any honest answer, before
// a parser walks it.
func bounded(raw []byte, size int) error {
	if len(raw) > size {
		return fmt.Errorf("%d bytes: %w", len(raw), errSize)
	}
	depth, quoted := 0, false
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			if depth++; depth > maxNesting {
				return errNesting
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return nil
}

// isNull reports whether an answer is absent: an endpoint that does not know a
// block answers null.
func isNull(raw []byte) bool {
	return len(raw) == 0 || string(raw) == "null"
}

// decodeData decodes the DATA of JSON-RPC: 0x and two hex digits a byte.
func decodeData(s string, size int) ([]byte, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) > 2*size {
		return nil, errHex
	}
	b, err := hex.DecodeString(digits)
	if err != nil {
		return nil, errHex
	}
	return b, nil
}

func decodeWord(s string) (w state.Word, err error) {
	b, err := decodeData(s, len(w))
	if err != nil || len(b) != len(w) {
		return state.Word{}, errHex
	}
	return state.Word(b), nil
}

func decodeAddress(s string) (a state.Address, err error) {
	b, err := decodeData(s, len(a))
	if err != nil || len(b) != len(a) {
		return state.Address{}, errHex
	}
	return state.Address(b), nil
}

// decodeQuantity decodes a QUANTITY of JSON-RPC: 0x and hex digits, the first
// not zero unless it is the only one.
func decodeQuantity(s string) (uint64, error) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || digits == "" || len(digits) > 16 || digits[0] == '0' && len(digits) > 1 {
		return 0, errHex
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		return 0, errHex
	}
	return n, nil
}
