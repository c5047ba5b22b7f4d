package contracts

import (
	"maps"
	"slices"

	"dpki/state"
)

// model is what the contract's rules say, written again from docs/formats.md
// sections 2 to 4 and as plainly as possible: random histories compare the two.
type model struct {
	org        state.Word
	now        uint64
	records    map[recordKey]record
	limits     map[state.Kind]state.Limit
	rootCounts map[state.Address]bool // accounts of the live root admins
	distrusts  map[state.Word]state.Distrust
	guard      guard
}

type recordKey struct {
	scope, subject state.Word
	kind           state.Kind
}

// record is what is known of a used subject; until is 0 if it was never put.
type record struct {
	from, until, revokedAt uint64
	admin                  state.Admin // of an ADMIN entry
	epoch                  int
	entered                uint64
	order                  int
	authors                []state.Address
	pointer                state.Pointer // of a POINTER entry
}

func (r record) live(now uint64) bool { return r.revokedAt == 0 && r.from <= now && now < r.until }

func (m *model) clone() *model {
	c := *m
	c.records, c.limits, c.rootCounts = maps.Clone(m.records), maps.Clone(m.limits), maps.Clone(m.rootCounts)
	c.distrusts = maps.Clone(m.distrusts)
	return &c
}

// reasons are names of refusals, any of which may be given; none = accepted.
type reasons []string

func (r *reasons) when(broken bool, name string) {
	if broken {
		*r = append(*r, name)
	}
}

// write applies a write by these admins, the senders or signers, or says why
// not. The model is spoilt by a refusal: work on a clone.
func (m *model) write(admins []state.Admin, groups []Group) reasons {
	m.settle()
	for _, a := range admins {
		r := m.records[recordKey{m.org, a.ID(), state.KindAdmin}]
		if !r.live(m.now) || r.epoch != m.guard.epoch {
			return reasons{"NotAdmin"}
		}
	}
	for _, g := range groups {
		for _, a := range admins {
			if a.Power != m.org && a.Power != g.Scope && state.MailboxID(a.Power, g.Salt) != g.Scope {
				return reasons{"OutOfReach"}
			}
		}
		for _, c := range g.Changes {
			if refused := m.change(admins, g.Scope, c); len(refused) > 0 {
				return refused
			}
		}
	}
	return nil
}

func (m *model) change(admins []state.Admin, scope state.Word, c Change) (refused reasons) {
	every := func(allows func(state.Admin) bool) bool {
		return !slices.ContainsFunc(admins, func(a state.Admin) bool { return !allows(a) })
	}
	refused.when(c.Kind < 16 && scope != m.org, "OrganisationScopeOnly")
	if l, ok := m.limits[c.Kind]; ok && (c.Action == state.ActionPut || c.Action == state.ActionRevoke) {
		refused.when(int(l.Approvals) > len(admins), "ApprovalsNeeded")
	}
	refused.when(m.frozenOut(c), "Frozen")
	switch c.Action {
	case state.ActionVeto:
		m.vetoRecovery(admins, c, &refused)
	case state.ActionFreeze, state.ActionRecover:
		refused.when(true, "NotAllowed")
	case state.ActionPut:
		refused.when(!every(func(a state.Admin) bool { return a.PutMask.Has(c.Kind) }), "NotAllowed")
		m.put(admins, scope, c, &refused)
	case state.ActionRevoke:
		refused.when(!every(func(a state.Admin) bool { return a.RevokeMask.Has(c.Kind) }), "NotAllowed")
		m.revoke(every(isRoot), scope, c, &refused)
	default:
		refused.when(true, "UnknownAction")
	}
	return refused
}

func isRoot(a state.Admin) bool { return a.Flags == state.AdminRoot }

func (m *model) put(admins []state.Admin, scope state.Word, c Change, refused *reasons) {
	key := recordKey{scope, c.Subject, c.Kind}
	_, used := m.records[key]
	refused.when(used, "SubjectUsed")
	bound := state.Never
	if scope != m.org {
		bound = m.now + state.MaxValidity
	}
	refused.when(c.Until <= c.From || c.Until <= m.now || c.Until > bound, "InvalidWindow")
	r := record{from: c.From, until: c.Until, epoch: m.guard.epoch, entered: m.now, order: len(m.records)}
	for _, a := range admins {
		r.authors = append(r.authors, a.Account)
	}
	endless := false
	switch c.Kind {
	case state.KindAdmin:
		a, err := state.ParseAdmin(c.Data)
		refused.when(err != nil || a.ID() != c.Subject || a.Account.IsZero() || a.Power.IsZero() || a.Flags > 1, "InvalidAdmin")
		r.admin, endless = a, isRoot(a)
		m.putAdmin(admins, a, c, refused)
	case state.KindLimit:
		endless = true
		refused.when(c.From > m.now || c.Until != state.Never, "InvalidWindow")
		l, err := state.ParseLimit(c.Data)
		refused.when(err != nil || l.Approvals == 0 || l.Approvals > 16 || l.Longest == 0, "InvalidLimit")
		if err == nil {
			m.limits[l.Kind] = l
			refused.when(!m.inOrder(len(m.rootCounts)), "InvalidThreshold")
		}
	case state.KindDistrust:
		d, err := state.ParseDistrust(c.Data)
		refused.when(err != nil || d.From > d.To || d.To > m.now, "InvalidDistrust")
		m.distrusts[c.Subject] = d
	case state.KindGuardian:
		endless = true
		m.putGuardians(c, refused)
	case state.KindPointer:
		endless = true
		r.pointer = m.putPointer(len(admins), c, refused)
	}
	if l, ok := m.limits[c.Kind]; ok && !endless && len(*refused) == 0 {
		refused.when(c.Until-max(c.From, m.now) > l.Longest, "InvalidWindow")
	}
	m.records[key] = r
}

func (m *model) putAdmin(makers []state.Admin, a state.Admin, c Change, refused *reasons) {
	if isRoot(a) {
		refused.when(a != state.RootAdmin(a.Account, m.org, a.Salt) || c.From > m.now || c.Until != state.Never, "InvalidAdmin")
		refused.when(m.rootCounts[a.Account], "RootExists")
		m.rootCounts[a.Account] = true
	}
	for _, maker := range makers {
		refused.when(isRoot(a) && !isRoot(maker), "BeyondMaker")
		refused.when(!isRoot(a) && c.Until > m.records[recordKey{m.org, maker.ID(), state.KindAdmin}].until, "BeyondMaker")
		for i := range a.PutMask {
			refused.when(a.PutMask[i]&^maker.PutMask[i] != 0 || a.RevokeMask[i]&^maker.RevokeMask[i] != 0, "BeyondMaker")
		}
	}
}

func (m *model) revoke(byRoots bool, scope state.Word, c Change, refused *reasons) {
	refused.when(c.From != 0 || c.Until != 0, "InvalidWindow")
	refused.when(c.Kind == state.KindLimit, "NotRevocable")
	key := recordKey{scope, c.Subject, c.Kind}
	r := m.records[key]
	if r.revokedAt != 0 {
		return
	}
	if c.Kind == state.KindGuardian {
		m.revokeGuardians(c, refused)
	}
	delete(m.distrusts, c.Subject)
	if isRoot(r.admin) && r.epoch == m.guard.epoch {
		delete(m.rootCounts, r.admin.Account)
		refused.when(!byRoots || len(m.rootCounts) == 0 || !m.inOrder(len(m.rootCounts)), "RootProtected")
	}
	r.revokedAt = m.now
	m.records[key] = r
}

// strong are the kinds that decide over all others.
var strong = []state.Kind{state.KindAdmin, state.KindLimit, state.KindGuardian, state.KindDistrust, state.KindPointer, state.KindPolicy}

// inOrder: the kinds that decide over all others need as many approvals as any
// other, and no more than there are roots.
func (m *model) inOrder(roots int) bool {
	needed := func(k state.Kind) int { return max(1, int(m.limits[k].Approvals)) }
	for _, s := range strong {
		if needed(s) > roots {
			return false
		}
		for k := range m.limits {
			if !slices.Contains(strong, k) && needed(k) > needed(s) {
				return false
			}
		}
	}
	return true
}
