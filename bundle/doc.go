// Package bundle implements what DPKI encrypts: the sealed data of entries, the
// recipients and their enrolment requests, bundles on IPFS and the batches that
// announce them (docs/formats.md sections 5, 6 and 7).
//
// Two kinds of secrecy are kept apart:
//
//   - Entry data is sealed with a key of its own, derived from a scope key and
//     the entry's random subject (Ring). The additional data binds anchor,
//     scope, kind, subject and window, so that bytes moved to another entry do
//     not open. Disclosing the one derived key opens one entry.
//   - A Bundle is an age file to exactly one hybrid recipient (ML-KEM-768 and
//     X25519), at most MaxBlock bytes, one raw IPFS block whose CID is the
//     sha-256 of its bytes. Its header repeats anchor, scope, subject and
//     purpose, which the reader compares with the entry that announced it.
//
// A Batch announces any number of bundles by one entry: a root block of leaf
// digests, leaf blocks of (recipient tag, bundle digest). Content addressing is
// the Merkle proof: every block is compared with the digest that named it,
// whoever served it.
//
// Nothing here touches the network: blocks come from a Getter. Errors that a
// caller branches on are sentinels (ErrNoKey, ErrAltered, ErrNotForUs, ...); a
// reader that cannot open something must treat it as refused. Secrets print as
// "(secret)".
package bundle
