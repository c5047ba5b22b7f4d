package admin

import (
	"context"
	"slices"

	"dpki/bundle"
	"dpki/contracts"
)

// ReplaceDevice is what `device replace` asks for.
type ReplaceDevice struct {
	Name    string
	Request *bundle.Request
	Address string // HOST:PORT; empty = the old one's
	Grants  bool   // enter the live grants of the old one for the new one
	KeepKey bool   // the zone goes on with the keys that the old one has
}

// DeviceReplacement is a device on new hardware, before and after it is done.
type DeviceReplacement struct {
	Old Device    `json:"old"`
	New Enrolment `json:"new"`
	// Entered are the grants that hold for the new one, under the same ids: who has
	// their certificates logs in there.
	Entered []*Grant `json:"grants_entered"`
	*DeviceLeft
	Posted *Posted `json:"transaction,omitempty"` // absent where nothing was left to do

	request ReplaceDevice
	member  bundle.RosterMember
	zone    bundle.RosterZone
}

// PlanReplaceDevice says what ReplaceDevice would do, so that somebody can compare
// the fingerprint before.
func (d *Desk) PlanReplaceDevice(ctx context.Context, r ReplaceDevice) (*DeviceReplacement, error) {
	m, err := d.device(ctx, r.Name)
	if err != nil {
		return nil, err
	}
	if r.Address == "" {
		r.Address = m.Address
	} else if !bundle.ValidAddress(r.Address) {
		return nil, noAddress(r.Address)
	}
	out := &DeviceReplacement{Old: d.showDevice(m), Entered: []*Grant{}, request: r, member: m}
	if out.zone, err = d.findZone(m.Zone.String()); err != nil {
		return nil, err
	}
	p := d.enrolling(out.zone)
	p.replaces = m.Device
	if err := p.add(r.Request, r.Address); err != nil {
		return nil, err
	}
	out.New = p.plan[0]
	switch {
	case r.Request.Name != m.Name:
		return nil, problem(Failed, "on the new hardware: dpkid enroll --name "+m.Name, "the request is of a device %s, not %s", r.Request.Name, m.Name)
	case out.New.member.Device == m.Device && !out.New.Already:
		return nil, problem(Failed, "dpki device add takes its new host key and address", "the request is by the identity that it is to replace")
	case out.New.Already && out.New.member.Device != m.Device:
		return nil, problem(Failed, "dpki device retire "+m.Device.String()[:12], "the request is of a device that is enrolled beside %s", m.Name)
	}
	out.DeviceLeft, err = d.left(ctx, m)
	return out, err
}

// ReplaceDevice retires the old hardware and enrols the new in its place, in one
// transaction: there is no moment at which both are trusted, or none.
func (d *Desk) ReplaceDevice(ctx context.Context, r *DeviceReplacement) error {
	if r.New.Already {
		return nil
	}
	m := r.New.member
	if err := d.ring.AddMailbox(m.Device, m.MailboxSecret); err != nil {
		return err
	}
	group, rekeyed, err := d.departs(ctx, departure{member: r.member, zone: r.zone, comes: []bundle.RosterMember{m}, rekey: !r.request.KeepKey})
	if err != nil {
		return err
	}
	r.Rekeyed = rekeyed
	groups := []contracts.Group{group}
	if r.request.Grants {
		entered, err := d.grantsAgain(ctx, r)
		if err != nil {
			return err
		}
		groups = append(groups, entered...)
	}
	if r.Posted, err = d.write(ctx, groups...); err != nil || d.DryRun {
		return err
	}
	return d.reload(ctx)
}

// grantsAgain enters the live grants of the old device for the new one, until they
// would have ended.
func (d *Desk) grantsAgain(ctx context.Context, r *DeviceReplacement) ([]contracts.Group, error) {
	grants, err := d.grantsOf(ctx, r.member)
	if err != nil || len(grants) == 0 {
		return nil, err
	}
	if len(grants) > maxAtOnce {
		return nil, problem(Failed, "replace it without --grants, and grant anew", "%d grants are too many for one transaction", len(grants))
	}
	begin, err := d.begin()
	if err != nil {
		return nil, err
	}
	m := r.New.member
	group := inMailbox(m)
	for _, g := range slices.Backward(grants) {
		payload, err := g.Grant.Marshal()
		if err != nil {
			return nil, err
		}
		from := max(g.Fact.From, begin)
		g.Until = min(g.Until, from+d.longest(g.Kind)) // a limit may have come since
		sealed, err := d.ring.SealAgain(g.Subject, g.Scope, bundle.Entry{Scope: m.Device, Kind: g.Kind, From: from, Until: g.Until}, payload)
		if err != nil {
			return nil, err
		}
		group.Changes = append(group.Changes, put(g.Kind, sealed, from, g.Until))
		r.Entered = append(r.Entered, d.shownGrant(g))
	}
	r.Grants = []*Grant{}
	return []contracts.Group{group}, nil
}
