package contracts

import (
	"testing"

	"dpki/state"
)

// guardVector is what the contract says of guardians after an entry of the
// organisation's log, at a time.
type guardVector struct {
	Step         string     `json:"step"`
	Seq          uint64     `json:"seq"` // of the last entry
	Time         uint64     `json:"time"`
	Epoch        uint32     `json:"epoch"`
	Roots        uint32     `json:"roots"`
	Guardians    state.Word `json:"guardians"`
	Timelock     uint64     `json:"timelock"`
	Pending      state.Word `json:"pending"`
	PendingFrom  uint64     `json:"pending_from"`
	Recovery     state.Word `json:"recovery"`
	CompleteFrom uint64     `json:"complete_from"`
	Final        bool       `json:"final"`
	Vetoed       bool       `json:"vetoed"`
	FrozenUntil  uint64     `json:"frozen_until"`
	CoolUntil    uint64     `json:"cool_until"`
}

func (s *scenario) guardVector(step string) guardVector {
	s.t.Helper()
	organisation, err := abi.UnpackOrganisationOf(s.must(deployer, abi.PackOrganisationOf(s.org)).output)
	if err != nil {
		s.t.Fatal(err)
	}
	guardians, err := abi.UnpackGuardiansOf(s.must(deployer, abi.PackGuardiansOf(s.org)).output)
	if err != nil {
		s.t.Fatal(err)
	}
	recovery, err := abi.UnpackRecoveryOf(s.must(deployer, abi.PackRecoveryOf(s.org)).output)
	if err != nil {
		s.t.Fatal(err)
	}
	freeze, err := abi.UnpackFreezeOf(s.must(deployer, abi.PackFreezeOf(s.org)).output)
	if err != nil {
		s.t.Fatal(err)
	}
	return guardVector{
		Step: step, Seq: s.tips[s.org].Seq, Time: s.time, Epoch: organisation.Epoch, Roots: organisation.Roots,
		Guardians: guardians.Guardians, Timelock: guardians.Timelock.Uint64(), Pending: guardians.Pending, PendingFrom: guardians.PendingFrom.Uint64(),
		Recovery: recovery.Recovery, CompleteFrom: recovery.CompleteFrom.Uint64(), Final: recovery.IsFinal, Vetoed: recovery.IsVetoed,
		FrozenUntil: freeze.Until.Uint64(), CoolUntil: freeze.CoolUntil.Uint64(),
	}
}

// runGuardians lets guardians freeze, recover and lose, and then win.
func runGuardians(t *testing.T, s *scenario, root state.Admin) (steps []guardVector) {
	t.Helper()
	sign := map[state.Address]func(state.Word) []byte{}
	var accounts []state.Address
	for b := byte(11); b <= 13; b++ {
		account, with := signer(t, b)
		sign[account], accounts = with, append(accounts, account)
	}
	accounts = sortedAccounts(accounts)
	newRoot, _ := signer(t, 14)
	guardians := state.Guardians{Salt: subject(50), Timelock: state.MinTimelock, Needed: 2, Final: 3, Accounts: accounts}
	hostile := state.Guardians{Salt: subject(51), Timelock: state.MinTimelock, Needed: 1, Final: 1, Accounts: accounts[:1]}
	recovery := state.Recovery{Salt: subject(52), Threshold: 1, Roots: []state.Address{newRoot}}
	nonce := uint64(60)
	guard := func(count int, c Change) {
		t.Helper()
		nonce++
		p := Proposal{Org: s.org, Nonce: subject(nonce), Deadline: s.time, Groups: []Group{{Scope: s.org, Changes: []Change{c}}}}
		digest, err := p.Digest(s.registry())
		if err != nil {
			t.Fatal(err)
		}
		data, err := PackWriteGuarded(p, guardians, consents(sign, accounts[:count], digest))
		if err != nil {
			t.Fatal(err)
		}
		s.record(s.must(deployer, data))
	}
	own := func(c ...Change) {
		t.Helper()
		s.write(root, Group{Scope: s.org, Changes: c})
	}
	see := func(step string) { steps = append(steps, s.guardVector(step)) }

	s.next(2)
	see("nobody")
	own(SetGuardians(guardians))
	see("guardians, at once")
	s.next(2)
	own(SetGuardians(hostile), pointerTo(s, subject(53)), pointerTo(s, subject(54)))
	see("others wait")
	s.next(2)
	guard(2, Freeze(s.time+600))
	see("frozen")
	guard(2, VetoPointer(subject(53)))
	guard(2, Recover(recovery))
	see("a recovery by two")
	s.next(60)
	guard(2, Freeze(s.time+60))
	see("the freeze ends sooner")
	own(VetoRecovery(recovery.ID()))
	see("vetoed")
	s.next(600)
	guard(3, Recover(recovery))
	see("a recovery by all")
	s.next(3 * state.MinTimelock)
	see("the others are suspended")
	data, err := PackCompleteRecovery(s.org, guardians, recovery)
	if err != nil {
		t.Fatal(err)
	}
	s.record(s.must(deployer, data))
	see("complete")
	s.next(3 * state.MinTimelock)
	see("the others are gone")
	return steps
}

func pointerTo(s *scenario, subject state.Word) Change {
	p := state.Pointer{Direction: state.Successor, ChainID: 10, Contract: s.contract, Org: subject}
	return Change{Action: state.ActionPut, Kind: state.KindPointer, From: s.time + state.MinTimelock, Until: state.Never, Subject: subject, Data: p.Marshal()}
}
