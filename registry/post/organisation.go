package post

import (
	"fmt"

	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/state"
)

// Organisation makes the calls that write to one organisation. Each can be
// estimated before it is posted. Signatures are over contracts.Proposal.Digest.
type Organisation struct {
	Registry state.Registry
	Org      state.Word
}

// Create makes the organisation; the account that posts it is the first of its
// root administrators, and with the salt the reason for its id.
func (o Organisation) Create(salt state.Word) Call {
	return Call{To: o.Registry.Contract, Data: contracts.PackCreate(salt), CodeHash: code.Hash()}
}

// Write is an admin's own; the poster's account must be the admin's.
func (o Organisation) Write(admin state.Admin, groups ...contracts.Group) (Call, error) {
	data, err := contracts.PackWrite(o.Org, admin, groups)
	return o.call(data, err)
}

// WriteApproved is a proposal with the approvals of admins; anybody posts it.
func (o Organisation) WriteApproved(p contracts.Proposal, approvals []contracts.Approval) (Call, error) {
	if err := o.owns(p); err != nil {
		return Call{}, err
	}
	data, err := contracts.PackWriteApproved(p, approvals)
	return o.call(data, err)
}

// WriteGuarded is a proposal with the consents of guardians; anybody posts it.
// contracts.Freeze, Recover and VetoPointer are what it may hold.
func (o Organisation) WriteGuarded(p contracts.Proposal, guardians state.Guardians, consents []contracts.Consent) (Call, error) {
	if err := o.owns(p); err != nil {
		return Call{}, err
	}
	data, err := contracts.PackWriteGuarded(p, guardians, consents)
	return o.call(data, err)
}

// CompleteRecovery ends the epoch when the recovery's timelock is over; anybody
// posts it.
func (o Organisation) CompleteRecovery(guardians state.Guardians, r state.Recovery) (Call, error) {
	data, err := contracts.PackCompleteRecovery(o.Org, guardians, r)
	return o.call(data, err)
}

func (o Organisation) owns(p contracts.Proposal) error {
	if p.Org != o.Org {
		return fmt.Errorf("%w: a proposal of organisation %s", contracts.ErrChange, p.Org)
	}
	return nil
}

func (o Organisation) call(data []byte, err error) (Call, error) {
	if err != nil {
		return Call{}, err
	}
	return Call{To: o.Registry.Contract, Data: data, CodeHash: code.Hash()}, nil
}
