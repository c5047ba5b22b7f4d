// Package post writes to the chain: it estimates, signs, sends and waits until a
// transaction is in a block. Only admin/ uses it: a device has no account and
// posts nothing.
//
// Nothing is kept on disk: the nonce comes from the chain, so that a process
// that was killed begins again where the chain stands. A transaction that it
// sent and did not wait for may still be mined: Settle waits for it, so that
// what is decided after it is decided in its knowledge.
//
// Fees follow EIP-1559, or one gas price (legacy); on the OP stack the L1 data
// fee is added (GasPriceOracle.getL1Fee).
//
// What a caller branches on is a typed error: ErrUnavailable,
// registry.ErrChain, ErrNoCode and ErrCode, *FundsError, *contracts.Refusal,
// ErrReverted, *UnsettledError, ErrReplaced, ErrDropped, ErrTimeout. Only the
// last three come after a transaction was sent, and *SentError names it.
package post
