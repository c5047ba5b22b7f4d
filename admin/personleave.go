package admin

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/sshca/profile"
	"dpki/state"
)

// possession is something of a person's that lives: a grant, a delivery, or both
// where the delivery brought what logs in by the grant.
type possession struct {
	grant    *knownGrant
	delivery *state.DeliveryFact
}

// possessions are what a person has, as far as the log tells. A grant is his by
// his login key, by his name as its label, or where it alone was entered together
// with a key for him.
func (d *Desk) possessions(ctx context.Context, m bundle.RosterMember) ([]possession, error) {
	all, err := d.allGrants(ctx, nil)
	if err != nil {
		return nil, err
	}
	latest := d.latestDeliveries(m)
	inBlock := map[uint64]int{}
	for _, g := range all {
		inBlock[g.Block]++
	}
	var login state.Word
	if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.LoginKey)); err == nil {
		login = profile.Hash(key)
	}
	with := func(g *knownGrant) int {
		return slices.IndexFunc(latest, func(f *state.DeliveryFact) bool {
			return f.Fact.Block == g.Block && bundle.Purpose(f.Purpose) == bundle.PurposeUserKey
		})
	}
	var list []possession
	paired := map[int]bool{}
	for i := range all {
		g := &all[i]
		named := g.Label == m.Name || strings.HasPrefix(g.Label, m.Name+": ")
		at := with(g)
		if g.zone != m.Zone || g.standing != state.Live && g.standing != state.NotYet ||
			g.Grant.Key != login && !named && (at < 0 || inBlock[g.Block] > 1) {
			continue
		}
		p := possession{grant: g}
		if at >= 0 && !paired[at] {
			p.delivery, paired[at] = latest[at], true
		}
		list = append(list, p)
	}
	for i, f := range latest {
		if !paired[i] {
			list = append(list, possession{delivery: f})
		}
	}
	return list, nil
}

// latestDeliveries are the live deliveries to a recipient, of each purpose and name
// the one that counts.
func (d *Desk) latestDeliveries(m bundle.RosterMember) (list []*state.DeliveryFact) {
	for f := range d.view(m.Zone, m.Device).Deliveries(uint64(d.Now().Unix())) {
		if f.Scope == m.Device && d.inForce(m, bundle.Purpose(f.Purpose), f.Delivery.Name) == f {
			list = append(list, f)
		}
	}
	return list
}

// PersonRetired is the outcome of RetirePerson.
type PersonRetired struct {
	Person
	// Already: he was retired before.
	Already bool `json:"already,omitempty"`
	// GrantsRevoked were revoked with him; those in Person.Grants go on.
	GrantsRevoked []*Grant `json:"grants_revoked,omitempty"`
	Posted        *Posted  `json:"transaction,omitempty"`
}

// RetirePerson revokes a person's mailbox: nothing is delivered to him any more, and
// what was is taken away where he receives it. Who has kept a key elsewhere gets
// in by it for as long as its grant lives: grants revokes those too.
func (d *Desk) RetirePerson(ctx context.Context, name string, grants bool) (*PersonRetired, error) {
	m, err := d.person(ctx, name)
	if err != nil {
		return nil, err
	}
	his, err := d.possessions(ctx, m)
	if err != nil {
		return nil, err
	}
	out := &PersonRetired{Person: d.showPerson(m)}
	out.Already = out.Retired
	groups := d.leaving(m)
	for _, p := range his {
		switch {
		case p.grant == nil:
		case grants:
			groups = append(groups, p.grant.group(revoke(p.grant.Kind, p.grant.Subject)))
			out.GrantsRevoked = append(out.GrantsRevoked, d.shownGrant(*p.grant))
		default:
			out.Grants = append(out.Grants, d.shownGrant(*p.grant))
		}
	}
	if len(groups) == 0 {
		return out, nil
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	if out.Posted, err = d.write(ctx, merged(groups)...); err != nil {
		return nil, err
	}
	if !d.DryRun {
		out.Retired = true
	}
	return out, nil
}

// leaving revokes a member's mailbox, unless it is revoked.
func (d *Desk) leaving(m bundle.RosterMember) []contracts.Group {
	if d.retired(m) {
		return nil
	}
	return []contracts.Group{{Scope: m.Zone, Changes: []contracts.Change{revoke(state.KindDevice, m.Device)}}}
}
