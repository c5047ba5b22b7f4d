package contracts

import (
	"slices"

	"dpki/state"
)

// setGuardians names some of the accounts, mostly well.
func (h *history) setGuardians() Change {
	g := state.Guardians{Salt: h.fresh()}
	if !h.chance(5) {
		g.Accounts = h.some(1 + h.rand.IntN(4))
		n := len(g.Accounts)
		g.Needed = uint8(1 + h.rand.IntN(n))
		g.Final = g.Needed + uint8(h.rand.IntN(n-int(g.Needed)+1))
		if h.chance(60) {
			g.Final = uint8(n)
		}
		g.Timelock = state.MinTimelock + h.rand.Uint64N(3000)
	}
	switch h.rand.IntN(40) {
	case 0:
		g.Needed = g.Final + 1
	case 1:
		g.Final = uint8(len(g.Accounts) + 1)
	case 2:
		g.Timelock = state.MinTimelock - 1
	case 3:
		g.Timelock = state.MaxTimelock + 1
	}
	h.guards = append(h.guards, g)
	c := SetGuardians(g)
	switch h.rand.IntN(40) {
	case 0:
		c.Until = h.time + 100
	case 1:
		c.Subject = h.fresh()
	case 2:
		slices.Reverse(c.Data[128:])
	}
	return c
}

// some are so many of the accounts, ascending.
func (h *history) some(n int) []state.Address {
	accounts := slices.Clone(h.accounts)
	h.rand.Shuffle(len(accounts), func(i, j int) { accounts[i], accounts[j] = accounts[j], accounts[i] })
	return sortedAccounts(accounts[:n])
}

func (h *history) pointer(subject state.Word) Change {
	p := state.Pointer{Direction: state.Direction(1 + h.rand.IntN(2)), ChainID: 10, Contract: pick(h.rand, h.accounts), Org: h.fresh()}
	switch h.rand.IntN(20) {
	case 0:
		p.Direction = 3
	case 1:
		p.Org = h.org
	case 2:
		p.ChainID = 0
	}
	c := Change{Action: state.ActionPut, Kind: state.KindPointer, Subject: subject, Until: state.Never, Data: p.Marshal()}
	c.From = h.time + state.MinTimelock + h.rand.Uint64N(4000)
	if h.chance(10) {
		c.From = h.time
	}
	if h.chance(3) {
		c.Until--
	}
	return c
}

// veto is the root admins' of the recovery that waits, if one does.
func (h *history) veto() Change {
	subject := h.fresh()
	if r := h.model.guard.recovery; r != nil && h.chance(90) {
		subject = r.ID()
	}
	c := VetoRecovery(subject)
	switch h.rand.IntN(20) {
	case 0:
		c.Kind = state.KindPointer
	case 1:
		c.Until = 1
	case 2:
		c.Data = []byte{1}
	}
	return c
}

// guardians is one step of theirs, or a long time in which nothing happens.
func (h *history) guardians() {
	h.t.Helper()
	g := &h.model.guard
	if h.chance(15) {
		h.next(1000 + h.rand.Uint64N(8000))
		return
	}
	if g.recovery != nil && h.chance(15) {
		h.complete()
		return
	}
	if g.recovery != nil && !g.final && h.chance(40) {
		h.byRoots(h.veto())
		return
	}
	if h.chance(15) {
		c := h.setGuardians()
		h.used = append(h.used, recordKey{h.org, c.Subject, c.Kind})
		h.byRoots(c)
		return
	}
	// What is due counts, whoever has noticed it.
	settled := h.model.clone()
	settled.settle()
	shown := settled.guard.guardians
	if len(h.guards) > 0 && h.chance(5) {
		shown = pick(h.rand, h.guards)
	}
	if len(shown.Accounts) == 0 {
		return
	}
	group := Group{Scope: h.org}
	if h.chance(3) {
		group = pick(h.rand, h.scopes)
	}
	for range 1 + h.rand.IntN(2) {
		group.Changes = append(group.Changes, h.guardedChange())
	}
	var by []state.Address
	for _, account := range shown.Accounts {
		if h.chance(70) && (len(by) < int(shown.Needed) || h.chance(50)) || len(by) == 0 {
			by = append(by, account)
		}
	}
	p := Proposal{Org: h.org, Epoch: uint32(g.epoch), Groups: []Group{group}, Nonce: h.fresh(), Deadline: h.time}
	digest, err := p.Digest(h.registry())
	if err != nil {
		h.t.Fatal(err)
	}
	data, err := PackWriteGuarded(p, shown, consents(h.sign, by, digest))
	if err != nil {
		h.t.Fatal(err)
	}
	next := h.model.clone()
	want := next.guarded(shown, by, p.Groups)
	h.judge(h.send(deployer, &h.contract, data), next, want, shown, by, p.Groups)
}

func (h *history) guardedChange() (c Change) {
	switch h.rand.IntN(4) {
	case 0:
		c = Freeze(h.time + 1 + h.rand.Uint64N(300))
		if h.chance(10) {
			c.Until = h.time + state.MaxFreeze + h.rand.Uint64N(2)
		}
	case 1, 2:
		r := state.Recovery{Salt: h.fresh(), Roots: h.some(1 + h.rand.IntN(3))}
		r.Threshold = uint8(1 + h.rand.IntN(len(r.Roots)))
		if h.chance(5) {
			r.Threshold = uint8(h.rand.IntN(2) * 5)
		}
		c = Recover(r)
	case 3:
		c = VetoPointer(h.fresh())
		for _, key := range h.used {
			if r := h.model.records[key]; key.kind == state.KindPointer && r.revokedAt == 0 && r.from > h.time {
				c.Subject = key.subject
			}
		}
	}
	switch h.rand.IntN(60) {
	case 0:
		c.Kind = state.KindGrant
	case 1:
		c.From = 1
	case 2:
		c.Action = state.Action(h.rand.IntN(8))
	case 3:
		c.Subject = h.fresh()
	}
	return c
}

// complete tries to end the epoch.
func (h *history) complete() {
	h.t.Helper()
	g := h.model.guard
	recovery, shown := *g.recovery, g.guardians
	if h.chance(5) {
		recovery.Salt = h.fresh()
	}
	if h.chance(5) {
		shown.Salt = h.fresh()
	}
	data, err := PackCompleteRecovery(h.org, shown, recovery)
	if err != nil {
		h.t.Fatal(err)
	}
	r := h.send(deployer, &h.contract, data)
	next := h.model.clone()
	// The first log is COMPLETE: the salt of the new admins is the hash after it.
	want := next.complete(shown, recovery, func() state.Word {
		if r.failed {
			return state.Word{}
		}
		_, _, e, err := state.DecodeLog([]state.Word{state.Word(r.logs[0].Topics[0]), state.Word(r.logs[0].Topics[1]), state.Word(r.logs[0].Topics[2])}, r.logs[0].Data, h.block)
		if err != nil || e.Action != state.ActionComplete {
			h.t.Fatalf("the first entry is %+v, %v", e, err)
		}
		return state.Next(h.tips[h.org].H, e)
	})
	h.judge(r, next, want, shown, recovery)
	if !r.failed {
		h.completed++
		for _, l := range r.logs[1:] {
			subject := state.Word(l.Data[32:])
			h.admins = append(h.admins, next.records[recordKey{h.org, subject, state.KindAdmin}].admin)
		}
	}
}

// checkGuardians compares model, contract and what a reader concludes.
func (h *history) checkGuardians(seen *state.State) {
	h.t.Helper()
	m := h.model.clone()
	m.now = h.time
	m.settle()
	g, got := m.guard, seen.Guardianship(h.time)
	if int(got.Epoch) != g.epoch || got.ID != g.id || got.FrozenUntil != g.frozenUntil || got.CoolUntil != g.coolUntil || got.Vetoed != g.vetoed ||
		got.ID.IsZero() == false && got.Guardians.ID() != g.id || (got.Pending == nil) != (g.next == nil) || (got.Recovery == nil) != (g.recovery == nil) {
		h.t.Errorf("a reader concludes %+v, the model %+v", got, g)
		return
	}
	guardians, err := abi.UnpackGuardiansOf(h.must(deployer, abi.PackGuardiansOf(h.org)).output)
	if err != nil || state.Word(guardians.Guardians) != g.id || guardians.Timelock.Uint64() != g.guardians.Timelock {
		h.t.Errorf("guardiansOf = %+v, %v, the model has %+v", guardians, err, g)
	}
	if state.Word(guardians.Pending) != got.PendingID || guardians.PendingFrom.Uint64() != got.PendingFrom {
		h.t.Errorf("guardiansOf = %+v, a reader concludes %v from %d", guardians, got.PendingID, got.PendingFrom)
	}
	recovery, err := abi.UnpackRecoveryOf(h.must(deployer, abi.PackRecoveryOf(h.org)).output)
	if err != nil || state.Word(recovery.Recovery) != got.RecoveryID || recovery.CompleteFrom.Uint64() != got.CompleteFrom ||
		recovery.IsFinal != got.Final || recovery.IsVetoed != got.Vetoed {
		h.t.Errorf("recoveryOf = %+v, %v, a reader concludes %+v", recovery, err, got)
	}
	if g.recovery != nil && (g.recovery.ID() != got.RecoveryID || g.recoverAt != got.CompleteFrom || g.final != got.Final) {
		h.t.Errorf("a reader concludes %+v, the model %+v", got, g)
	}
	freeze, err := abi.UnpackFreezeOf(h.must(deployer, abi.PackFreezeOf(h.org)).output)
	if err != nil || freeze.Until.Uint64() != g.frozenUntil || freeze.CoolUntil.Uint64() != g.coolUntil {
		h.t.Errorf("freezeOf = %+v, %v, the model has %+v", freeze, err, g)
	}
	out, err := abi.UnpackOrganisationOf(h.must(deployer, abi.PackOrganisationOf(h.org)).output)
	if err != nil || int(out.Epoch) != g.epoch {
		h.t.Errorf("epoch %d, the model has %d (%v)", out.Epoch, g.epoch, err)
	}
}

// checkPower compares who may set the policy and where the organisation points.
func (h *history) checkPower(seen *state.State) {
	h.t.Helper()
	m := h.model.clone()
	m.now = h.time
	m.settle()
	for n := range len(h.accounts) {
		accounts := h.some(1 + n)
		if got, want := seen.MayPolicy(accounts, h.time), m.mayPolicy(accounts); got != want {
			h.t.Errorf("MayPolicy(%v) = %v, the model says %v", accounts, got, want)
		}
	}
	for _, d := range []state.Direction{state.Successor, state.Predecessor} {
		want, wantOK := m.pointsTo(d)
		if got, ok := seen.PointsTo(d, h.time); ok != wantOK || got != want.pointer {
			h.t.Errorf("PointsTo(%d) = %+v, %v, the model says %+v, %v", d, got, ok, want.pointer, wantOK)
		}
	}
}
