// Package registry holds what travels between a reader of the chain's network
// and the code that verifies what it read: questions, raw answers, and one kind
// of failure.
//
//	registry/source  asks endpoints, hands on bytes         (network, no meaning)
//	registry/verify  checks bytes, keeps the verified log   (meaning, no network)
//	registry/post    writes transactions                    (admin only)
//
// The split is what lets a device run its network code in a process of its own
// that holds no keys and no state: everything here can cross a pipe.
//
// Every byte slice in an answer is foreign and unverified. The limits below
// bound it before anybody parses it.
package registry
