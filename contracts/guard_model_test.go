package contracts

import (
	"bytes"
	"slices"

	"dpki/state"
)

// guard is what the model knows of guardians.
type guard struct {
	epoch       int
	guardians   state.Guardians // in force; without accounts there are none
	id          state.Word
	next        *state.Guardians // the change that waits
	nextAt      uint64
	recovery    *state.Recovery // the one that waits
	recoverers  []state.Address
	recoverAt   uint64
	final       bool
	vetoed      bool
	frozenUntil uint64
	coolUntil   uint64
}

// settle: a change of guardians whose time has come is in force, unless a
// recovery waits.
func (m *model) settle() {
	g := &m.guard
	if g.next != nil && g.recovery == nil && m.now >= g.nextAt {
		g.guardians, g.id, g.next, g.vetoed = *g.next, g.next.ID(), nil, false
	}
}

// frozenOut: a freeze lets through what takes rights away, but neither a POLICY
// nor the revocation of admins, guardians, devices and zones.
func (m *model) frozenOut(c Change) bool {
	if m.now >= m.guard.frozenUntil {
		return false
	}
	denies := c.Kind == state.KindDistrust || c.Kind == state.KindDenyClear || c.Kind == state.KindDeny
	switch c.Action {
	case state.ActionPut:
		return !denies
	case state.ActionRevoke:
		kept := []state.Kind{state.KindAdmin, state.KindGuardian, state.KindZone, state.KindDevice, state.KindPolicy}
		return denies || slices.Contains(kept, c.Kind)
	}
	return false
}

func (m *model) putGuardians(c Change, refused *reasons) {
	refused.when(c.From > m.now || c.Until != state.Never, "InvalidWindow")
	next, err := state.ParseGuardians(c.Data)
	refused.when(err != nil || next.ID() != c.Subject, "InvalidGuardians")
	g := &m.guard
	if len(g.guardians.Accounts) == 0 {
		g.guardians, g.id, g.vetoed = next, c.Subject, false
		return
	}
	g.next, g.nextAt = &next, m.now+2*g.guardians.Timelock
}

func (m *model) revokeGuardians(c Change, refused *reasons) {
	g := &m.guard
	refused.when(c.Subject == g.id, "NotRevocable")
	if g.next != nil && g.next.ID() == c.Subject {
		g.next = nil
	}
}

func (m *model) putPointer(authors int, c Change, refused *reasons) state.Pointer {
	for _, k := range strong {
		refused.when(int(m.limits[k].Approvals) > authors, "ApprovalsNeeded")
	}
	p, err := state.ParsePointer(c.Data)
	refused.when(err != nil || p.Org == m.org, "InvalidPointer")
	wait := max(m.guard.guardians.Timelock, state.MinTimelock)
	refused.when(c.Until != state.Never || p.Direction == state.Successor && c.From < m.now+wait, "InvalidWindow")
	return p
}

// vetoRecovery: by as many roots as make an admin, unless g2 guardians want it.
func (m *model) vetoRecovery(admins []state.Admin, c Change, refused *reasons) {
	g := &m.guard
	refused.when(c.Kind != state.KindGuardian || slices.ContainsFunc(admins, func(a state.Admin) bool { return !isRoot(a) }), "NotAllowed")
	refused.when(c.From != 0 || c.Until != 0, "InvalidWindow")
	refused.when(len(c.Data) > 0, "DataTooLong")
	refused.when(int(m.limits[state.KindAdmin].Approvals) > len(admins), "ApprovalsNeeded")
	refused.when(g.recovery == nil || g.recovery.ID() != c.Subject || g.final, "NotVetoable")
	g.recovery, g.vetoed = nil, true
	g.nextAt = m.now + 2*g.guardians.Timelock
}

// guarded applies a write by these guardians, or says why not.
func (m *model) guarded(shown state.Guardians, by []state.Address, groups []Group) (refused reasons) {
	m.settle()
	g := &m.guard
	if shown.ID() != g.id {
		return reasons{"NotGuardians"}
	}
	if len(by) < int(shown.Needed) {
		return reasons{"ApprovalsNeeded"}
	}
	for _, group := range groups {
		for _, c := range group.Changes {
			refused.when(group.Scope != m.org, "OrganisationScopeOnly")
			refused.when(len(c.Data) > 0 && c.Action != state.ActionRecover, "DataTooLong")
			refused.when(c.From != 0 || c.Until != 0 && c.Action != state.ActionFreeze, "InvalidWindow")
			switch c.Action {
			case state.ActionFreeze:
				m.freeze(c, &refused)
			case state.ActionRecover:
				m.recover(by, c, &refused)
			case state.ActionVeto:
				m.vetoPointer(group.Scope, c, &refused)
			default:
				// What all puts have to obey is looked at first.
				_, used := m.records[recordKey{group.Scope, c.Subject, c.Kind}]
				refused.when(c.Action == state.ActionPut && used, "SubjectUsed")
				refused.when(c.Action == state.ActionPut && (c.Until <= c.From || c.Until <= m.now), "InvalidWindow")
				refused.when(true, "NotAllowed")
				refused.when(true, "UnknownAction")
			}
			if len(refused) > 0 {
				return refused
			}
		}
	}
	return nil
}

func (m *model) freeze(c Change, refused *reasons) {
	g := &m.guard
	refused.when(c.Kind != state.KindGuardian, "NotAllowed")
	refused.when(c.Until <= m.now || c.Until > m.now+state.MaxFreeze, "InvalidWindow")
	if m.now < g.frozenUntil && c.Until < g.frozenUntil {
		g.frozenUntil = c.Until
		return
	}
	refused.when(m.now < g.coolUntil, "CoolingDown")
	g.frozenUntil, g.coolUntil = c.Until, c.Until+(c.Until-m.now)
}

func (m *model) recover(by []state.Address, c Change, refused *reasons) {
	g := &m.guard
	refused.when(c.Kind != state.KindGuardian, "NotAllowed")
	r, err := state.ParseRecovery(c.Data)
	refused.when(err != nil || r.ID() != c.Subject, "InvalidRecovery")
	final := len(by) >= int(g.guardians.Final)
	refused.when(!final && (g.vetoed || g.recovery != nil && g.final), "ApprovalsNeeded")
	g.recovery, g.recoverAt, g.final, g.recoverers = &r, m.now+g.guardians.Timelock, final, by
}

func (m *model) vetoPointer(scope state.Word, c Change, refused *reasons) {
	refused.when(c.Kind != state.KindPointer, "NotAllowed")
	key := recordKey{scope, c.Subject, c.Kind}
	r := m.records[key]
	refused.when(r.revokedAt != 0 || m.now >= r.from, "NotVetoable")
	r.revokedAt = m.now
	m.records[key] = r
}

// complete: a new epoch, in which nobody is admin but those whom the recovery names.
// salt is the running hash after the entry that says so.
func (m *model) complete(shown state.Guardians, recovery state.Recovery, salt func() state.Word) (refused reasons) {
	m.settle()
	g := &m.guard
	refused.when(shown.ID() != g.id, "NotGuardians")
	refused.when(g.recovery == nil || g.recovery.ID() != recovery.ID(), "NoRecovery")
	refused.when(m.now < g.recoverAt, "TooEarly")
	if len(refused) > 0 {
		return refused
	}
	g.epoch++
	g.recovery, g.next, g.vetoed, g.frozenUntil = nil, nil, false, 0
	m.limits, m.rootCounts = map[state.Kind]state.Limit{}, map[state.Address]bool{}
	for _, k := range strong {
		if recovery.Threshold > 1 {
			m.limits[k] = state.Limit{Kind: k, Approvals: recovery.Threshold, Longest: state.Never}
		}
	}
	for _, account := range recovery.Roots {
		a := state.RootAdmin(account, m.org, salt())
		m.rootCounts[account] = true
		m.records[recordKey{m.org, a.ID(), state.KindAdmin}] = record{
			until: state.Never, admin: a, epoch: g.epoch, entered: m.now, authors: g.recoverers, order: len(m.records)}
	}
	return nil
}

// distrusted: one of the authors is, at that time.
func (m *model) distrusted(r record) bool {
	for _, d := range m.distrusts {
		if d.From <= r.entered && r.entered <= d.To && (d.Author.IsZero() || slices.Contains(r.authors, d.Author)) {
			return true
		}
	}
	return false
}

// mayPolicy: as many of these accounts as POLICY needs have the power to set the
// organisation's.
func (m *model) mayPolicy(accounts []state.Address) bool {
	able := 0
	for _, account := range accounts {
		for key, r := range m.records {
			if key.kind == state.KindAdmin && r.admin.Account == account && r.admin.Power == m.org && r.admin.PutMask.Has(state.KindPolicy) && m.counts(r) {
				able++
				break
			}
		}
	}
	return able > 0 && able >= int(m.limits[state.KindPolicy].Approvals)
}

// counts: to a reader, an ADMIN or a POINTER does.
func (m *model) counts(r record) bool {
	return r.live(m.now) && r.epoch == m.guard.epoch && !m.distrusted(r)
}

// pointsTo is the latest POINTER in a direction that counts.
func (m *model) pointsTo(d state.Direction) (latest record, ok bool) {
	for key, r := range m.records {
		if key.kind == state.KindPointer && r.pointer.Direction == d && m.counts(r) && (!ok || r.order > latest.order) {
			latest, ok = r, true
		}
	}
	return latest, ok
}

func sortedAccounts(of []state.Address) []state.Address {
	of = slices.Clone(of)
	slices.SortFunc(of, func(a, b state.Address) int { return bytes.Compare(a[:], b[:]) })
	return of
}

// consents are these guardians'.
func consents(sign map[state.Address]func(state.Word) []byte, by []state.Address, digest state.Word) (list []Consent) {
	for _, account := range by {
		list = append(list, Consent{Guardian: account, Signature: sign[account](digest)})
	}
	return list
}
