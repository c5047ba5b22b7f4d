// Package store reads and writes blocks: in a folder, through a trustless IPFS
// gateway, in the sandbox, in several of them at once. bundle/store/kubo speaks
// to an IPFS node of one's own; it is a package of its own because devices read
// only, and should not link an IPFS client.
//
// No store is trusted. Each Get compares what it got with the CID and returns
// ErrAltered rather than other bytes; what remains to a hostile store is to
// withhold. Each call is bounded in size (bundle.MaxBlock at most) and in time.
//
// Errors: ErrNotFound, ErrAltered, ErrTooLarge, ErrUnavailable, ErrReadOnly,
// each inside an *Error that names the store.
package store
