package contracts

import (
	_ "embed"
	"encoding/hex"
	"strings"
)

//go:embed DPKI.bin
var initHex string

// InitCode is the data of a transaction that creates the contract. It takes no
// arguments. The hash of what then stands at the address is in contracts/code.
func InitCode() []byte { return mustHex(initHex) }

// mustHex decodes an embedded file, which a test has decoded before.
func mustHex(s string) []byte {
	b, err := hex.DecodeString(strings.TrimSuffix(s, "\n"))
	if err != nil {
		panic("contracts: embedded bytecode: " + err.Error())
	}
	return b
}
