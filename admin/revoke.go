package admin

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// Revoked is the outcome of a revocation.
type Revoked struct {
	What string `json:"what"` // grant, device, ca, delivery, denial
	Name string `json:"name"`
	ID   string `json:"id"`
	// Already: it was revoked before, nothing was written.
	Already bool    `json:"already,omitempty"`
	Posted  *Posted `json:"transaction,omitempty"`
}

// revocable is something in a log that can be revoked.
type revocable struct {
	What, Name     string
	scope, subject state.Word
	kind           state.Kind
	salt           state.Word
	also           []state.Word // more subjects of the same kind that go with it
	done           bool
}

// Revocable says what a name stands for, so that somebody can confirm.
type Revocable struct {
	What, Name, ID string
	found          revocable
}

// FindRevocable resolves the beginning of a grant's or denial's identifier, a
// device's name or a CA's label. A name of several things is an error that
// lists them.
func (d *Desk) FindRevocable(ctx context.Context, name string) (*Revocable, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	all, err := d.revocables(ctx)
	if err != nil {
		return nil, err
	}
	var found []revocable
	for _, r := range all {
		plain := r.Name[strings.LastIndex(r.Name, "/")+1:]
		if r.begins(grantID(name)) || (r.What != "grant" && (r.Name == name || plain == name)) {
			found = append(found, r)
		}
	}
	// A name that is used again stands for the one that is in use.
	if live := onlyLive(found); len(live) > 0 {
		found = live
	}
	switch len(found) {
	case 1:
		return &Revocable{What: found[0].What, Name: found[0].Name, ID: found[0].subject.String(), found: found[0]}, nil
	case 0:
		begins := func(r revocable) bool { return strings.HasPrefix(r.subject.String(), grantID(name)) }
		if len(grantID(name)) < minPrefix && slices.ContainsFunc(all, begins) {
			return nil, problem(Usage, "dpki grant list shows them", "%.80q is too short: write at least %d digits of an identifier", name, minPrefix)
		}
		var names []string
		for _, r := range all {
			if r.What != "grant" && r.What != "delivery" && !r.done {
				names = append(names, r.Name[strings.LastIndex(r.Name, "/")+1:])
			}
		}
		return nil, problem(Failed, suggest(name, names)+"; dpki grant list shows grants", "nothing here is called %.80q", name)
	}
	var candidates []string
	for _, r := range found {
		candidates = append(candidates, fmt.Sprintf("%s %s (%s)", r.What, r.Name, short(r.subject)))
	}
	return nil, problem(Failed, "write more of it, or an identifier: "+strings.Join(candidates, ", "), "%q stands for %d things", name, len(found))
}

// begins reports whether one of its identifiers begins so.
func (r *revocable) begins(text string) bool {
	return isPrefix(text, r.subject) || slices.ContainsFunc(r.also, func(w state.Word) bool { return isPrefix(text, w) })
}

func onlyLive(list []revocable) []revocable {
	var live []revocable
	for _, r := range list {
		if !r.done {
			live = append(live, r)
		}
	}
	return live
}

// revocables is everything that revoke knows by name.
func (d *Desk) revocables(ctx context.Context) ([]revocable, error) {
	grants, err := d.allGrants(ctx, nil)
	if err != nil {
		return nil, err
	}
	var all []revocable
	for _, g := range grants {
		r := revocable{
			What: "grant", Name: g.Account + " on " + d.scopeName(g.Scope), scope: g.Scope, kind: g.Kind, subject: g.Subject,
			done: g.standing == state.Revoked,
		}
		if g.member != nil {
			r.salt = g.member.MailboxSecret.Commitment()
		}
		all = append(all, r)
	}
	for _, m := range d.roster.Devices {
		all = append(all, revocable{
			What: "device", Name: d.zoneName(m.Zone) + "/" + m.Name, scope: m.Zone, kind: state.KindDevice, subject: m.Device, done: d.retired(m),
		})
	}
	for _, ca := range d.cas() {
		all = append(all, revocable{
			What: "ca", Name: d.zoneName(ca.Scope) + "/" + ca.Label, scope: ca.Scope, kind: ca.Kind, subject: ca.Subject,
			done: ca.standing == state.Revoked,
		})
	}
	for _, m := range slices.Concat(d.roster.Devices, d.people()) {
		sent, _ := d.sentTo(m, uint64(d.Now().Unix()))
		for _, f := range sent {
			all = append(all, revocable{
				What: "delivery", Name: d.memberName(m) + " " + f.what(), scope: m.Device, salt: m.MailboxSecret.Commitment(), kind: f.Kind,
				subject: f.Subject, done: f.void,
			})
		}
	}
	return append(all, d.denials()...), nil
}

// Revoke revokes what was found.
func (d *Desk) Revoke(ctx context.Context, r *Revocable) (*Revoked, error) {
	return d.revokeFact(ctx, r.found)
}

// RevokeGrant revokes a grant that this Desk has just made. It looks nothing up:
// it has to work when little else does.
func (d *Desk) RevokeGrant(ctx context.Context, g *Grant) (*Revoked, error) {
	return d.revokeFact(ctx, g.revocable)
}

func (d *Desk) revokeFact(ctx context.Context, r revocable) (*Revoked, error) {
	out := &Revoked{What: r.What, Name: r.Name, ID: r.subject.String(), Already: r.done}
	if r.done {
		return out, nil
	}
	changes := []contracts.Change{revoke(r.kind, r.subject)}
	for _, subject := range r.also {
		changes = append(changes, revoke(r.kind, subject))
	}
	posted, err := d.write(ctx, contracts.Group{Scope: r.scope, Salt: r.salt, Changes: changes})
	out.Posted = posted
	return out, err
}

// CheckCA is nil where a label names one CA that is not revoked.
func (d *Desk) CheckCA(ctx context.Context, label, zone string) error {
	_, err := d.findCA(ctx, label, zone)
	return err
}

func (d *Desk) findCA(ctx context.Context, label, zone string) (knownCA, error) {
	if err := d.member(ctx); err != nil {
		return knownCA{}, err
	}
	var found []knownCA
	var names []string
	for _, ca := range d.cas() {
		name := d.zoneName(ca.Scope)
		if zone != "" && name != zone || ca.standing == state.Revoked {
			continue
		}
		names = append(names, ca.Label)
		if ca.Label == label || name+"/"+ca.Label == label || isPrefix(label, ca.Subject) {
			found = append(found, ca)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if len(names) == 0 {
			return knownCA{}, problem(Failed, "dpki ca create LABEL --zone ZONE", "there is no CA")
		}
		return knownCA{}, problem(Failed, suggest(label, names), "there is no live CA %.80q", label)
	}
	return knownCA{}, problem(Failed, "name its zone: --zone", "%q is the label of %d CAs", label, len(found))
}

// scopeName is the name of a scope for people.
func (d *Desk) scopeName(scope state.Word) string {
	if scope == d.Anchor.Org {
		return "organisation"
	}
	for _, z := range d.roster.Zones {
		if z.Zone == scope {
			return z.Name
		}
	}
	for _, m := range slices.Concat(d.roster.Devices, d.roster.People) {
		if m.Device == scope {
			return d.memberName(m)
		}
	}
	return short(scope)
}

// namesake reports whether another scope in use is called the same. dpki makes no
// two of a name, so somebody else has, and the name does not say which is meant.
func (d *Desk) namesake(scope state.Word) bool {
	for _, z := range d.zones() {
		if z.Zone != scope && z.Name == d.scopeName(scope) {
			return true
		}
	}
	retired := func(m bundle.RosterMember) bool { return m.Device == scope && d.retired(m) }
	if slices.ContainsFunc(d.roster.Devices, retired) {
		return false // what replaced it has its name
	}
	return slices.ContainsFunc(d.roster.Devices, func(m bundle.RosterMember) bool {
		return m.Device != scope && d.scopeName(m.Device) == d.scopeName(scope) && !d.retired(m)
	})
}
