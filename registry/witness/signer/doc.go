// Package signer is a witness at work: it looks at a node of its own, signs what
// it sees (package witness), and publishes that as one small file.
//
// It believes its node: the node must be one that verifies the chain itself and
// that nobody else runs. What it checks is what costs nothing: that headers hash
// as they say and follow one another, and that the chain is the right one.
//
// It holds one key and no state. After a restart it signs what its node then
// shows; a node that is behind makes its checkpoints old, not wrong.
package signer
