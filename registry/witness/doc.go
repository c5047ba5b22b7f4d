// Package witness is the checkpoints that an organisation's witnesses sign, and
// how a set of witnesses is followed by another. It does no networking.
//
// A witness runs beside a node of its own and signs the hashes of that node's
// latest blocks. A reader that pins witnesses believes a block of its endpoints
// only once k of them have signed its hash, so that endpoints which all lie
// together show it nothing.
//
// # Why block hashes, and not the H words
//
// A block's hash commits to the chain's whole state, so that every proof of
// every scope hangs below it. One checkpoint therefore serves all devices of all
// organisations on a chain, is as small for a million devices as for one, names
// no scope, and can be cached by anybody; signed H words would be a list as long
// as the organisation has scopes, which each device fetches again whenever one
// of them moves, or a tree whose paths only a server can cut out.
//
// The price: proofs are served at the tip only, so that the tip which an
// endpoint proved must be among the blocks that are signed. A checkpoint holds
// up to MaxHashes blocks for that, and a reader keeps the tips that it has seen
// until the checkpoint that covers one of them arrives.
//
// # Forms
//
// docs/formats.md, section 13. Integers are big endian. A parser refuses trailing
// bytes, unknown versions and what is not canonical: Marshal(Parse(x)) == x.
package witness
