package contracts

import (
	"fmt"

	"dpki/contracts/bindings"
	"dpki/state"
)

// Consent is one guardian's to a proposal.
type Consent struct {
	Guardian  state.Address // one of the guardians in force
	Signature []byte        // over Proposal.Digest, as an Approval's
}

// Freeze is the change with which guardians stop new entries that permit, until
// then (Unix seconds): at most state.MaxFreeze from its block. During a freeze,
// one that ends sooner ends it.
func Freeze(until uint64) Change {
	return Change{Action: state.ActionFreeze, Kind: state.KindGuardian, Until: until}
}

// Recover is the change with which guardians ask for new root administrators.
func Recover(r state.Recovery) Change {
	return Change{Action: state.ActionRecover, Kind: state.KindGuardian, Subject: r.ID(), Data: r.Marshal()}
}

// VetoRecovery is the change with which root administrators end a recovery: an
// ordinary write of theirs.
func VetoRecovery(recovery state.Word) Change {
	return Change{Action: state.ActionVeto, Kind: state.KindGuardian, Subject: recovery}
}

// VetoPointer is the change with which guardians end a POINTER that does not
// count yet.
func VetoPointer(pointer state.Word) Change {
	return Change{Action: state.ActionVeto, Kind: state.KindPointer, Subject: pointer}
}

// SetGuardians is the change with which administrators name guardians: in force
// at once if there are none, else after twice the timelock of those there are.
func SetGuardians(g state.Guardians) Change {
	return Change{Action: state.ActionPut, Kind: state.KindGuardian, Until: state.Never, Subject: g.ID(), Data: g.Marshal()}
}

// PackWriteGuarded is the calldata of writeGuarded: a proposal of freezes,
// recoveries and vetoes of pointers in the organisation's scope, with the
// consents of guardians that are in force, in any order. Whoever sends it needs
// no power.
func PackWriteGuarded(p Proposal, guardians state.Guardians, consents []Consent) ([]byte, error) {
	if p.Deadline > state.Never {
		return nil, fmt.Errorf("deadline %d: %w", p.Deadline, ErrChange)
	}
	groups, err := packGroups(p.Groups)
	if err != nil {
		return nil, err
	}
	by := make(map[state.Address][]byte, len(consents))
	for _, c := range consents {
		if _, twice := by[c.Guardian]; twice {
			return nil, fmt.Errorf("two consents of %s: %w", c.Guardian, ErrChange)
		}
		by[c.Guardian] = c.Signature
	}
	// The contract knows guardians by their place, and wants them ascending.
	bound := make([]bindings.Consent, 0, len(consents))
	for i, account := range guardians.Accounts {
		if signature, ok := by[account]; ok {
			bound = append(bound, bindings.Consent{Guardian: uint8(i), Signature: signature})
			delete(by, account)
		}
	}
	for account := range by {
		return nil, fmt.Errorf("%s is no guardian: %w", account, ErrChange)
	}
	return abi.TryPackWriteGuarded(p.Org, guardians.Marshal(), groups, p.Nonce, bigOf(p.Deadline), bound)
}

// PackCompleteRecovery is the calldata of completeRecovery. Whoever sends it
// needs no power.
func PackCompleteRecovery(org state.Word, guardians state.Guardians, r state.Recovery) ([]byte, error) {
	return abi.TryPackCompleteRecovery(org, guardians.Marshal(), r.Marshal())
}
