package devchain

import (
	"crypto/ecdsa"
	"math/big"
	"time"

	"dpki/state"
)

// Options of a chain. The zero value is a chain in memory on a free port.
type Options struct {
	Dir     string // folder to keep everything in; "" = memory
	Port    int    // loopback port; 0 = any free one
	ChainID uint64 // 0 = 31337
	// Admin is an account funded from the start, besides the chain's own; nil
	// makes a new key.
	Admin *ecdsa.PrivateKey
	// HoldBack is how many blocks safe and finalized stay behind the head.
	HoldBack uint64
	// BlockTime mines a block every so often, whole seconds; 0 = on demand.
	BlockTime time.Duration
	// Heartbeat, on demand, makes an empty block when none was made for so long,
	// as a public chain would; 0 = never.
	Heartbeat time.Duration
	// MaxDrift is how far block time may run ahead of the clock before mining
	// waits; 0 = 3 s, negative = no limit, for tests that mine thousands.
	MaxDrift time.Duration
	// NoContract leaves the registry contract out.
	NoContract bool
	// L1Fee puts a GasPriceOracle at the OP stack's address that answers every
	// question with this fee; nil = none.
	L1Fee *big.Int
	// Alloc are more accounts of the genesis block.
	Alloc map[state.Address]Account
}

// Account is a genesis account.
type Account struct {
	Balance *big.Int
	Code    []byte
	Storage map[state.Word]state.Word
}
