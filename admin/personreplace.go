package admin

import (
	"context"
	"slices"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/sshca/profile"
	"dpki/state"
)

// Replacement is a person on a new machine, before and after it is done.
type Replacement struct {
	Old Person          `json:"old"`
	New PersonEnrolment `json:"new"`
	// Delivered is what the new machine gets in the place of the old one's.
	Delivered []*Delivery `json:"delivered"`
	// ByHand was delivered or granted to the old machine in a way that cannot be
	// repeated: only the recipient could read it, or no delivery belongs to it.
	ByHand []string `json:"by_hand,omitempty"`
	Posted *Posted  `json:"transaction,omitempty"` // absent where nothing was left to do
	// Watch are the files of those of Delivered that wait for watchdogs' signatures.
	Watch []string `json:"watch,omitempty"`

	old bundle.RosterMember
}

// PlanReplacement says what ReplacePerson would do, so that somebody can compare
// the fingerprint before.
func (d *Desk) PlanReplacement(ctx context.Context, name string, r *bundle.Request) (*Replacement, error) {
	old, err := d.person(ctx, name)
	if err != nil {
		return nil, err
	}
	if r.MailboxSecret.Mailbox(old.Zone) == old.Device {
		// Done before: the name is the new one's now.
		i := slices.IndexFunc(d.roster.People, func(m bundle.RosterMember) bool {
			return m.Name == old.Name && m.Zone == old.Zone && m.Device != old.Device && d.retired(m)
		})
		if i >= 0 {
			return &Replacement{Old: d.showPerson(d.roster.People[i]), New: PersonEnrolment{Person: d.showPerson(old), Already: true}, Delivered: []*Delivery{}}, nil
		}
		return nil, problem(Usage, "on the new machine: dpki identity request; an identity is never moved", "the request is by the identity that it is to replace")
	}
	plan, err := d.PlanPeople(ctx, AddPeople{Zone: d.zoneName(old.Zone), Requests: []*bundle.Request{r}, replaces: old.Device})
	if err != nil {
		return nil, err
	}
	return &Replacement{Old: d.showPerson(old), New: plan[0], Delivered: []*Delivery{}, old: old}, nil
}

// ReplacePerson enrols the new identity, retires the old one, revokes its grants
// and enters and delivers the same for the new one: all in one transaction, so
// that a lost machine is never waited for, and nobody is without a key for it.
// What watchdogs must sign waits in a file, with the grants that it is for, and
// alone: nothing of the old machine goes on because a watchdog sleeps. The error is
// then a *WatchedError, and what the Replacement says is done.
func (d *Desk) ReplacePerson(ctx context.Context, r *Replacement) error {
	if r.New.Already && r.Old.Retired {
		return nil
	}
	if err := d.unlock(); err != nil {
		return err
	}
	his, err := d.possessions(ctx, r.old)
	if err != nil {
		return err
	}
	if len(his) > maxAtOnce {
		return problem(Failed, "dpki person retire "+r.Old.Name+" --grants, dpki person add, and deliver anew", "%s has %d keys and grants: too many for one transaction", r.Old.Name, len(his))
	}
	m := r.New.member
	if err := d.ring.AddMailbox(m.Device, m.MailboxSecret); err != nil {
		return err
	}
	groups := d.leaving(r.old)
	if !r.New.Already {
		group, err := d.announcePeople(ctx, []PersonEnrolment{r.New})
		if err != nil {
			return err
		}
		groups = append(groups, group)
	}
	signers := newSigners(d)
	defer signers.close()
	var blocks []bundle.Block
	watch := &WatchFile{Anchor: d.Anchor}
	for _, had := range his {
		if had.grant != nil {
			groups = append(groups, had.grant.group(revoke(had.grant.Kind, had.grant.Subject)))
		}
		p, err := d.again(ctx, signers, r, had)
		if err != nil {
			return err
		}
		if p == nil {
			continue
		}
		if err := d.seal(p, watch); err != nil {
			return err
		}
		r.Delivered, blocks = append(r.Delivered, &p.shown), append(blocks, p.block)
		if p.shown.Waits() {
			watch.Groups = append(watch.Groups, p.announced...)
		} else {
			groups = append(groups, p.announced...)
		}
	}
	if err := d.publish(ctx, blocks); err != nil {
		return err
	}
	if err := d.replace(ctx, r, groups, watch); err != nil {
		return err
	}
	return watched(r.Watch...)
}

// replace writes what waits for nobody. The file for watchdogs comes before it: a
// folder that takes none is found while nothing is changed yet.
func (d *Desk) replace(ctx context.Context, r *Replacement, groups []contracts.Group, watch *WatchFile) (err error) {
	if len(watch.Deliveries) > 0 {
		file, err := d.askWatchdogs(watch)
		if err != nil {
			return err
		}
		r.Watch = []string{file}
	}
	if r.Posted, err = d.write(ctx, merged(groups)...); err != nil {
		for _, file := range r.Watch {
			d.warn(file + " is of use once the replacement is in the log; if it never is, delete it")
		}
		return err
	}
	if d.DryRun {
		return nil
	}
	return d.reload(ctx)
}

// again packs for the new identity what the old one had; nil where somebody has to
// do it, which it says. What cannot be made here holds up nothing either.
func (d *Desk) again(ctx context.Context, signers *signers, r *Replacement, had possession) (*parcel, error) {
	f := had.delivery
	if f == nil {
		r.ByHand = append(r.ByHand, "grant "+had.grant.Account+" on "+d.scopeName(had.grant.Scope)+" was revoked: dpki grant")
		return nil, nil
	}
	from, err := d.begin()
	if err != nil {
		return nil, err
	}
	p := &parcel{to: r.New.member, purpose: bundle.Purpose(f.Purpose), name: f.Delivery.Name, from: from, until: f.Until}
	what := p.purpose.String() + " " + p.name
	switch {
	case p.purpose == bundle.PurposeUserKey && had.grant != nil:
		g := had.grant
		if err = d.uncertifiable(g.target, from); err == nil {
			p.until = min(g.Until, from+d.longest(g.Kind))
			return p, d.packUserKey(ctx, signers, p, g.target, g.anew(r.old, p.to, p.until-from))
		}
		what += ", whose grant was revoked"
	case p.purpose == bundle.PurposeCA && p.name == HostCAs:
		if err = d.packCA(p, state.KindCAHost, bundle.ForHosts); err == nil {
			return p, nil
		}
	}
	if err != nil {
		what += " (" + OneLine(err) + ")"
	}
	r.ByHand = append(r.ByHand, what+": dpki deliver")
	return nil, nil
}

// anew asks for what a grant allows, for so many seconds, for a new person. The key
// is his own where the old one had his own, and else made here.
func (g *knownGrant) anew(old, m bundle.RosterMember, seconds uint64) GrantRequest {
	r := GrantRequest{Account: g.Account, For: time.Duration(seconds) * time.Second, From: g.Grant.From, Command: g.Command, Flags: g.Flags, Label: g.Label}
	had, _, _, _, err := ssh.ParseAuthorizedKey([]byte(old.LoginKey))
	if err != nil || profile.Hash(had) != g.Grant.Key {
		return r
	}
	if has, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.LoginKey)); err == nil {
		r.Key = has
	}
	return r
}
