package post

import (
	"context"
	"math/big"

	"dpki/contracts"
	"dpki/state"
)

// Call is one transaction to make.
type Call struct {
	To   state.Address
	Data []byte
	// CodeHash is the hash of the code that must stand at To; zero = do not look.
	CodeHash state.Word
}

// Estimate is what a call will cost.
type Estimate struct {
	Gas         uint64   // within 2 % of what the receipt says; up to 10 % above it where storage is cleared
	GasPrice    *big.Int // wei a gas, expected
	MaxGasPrice *big.Int // wei a gas, at most
	L1Fee       *big.Int // wei, OP-stack chains; 0 elsewhere
	Fee         *big.Int // wei, expected: Gas * GasPrice + L1Fee
	MaxFee      *big.Int // wei, at most; the account must hold it
	Balance     *big.Int // wei, of the account
}

// Receipt is a transaction in a block.
type Receipt struct {
	Tx      state.Word
	Block   uint64
	Time    uint64 // Unix seconds, of the block
	GasUsed uint64
	Fee     *big.Int // wei, paid, L1 fee included
}

// Poster is what admin's use cases need. Client is the one implementation.
type Poster interface {
	// Estimate fails as Post would, except for lack of funds: the estimate says
	// what is there and what is needed.
	Estimate(ctx context.Context, c Call) (Estimate, error)
	// Post signs, sends and waits until the transaction is in a block.
	Post(ctx context.Context, c Call) (Receipt, error)
	// Settle waits until every transaction that the account sent before is in a
	// block, or gone from the pool: another process may have sent it, and been
	// killed. It says whether any came in after block since (0: after the call), and
	// a block in which they are. waiting is told once that there is one to wait for,
	// and its nonce. An *UnsettledError says that it stayed where it was.
	Settle(ctx context.Context, since uint64, waiting func(nonce uint64)) (overtaken bool, block uint64, err error)
	// From is the account.
	From() state.Address
	// SignProposal signs as an approver or a guardian. Nothing is sent.
	SignProposal(ctx context.Context, r state.Registry, p contracts.Proposal) ([]byte, error)
	// Accepts asks an account that is a contract whether a signature over a digest
	// is its own (ERC-1271): never of an account without code.
	Accepts(ctx context.Context, account state.Address, digest state.Word, signature []byte) (bool, error)
}
