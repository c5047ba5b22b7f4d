package contracts

import (
	_ "embed"
	"encoding/hex"
	"strings"
)

var (
	//go:embed DPKI.bin
	initHex string
	//go:embed DPKI.bin-runtime
	runtimeHex string
)

// InitCode is the data of a transaction that creates the contract. It takes no
// arguments.
func InitCode() []byte { return mustHex(initHex) }

// RuntimeCode is what then stands at the contract's address; contracts/code has
// its hash.
func RuntimeCode() []byte { return mustHex(runtimeHex) }

// mustHex decodes an embedded file, which a test has decoded before.
func mustHex(s string) []byte {
	b, err := hex.DecodeString(strings.TrimSuffix(s, "\n"))
	if err != nil {
		panic("contracts: embedded bytecode: " + err.Error())
	}
	return b
}
