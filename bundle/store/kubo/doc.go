// Package kubo puts blocks into an IPFS node of one's own (kubo, by its RPC
// API), pinned, and reads them from it. The RPC API controls the whole node and
// has no authentication by default: it belongs on loopback.
package kubo
