package contracts

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"

	"dpki/contracts/bindings"
	"dpki/state"
)

// Change is one entry to be. In a revoke, From and Until are 0.
type Change struct {
	Action  state.Action
	Kind    state.Kind
	From    uint64 // Unix seconds, below 2^40; 0 = at once
	Until   uint64 // Unix seconds, at most state.Never
	Subject state.Word
	Data    []byte // at most state.MaxData bytes
}

// Group is the changes to one scope, in the order in which they are appended.
type Group struct {
	Scope   state.Word
	Salt    state.Word // a mailbox reached by zone power: its commitment; else zero
	Changes []Change
}

// ErrChange says that a change does not fit the contract's form.
var ErrChange = errors.New("change out of range")

var abi = bindings.NewDPKI()

// PackCreate is the calldata of createOrganisation. The organisation's id is
// Registry.OrganisationID(sender, salt), its creator's power state.RootAdmin.
func PackCreate(salt state.Word) []byte { return abi.PackCreateOrganisation(salt) }

// PackWrite is the calldata of write. The sender must be admin.Account.
func PackWrite(org state.Word, admin state.Admin, groups []Group) ([]byte, error) {
	packed, err := packGroups(groups)
	if err != nil {
		return nil, err
	}
	return abi.TryPackWrite(org, bindAdmin(admin), packed)
}

func packGroups(groups []Group) ([]bindings.Group, error) {
	packed := make([]bindings.Group, len(groups))
	for i, g := range groups {
		changes, err := packChanges(g.Changes)
		if err != nil {
			return nil, err
		}
		packed[i] = bindings.Group{Scope: g.Scope, Salt: g.Salt, Changes: changes}
	}
	return packed, nil
}

func bindAdmin(a state.Admin) bindings.Admin {
	return bindings.Admin{
		Account:    [20]byte(a.Account),
		Power:      a.Power,
		PutMask:    new(big.Int).SetBytes(a.PutMask[:]),
		RevokeMask: new(big.Int).SetBytes(a.RevokeMask[:]),
		Flags:      a.Flags,
		Salt:       a.Salt,
	}
}

// packChanges concatenates, for each change:
//
//	u8 action | u8 kind | u16 len | u40 from | u40 until | subject32 | data
func packChanges(changes []Change) ([]byte, error) {
	var b []byte
	for i, c := range changes {
		if c.Kind > state.MaxKind || c.From > state.Never || c.Until > state.Never || len(c.Data) > state.MaxData {
			return nil, fmt.Errorf("change %d (%v, kind %d, window %d to %d, %d bytes): %w",
				i, c.Action, c.Kind, c.From, c.Until, len(c.Data), ErrChange)
		}
		b = append(b, byte(c.Action), byte(c.Kind))
		b = binary.BigEndian.AppendUint16(b, uint16(len(c.Data)))
		b = appendUint40(b, c.From)
		b = appendUint40(b, c.Until)
		b = append(b, c.Subject[:]...)
		b = append(b, c.Data...)
	}
	return b, nil
}

func appendUint40(b []byte, v uint64) []byte {
	var w [8]byte
	binary.BigEndian.PutUint64(w[:], v)
	return append(b, w[3:]...)
}
