// Package code names the one contract that this release reads: its version and
// the hash of its runtime code, which is the same on every chain because the
// contract has no constructor arguments, immutables or metadata. A reader
// compares Hash with the code hash in the proof of the contract's account
// (docs/formats.md sections 1 and 2).
//
// It imports nothing, so that readers do not carry the code that writes.
package code
