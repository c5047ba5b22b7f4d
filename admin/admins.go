package admin

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// AdminLine is an administrator as `dpki admin list` shows him.
type AdminLine struct {
	ID       string   `json:"id"`
	Account  string   `json:"account"`
	Name     string   `json:"name,omitempty"` // what the reader's roster calls it
	Root     bool     `json:"root"`
	Scope    string   `json:"scope"`
	Puts     []string `json:"puts"`
	Revokes  []string `json:"revokes"`
	Until    Time     `json:"until"`
	Standing string   `json:"standing"` // live, revoked, expired, not yet valid, replaced by a recovery
	Self     bool     `json:"self"`

	// writes: the contract takes what he enters, also where a DISTRUST has voided
	// his entry for readers.
	writes bool
}

// NewAdmin is whom AddAdmin makes.
type NewAdmin struct {
	Account state.Address
	Root    bool
	Zone    string        // the only one that he reaches; empty = the organisation
	Puts    []string      // kinds; empty with Root
	Revokes []string      // kinds; empty = those of Puts
	For     time.Duration // 0 = without an end
	// Member is his enrolment, whose fingerprint has been compared; nil hands him
	// power and no keys.
	Member *bundle.Request
}

// Admins lists administrators in the log's order: those that the contract lets
// write, now or later, or all.
func (d *Desk) Admins(ctx context.Context, all bool) ([]AdminLine, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	now, err := d.now()
	if err != nil {
		return nil, err
	}
	// What is entered in this second counts with the next.
	now = max(now, d.Ledger.Head().Time)
	view := d.view(state.Word{}, state.Word{})
	list := []AdminLine{}
	for _, e := range d.Ledger.Entries(d.Anchor.Org) {
		if e.Kind != state.KindAdmin || e.Action != state.ActionPut {
			continue
		}
		a, err := state.ParseAdmin(e.Data)
		if err != nil || a.ID() != e.Subject {
			continue
		}
		standing := view.Standing(&state.Fact{Scope: d.Anchor.Org, Subject: e.Subject, Kind: e.Kind, From: e.From, Until: e.Until,
			Time: e.Time, Block: e.Block, Seq: e.Seq, Authors: e.Authors}, now)
		writes := standing == state.Live || standing == state.Distrusted || standing == state.NotYet || standing == state.NotSafe
		if writes && now >= e.Until && e.Until != state.Never {
			writes = false // distrusted, and over
		}
		if !all && !writes {
			continue
		}
		list = append(list, AdminLine{ID: e.Subject.String(), Account: a.Account.String(), Name: d.Called(a.Account.String()), Root: a.Flags&state.AdminRoot != 0, Scope: d.scopeName(a.Power),
			Puts: kindsOf(a.PutMask), Revokes: kindsOf(a.RevokeMask), Until: Time(e.Until), Standing: standing.String(), Self: a.Account == d.Account, writes: writes})
	}
	return list, nil
}

// AddAdmin gives an account power. With a member's request he is handed the keys
// that go with it: the organisation's, or those of the one zone. A root
// administrator who was handed none yet is handed them so: the contract takes no
// second entry of his.
func (d *Desk) AddAdmin(ctx context.Context, n NewAdmin) (*Posted, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	a, zone, err := d.newAdmin(n)
	if err != nil {
		return nil, err
	}
	from, err := d.begin()
	if err != nil {
		return nil, err
	}
	until := state.Never
	if n.For > 0 {
		until = uint64(d.Now().Add(n.For).Unix())
	}
	changes := []contracts.Change{{Action: state.ActionPut, Kind: state.KindAdmin, From: from, Until: until, Subject: a.ID(), Data: a.Marshal()}}
	if n.Member != nil {
		announce, err := d.handOver(ctx, n, zone, from)
		if err != nil {
			return nil, err
		}
		isRoot := func(b state.Admin) bool { return b.Account == n.Account && b.Flags&state.AdminRoot != 0 }
		if n.Root && slices.ContainsFunc(d.admins(d.Ledger.Head().Time), isRoot) {
			changes = nil
		}
		changes = append(changes, announce)
	}
	return d.write(ctx, d.organisationGroup(changes...))
}

func (d *Desk) newAdmin(n NewAdmin) (a state.Admin, zone *bundle.RosterZone, err error) {
	if n.Account.IsZero() {
		return a, nil, problem(Usage, "write 0x and 40 hex digits", "no account")
	}
	if n.Root {
		if n.Zone != "" || len(n.Puts)+len(n.Revokes) > 0 || n.For != 0 {
			return a, nil, problem(Usage, "without --root: --put, --revoke, --zone, --for", "a root administrator may do everything, everywhere, without an end")
		}
		a = state.RootAdmin(n.Account, d.Anchor.Org, state.Word{})
	} else {
		a = state.Admin{Account: n.Account, Power: d.Anchor.Org}
		if a.PutMask, err = parseKinds(n.Puts); err != nil {
			return a, nil, err
		}
		a.RevokeMask = a.PutMask
		if len(n.Revokes) > 0 {
			if a.RevokeMask, err = parseKinds(n.Revokes); err != nil {
				return a, nil, err
			}
		}
		if a.PutMask == (state.KindMask{}) && a.RevokeMask == (state.KindMask{}) {
			return a, nil, problem(Usage, "--root, or --put GRANT,GRANT_PRIV and the like", "power to do what?")
		}
	}
	if n.Zone != "" {
		z, err := d.findZone(n.Zone)
		if err != nil {
			return a, nil, err
		}
		zone, a.Power = &z, z.Zone
	}
	rand.Read(a.Salt[:])
	return a, zone, nil
}

// parseKinds reads names of kinds, in any case, with commas or one by one.
func parseKinds(names []string) (m state.KindMask, err error) {
	for _, list := range names {
		for _, name := range strings.Split(list, ",") {
			k, err := state.ParseKind(strings.ToUpper(strings.TrimSpace(name)))
			if err != nil {
				return m, because(err, Usage, "kinds are those of dpki log: GRANT, GRANT_PRIV, DENY, DEVICE, ...", "%.40q is no kind", name)
			}
			m = m.With(k)
		}
	}
	return m, nil
}

// handOver sends the new member all that this administrator holds of the
// organisation or of one zone, and tells the others of him.
func (d *Desk) handOver(ctx context.Context, n NewAdmin, zone *bundle.RosterZone, from uint64) (contracts.Change, error) {
	r := n.Member
	if err := d.member(ctx); err != nil {
		return contracts.Change{}, err
	}
	if r.Anchor != d.Anchor {
		return contracts.Change{}, problem(Failed, "he makes it with dpki admin request, for "+d.Anchor.String(), "the member's request is for another organisation")
	}
	if r.HostKey != "" || r.LoginKey != "" {
		return contracts.Change{}, problem(Failed, "he makes it with dpki admin request; a device: dpki device add, a person: dpki person add", "the request of %s is no administrator's", r.Name)
	}
	if r.Account != "" && r.Account != n.Account.String() {
		return contracts.Change{}, problem(No, "give the account that is its author's; who means another asks again: dpki admin request NAME --account ACCOUNT", "the request of %s is for account %s, not for %s", r.Name, d.Shown(r.Account), d.shown(n.Account))
	}
	below, all := d.Anchor.Org, *d.roster
	if zone != nil {
		below = zone.Zone
		all = *within(d.roster, below)
		all.People = append(all.People, d.rosterAdmins(&bundle.Roster{Version: 1})...) // whom he tells what he changes
	}
	him := r.Member(below)
	him.Account = n.Account.String()
	delta := &bundle.Roster{Version: 1, People: []bundle.RosterMember{him}}
	b := d.newBatch(d.Anchor.Org)
	if err := b.addParts(him, all.Merge(delta)); err != nil {
		return contracts.Change{}, because(err, Failed, "", "the roster could not be handed over")
	}
	others := slices.DeleteFunc(slices.Concat(d.rosterAdmins(&bundle.Roster{Version: 1}), d.zoneAdmins(&bundle.Roster{Version: 1})),
		func(m bundle.RosterMember) bool { return m.Zone != below && m.Zone != d.Anchor.Org })
	told := []string{him.Recipient.String()}
	for _, m := range others {
		if who := m.Recipient.String(); !slices.Contains(told, who) {
			told = append(told, who)
			if err := b.addParts(m, delta); err != nil {
				return contracts.Change{}, err
			}
		}
	}
	return d.finish(ctx, b, from, state.Never)
}

// RevokeAdmin takes power away: of an administrator's entry by the beginning of
// its identifier, or of all entries of an account.
func (d *Desk) RevokeAdmin(ctx context.Context, name string) (*Posted, []AdminLine, error) {
	all, err := d.Admins(ctx, false)
	if err != nil {
		return nil, nil, err
	}
	var gone []AdminLine
	var changes []contracts.Change
	for _, a := range all {
		id, err := state.ParseWord(a.ID)
		if err == nil && (strings.EqualFold(a.Account, name) || isPrefix(name, id)) {
			gone = append(gone, a)
			changes = append(changes, revoke(state.KindAdmin, id))
		}
	}
	if len(gone) == 0 {
		return nil, nil, problem(Failed, "dpki admin list", "no live administrator is called %.80q", name)
	}
	posted, err := d.write(ctx, d.organisationGroup(changes...))
	return posted, gone, err
}
