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
	for _, p := range his {
		if p.grant != nil {
			groups = append(groups, p.grant.group(revoke(p.grant.Kind, p.grant.Subject)))
		}
		again, block, err := d.again(ctx, signers, r, p)
		if err != nil {
			return err
		}
		groups, blocks = append(groups, again...), append(blocks, block...)
	}
	if err := d.publish(ctx, blocks); err != nil {
		return err
	}
	if r.Posted, err = d.write(ctx, merged(groups)...); err != nil || d.DryRun {
		return err
	}
	return d.reload(ctx)
}

// again seals for the new identity what the old one had, or says that somebody has
// to do it.
func (d *Desk) again(ctx context.Context, signers *signers, r *Replacement, p possession) ([]contracts.Group, []bundle.Block, error) {
	f := p.delivery
	if f == nil {
		r.ByHand = append(r.ByHand, "grant "+p.grant.Account+" on "+d.scopeName(p.grant.Scope)+" was revoked: dpki grant")
		return nil, nil, nil
	}
	now, err := d.now()
	if err != nil {
		return nil, nil, err
	}
	m, name, from := r.New.member, f.Delivery.Name, min(now, d.Ledger.Head().Time)
	var packed *parcel
	switch purpose := bundle.Purpose(f.Purpose); {
	case purpose == bundle.PurposeUserKey && p.grant != nil:
		packed, err = d.packUserKey(ctx, signers, p.grant.target, p.grant.anew(r.old, m, now), name, m, from, p.grant.Until)
	case purpose == bundle.PurposeCA && name == HostCAs:
		packed, err = d.packCA(m.Zone, state.KindCAHost, bundle.ForHosts, name)
	default:
		r.ByHand = append(r.ByHand, purpose.String()+" "+name+": dpki deliver")
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	sealed, block, err := d.sealDelivery(m, bundle.Purpose(f.Purpose), name, packed, nil, from, f.Until)
	if err != nil {
		return nil, nil, err
	}
	r.Delivered = append(r.Delivered, &packed.shown)
	announced := contracts.Group{Scope: m.Device, Salt: m.MailboxSecret.Commitment(), Changes: []contracts.Change{put(state.KindDelivery, sealed, from, f.Until)}}
	return append(slices.Clone(packed.with), announced), []bundle.Block{block}, nil
}

// anew asks for what a grant allows, for what is left of it, for a new person. The
// key is his own where the old one had his own, and else made here.
func (g *knownGrant) anew(old, m bundle.RosterMember, now uint64) GrantRequest {
	r := GrantRequest{Account: g.Account, For: time.Duration(g.Until-now) * time.Second, From: g.Grant.From, Command: g.Command, Flags: g.Flags, Label: g.Label}
	had, _, _, _, err := ssh.ParseAuthorizedKey([]byte(old.LoginKey))
	if err != nil || profile.Hash(had) != g.Grant.Key {
		return r
	}
	if has, _, _, _, err := ssh.ParseAuthorizedKey([]byte(m.LoginKey)); err == nil {
		r.Key = has
	}
	return r
}
