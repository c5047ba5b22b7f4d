// Package audit is the file by which somebody who has no node, no key and no
// reason to believe the exporter checks an organisation's logs
// (docs/formats.md section 14). It does no networking.
//
//	file   "DPKIAUDT" | u8 1 | u16 length | anchor | u16 headers, each u16 length | RLP |
//	       u16 checkpoints, each u16 length | checkpoint | u16 proofs, each proof
//	proof  u16 header | u32 length | JSON | u8 logs, each log
//	log    scope 32 | u32 segments, each u32 length | segment
//
// Headers are those of consecutive blocks, the oldest first, each naming the hash
// of the one before it: proofs are served at the tip only, so that a long list of
// logs takes several blocks to prove, and one hash has to cover them all. A proof
// is EIP-1186's, at the header with that index, of the H word of each of its logs,
// and of the C word that a log which does not begin at its first entry begins at.
// Segments have the form of package registry/segment, that devices read.
//
// Check says that the file holds together: what it shows is what the contract
// holds, if its newest block is one of the chain's. Vouched says who says so.
// Neither believes a word of the file.
package audit
