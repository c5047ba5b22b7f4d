package admin

import (
	"context"
	"slices"
	"strings"

	"dpki/bundle"
	"dpki/sshca/profile"
	"dpki/state"
)

// knownGrant is a grant as the log has it.
type knownGrant struct {
	state.GrantFact
	target
	standing state.Standing
}

// allGrants reads the mailboxes of the devices (all of them if none is given)
// and returns every grant that can be read, the newest first.
func (d *Desk) allGrants(ctx context.Context, only []bundle.RosterMember) ([]knownGrant, error) {
	members := only
	if only == nil {
		members = d.roster.Devices
	}
	var mailboxes []state.Word
	for _, m := range members {
		mailboxes = append(mailboxes, m.Device)
	}
	if err := d.need(ctx, mailboxes...); err != nil {
		return nil, err
	}
	byScope := map[state.Word]*bundle.RosterMember{}
	for i := range members {
		byScope[members[i].Device] = &members[i]
	}
	now := uint64(d.Now().Unix())
	var list []knownGrant
	for _, z := range d.zones() {
		view := d.survey(z.Zone)
		for g := range view.AllGrants() {
			m := byScope[g.Scope]
			if g.Scope != z.Zone && m == nil {
				continue
			}
			standing := view.Standing(&g.Fact, now)
			if m != nil && d.retired(*m) {
				standing = state.Revoked // with its device
			}
			list = append(list, knownGrant{*g, target{scope: g.Scope, zone: z.Zone, member: m}, standing})
		}
	}
	slices.SortStableFunc(list, func(a, b knownGrant) int {
		if a.Time != b.Time {
			return int(int64(b.Time) - int64(a.Time))
		}
		return strings.Compare(a.Subject.String(), b.Subject.String())
	})
	return list, nil
}

// GrantFilter narrows a list of grants.
type GrantFilter struct {
	Device string // a device; its zone's grants are shown too
	All    bool   // also those that ended or were revoked
}

// Grants lists grants, the newest first.
func (d *Desk) Grants(ctx context.Context, f GrantFilter) ([]*Grant, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	var only []bundle.RosterMember
	if f.Device != "" {
		m, err := d.findDevice(f.Device)
		if err != nil {
			return nil, err
		}
		only = []bundle.RosterMember{m}
	}
	all, err := d.allGrants(ctx, only)
	if err != nil {
		return nil, err
	}
	list := []*Grant{}
	for _, g := range all {
		if (f.All || g.standing == state.Live || g.standing == state.NotYet) && (only == nil || g.zone == only[0].Zone) {
			list = append(list, d.shownGrant(g))
		}
	}
	return list, nil
}

// GrantByID shows one grant, by the beginning of its identifier.
func (d *Desk) GrantByID(ctx context.Context, id string) (*Grant, error) {
	g, err := d.grantByID(ctx, id)
	if err != nil {
		return nil, err
	}
	return d.shownGrant(g), nil
}

func (d *Desk) grantByID(ctx context.Context, id string) (knownGrant, error) {
	if err := d.member(ctx); err != nil {
		return knownGrant{}, err
	}
	all, err := d.allGrants(ctx, nil)
	if err != nil {
		return knownGrant{}, err
	}
	var found []knownGrant
	for _, g := range all {
		if isPrefix(grantID(id), g.Subject) {
			found = append(found, g)
		}
	}
	// The same grant for a device and for the one that it took the place of.
	if len(found) > 1 {
		first := found[0].Subject
		gone := func(g knownGrant) bool { return g.standing == state.Revoked && g.Subject == first }
		if live := slices.DeleteFunc(slices.Clone(found), gone); len(live) > 0 {
			found = live
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if len(grantID(id)) < minPrefix {
			return knownGrant{}, problem(Usage, "dpki grant list --all shows them", "%.80q is too short for a grant: write at least %d digits", id, minPrefix)
		}
		return knownGrant{}, problem(Failed, "dpki grant list --all shows them", "there is no grant %.80q", id)
	}
	var names []string
	for _, g := range found {
		names = append(names, g.Subject.String())
	}
	return knownGrant{}, problem(Failed, "write more of it: "+strings.Join(names, " or "), "%q begins %d grants", id, len(found))
}

// grantID takes the beginning of a grant's identifier from a certificate's principal
// or key ID.
func grantID(id string) string {
	id, _, _ = strings.Cut(strings.TrimPrefix(id, "g-"), "-")
	return id
}

func (d *Desk) shownGrant(g knownGrant) *Grant {
	shown := &Grant{
		ID: g.Subject.String(), Zone: d.zoneName(g.zone), Account: g.Account, Privileged: g.Kind == state.KindGrantPriv,
		Key: fingerprintText(g.Grant.Key), From: g.Grant.From, Command: g.Command, Allows: flagNames(g.Flags), Label: g.Label,
		Standing: g.standing.String(), Since: Time(max(g.Fact.From, g.Time)), Until: Time(g.Until), Block: g.Block,
		KeyID: g.keyID(g.Subject, g.Kind, g.GrantFact.Grant),
	}
	if len(g.Authors) > 0 {
		shown.Author = g.Authors[0].String()
	}
	if g.member != nil {
		shown.Device, shown.Address = shown.Zone+"/"+g.member.Name, g.member.Address
	}
	return shown
}

// ExtendGrant enters a new grant with what an earlier one allowed, counted from
// now. A grant itself never changes; sessions under it run to the latest end. Of r
// the length counts, the key, which must be the earlier grant's, and Uncertified.
func (d *Desk) ExtendGrant(ctx context.Context, id string, r GrantRequest) (*Granted, error) {
	g, err := d.grantByID(ctx, id)
	if err != nil {
		return nil, err
	}
	if g.standing == state.Revoked {
		return nil, problem(Failed, "grant anew: dpki grant", "grant %s was revoked", short(g.Subject))
	}
	if r.Key == nil || profile.Hash(r.Key) != g.Grant.Key {
		return nil, problem(Usage, "name that key's .pub file: --key FILE", "grant %s is for key %s", short(g.Subject), fingerprintText(g.Grant.Key))
	}
	r.Targets, r.Account, r.From, r.Command, r.Flags, r.Label = []string{d.targetName(g.target)}, g.Account, g.Grant.From, g.Command, g.Flags, g.Label
	return d.Grant(ctx, r)
}

// KeyOf is the hash of the key that a grant is for, so that a caller can look
// for the key's file.
func (d *Desk) KeyOf(ctx context.Context, id string) (state.Word, error) {
	g, err := d.grantByID(ctx, id)
	return g.Grant.Key, err
}
