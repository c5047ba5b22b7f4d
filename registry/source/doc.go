// Package source reads the chain's network and hands on raw bytes. It gives
// them no meaning and no trust: registry/verify does both.
//
// A Client is one endpoint over HTTP(S) or WS(S) JSON-RPC (EIP-1474), batches
// included.
// Limits: every answer is cut off at its own size; every call has a deadline;
// redirects to another origin are refused; an endpoint that failed is left
// alone for 0.5 s, then twice as long, up to a minute. Every error is a
// *registry.Failure.
//
// A Hint is a WS(S) subscription to new heads. It wakes a reader up and says
// nothing else; without it a reader polls.
package source
