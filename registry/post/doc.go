// Package post writes to the chain: it estimates, signs, sends and waits until a
// transaction is in a block. Only admin/ uses it: a device has no account and
// posts nothing.
//
// Nothing is kept on disk: the nonce comes from the chain, so that a process
// that was killed begins again where the chain stands. A transaction that was
// sent and not waited for may still be mined; the contract's subjects are
// written once, so that repeating it changes nothing.
//
// Fees follow EIP-1559, or one gas price (legacy); on the OP stack the L1 data
// fee is added (GasPriceOracle.getL1Fee).
//
// What a caller branches on is a typed error: ErrUnavailable,
// registry.ErrChain, ErrNoCode and ErrCode, *FundsError, *contracts.Refusal,
// ErrReverted, ErrReplaced, ErrDropped, ErrTimeout. Only the last three come
// after a transaction was sent, and *SentError names it.
package post
