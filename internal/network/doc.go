// Package network is the network file of docs/formats.md section 8: which
// chain, which contract, which endpoints and stores. It holds no secret, though
// an endpoint's URL may carry an access key: treat the text as the admin does.
//
// It parses TOML of at most 64 KiB. An unknown field, a wrong version or a value
// out of range is an error that names it; nothing is guessed. Parse(Marshal(n))
// gives n.
package network
