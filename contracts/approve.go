package contracts

import (
	"encoding/binary"
	"fmt"
	"math/big"

	"dpki/contracts/bindings"
	"dpki/state"
)

// Approval is one admin's consent to a write.
type Approval struct {
	Admin     state.Admin
	Signature []byte // over Proposal.Digest: 65 bytes r | s | v with v = 27 or 28, or what the account takes by ERC-1271
}

// Proposal is a write that several admins approve and anyone sends, once.
type Proposal struct {
	Org      state.Word
	Epoch    uint32 // the organisation's; a new one voids the approvals
	Groups   []Group
	Nonce    state.Word // free choice; makes two otherwise equal proposals different
	Deadline uint64     // Unix seconds, below 2^40: the last second in which it may be sent
}

// EIP-712 type hashes.
var (
	domainType = state.Keccak256([]byte("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"))
	domainName = state.Keccak256([]byte("DPKI"))
	domainVer  = state.Keccak256([]byte("1"))
	groupType  = state.Keccak256([]byte("Group(bytes32 scope,bytes32 salt,bytes changes)"))
	writeType  = state.Keccak256([]byte("Write(bytes32 org,uint32 epoch,Group[] groups,bytes32 nonce,uint40 deadline)" +
		"Group(bytes32 scope,bytes32 salt,bytes changes)"))
)

// Digest is what the approvers sign, EIP-712:
//
//	keccak(0x1901 | hash of the domain (name "DPKI", version "1", chain id, contract) | hash of Write)
func (p Proposal) Digest(r state.Registry) (state.Word, error) {
	groups, err := packGroups(p.Groups)
	if err != nil {
		return state.Word{}, err
	}
	var hashes []byte
	for _, g := range groups {
		changes := state.Keccak256(g.Changes)
		h := state.Keccak256(groupType[:], g.Scope[:], g.Salt[:], changes[:])
		hashes = append(hashes, h[:]...)
	}
	content := state.Keccak256(hashes)
	epoch, deadline := wordOf(uint64(p.Epoch)), wordOf(p.Deadline)
	write := state.Keccak256(writeType[:], p.Org[:], epoch[:], content[:], p.Nonce[:], deadline[:])
	chain := wordOf(r.ChainID)
	var contract state.Word
	copy(contract[12:], r.Contract[:])
	domain := state.Keccak256(domainType[:], domainName[:], domainVer[:], chain[:], contract[:])
	return state.Keccak256([]byte{0x19, 0x01}, domain[:], write[:]), nil
}

// PackWriteApproved is the calldata of writeApproved. Approvals stand by
// strictly ascending account; whoever sends it needs no power.
func PackWriteApproved(p Proposal, approvals []Approval) ([]byte, error) {
	if p.Deadline > state.Never {
		return nil, fmt.Errorf("deadline %d: %w", p.Deadline, ErrChange)
	}
	groups, err := packGroups(p.Groups)
	if err != nil {
		return nil, err
	}
	bound := make([]bindings.Approval, len(approvals))
	for i, a := range approvals {
		bound[i] = bindings.Approval{Admin: bindAdmin(a.Admin), Signature: a.Signature}
	}
	return abi.TryPackWriteApproved(p.Org, groups, p.Nonce, bigOf(p.Deadline), bound)
}

func wordOf(v uint64) (w state.Word) {
	binary.BigEndian.PutUint64(w[24:], v)
	return w
}

func bigOf(v uint64) *big.Int { return new(big.Int).SetUint64(v) }
