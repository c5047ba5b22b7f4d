// Package separation plays thieves: an organisation whose powers are separated as
// docs/operations.md says, and for each combination of stolen keys what the thief
// gets done with them, on the real contract and by a device's own engine. The
// table of docs/threat-model.md, "Stolen keys", is written from what was done:
//
//	go test ./internal/e2e/separation -update
//
// and compared without -update.
//
// A goal is tried in several ways. A way asks for a key before it uses it, so that
// it is known which keys an attempt depended on: with any other set that gives the
// same answers it would do, byte for byte, the same, and is not repeated. So all
// combinations are played, of which there are some ten thousand, by some thousand
// attempts. What no way tries, no combination shows: the ways are the claim. Keys of
// one sort are alike: which two of three roots are stolen makes no difference.
//
// The chain is an EVM with state tries in memory, so that each attempt has a fork
// of its own. Contract, blocks, proofs, journal, engine, decision and signatures
// are the real ones.
package separation
