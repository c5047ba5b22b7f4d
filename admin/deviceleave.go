package admin

import (
	"context"
	"slices"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// DeviceLeft is what a device leaves behind that retired it.
type DeviceLeft struct {
	// Grants for it alone ended with it.
	Grants []*Grant `json:"grants_ended"`
	// Deliveries were made to it. What a user key opens elsewhere goes on.
	Deliveries []*Delivery `json:"deliveries"`
	// Rekeyed is the zone's new key, which it is not given; nil where it keeps the
	// keys that the zone goes on with.
	Rekeyed *Rekeyed `json:"rekeyed,omitempty"`
}

// left finds what lives of a device's.
func (d *Desk) left(ctx context.Context, m bundle.RosterMember) (*DeviceLeft, error) {
	l := &DeviceLeft{Grants: []*Grant{}, Deliveries: []*Delivery{}}
	grants, err := d.grantsOf(ctx, m)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		l.Grants = append(l.Grants, d.shownGrant(g))
	}
	all, err := d.ListDeliveries(ctx, []string{m.Device.String()})
	if err != nil {
		return nil, err
	}
	for _, f := range all {
		if f.Standing == state.Live.String() {
			l.Deliveries = append(l.Deliveries, f)
		}
	}
	return l, nil
}

// grantsOf are the grants in a device's mailbox that live, or will.
func (d *Desk) grantsOf(ctx context.Context, m bundle.RosterMember) ([]knownGrant, error) {
	all, err := d.allGrants(ctx, []bundle.RosterMember{m})
	return slices.DeleteFunc(all, func(g knownGrant) bool {
		return g.Scope != m.Device || g.standing != state.Live && g.standing != state.NotYet
	}), err
}

// departure is a device that goes, in one transaction with whatever comes for it.
type departure struct {
	member bundle.RosterMember
	zone   bundle.RosterZone
	comes  []bundle.RosterMember // into the same zone
	rekey  bool
}

// departs is the changes to the zone: the device is retired, and where the zone has
// another key from then on, those that stay and come are given it; else those that
// come are given what there is.
func (d *Desk) departs(ctx context.Context, p departure) (contracts.Group, *Rekeyed, error) {
	g := contracts.Group{Scope: p.member.Zone, Changes: []contracts.Change{revoke(state.KindDevice, p.member.Device)}}
	z, devices, known := p.zone, p.comes, &bundle.Roster{Version: 1, Devices: p.comes}
	var rekeyed *Rekeyed
	if p.rekey {
		var err error
		if z, err = d.nextKey(z); err != nil {
			return g, nil, err
		}
		stay := slices.DeleteFunc(d.living(z.Zone), func(m bundle.RosterMember) bool { return m.Device == p.member.Device })
		devices = append(stay, p.comes...)
		known = d.wholeZone(z, devices)
		rekeyed = &Rekeyed{Zone: z.Name, Key: newestKey(z), Devices: len(devices)}
	}
	if len(devices) == 0 && !p.rekey {
		return g, nil, nil
	}
	change, err := d.announcement(ctx, z.Zone, z, devices, known)
	if err != nil {
		return g, nil, err
	}
	g.Changes = append(g.Changes, *change)
	return g, rekeyed, nil
}

// DeviceRetired is the outcome of RetireDevice.
type DeviceRetired struct {
	*Revoked
	*DeviceLeft
}

// RetireDevice revokes a device: it lets nobody in from then on, and its identity
// is never accepted again in its zone. rekey gives the zone another key with the
// same transaction.
func (d *Desk) RetireDevice(ctx context.Context, name string, rekey bool) (*DeviceRetired, error) {
	m, err := d.device(ctx, name)
	if err != nil {
		return nil, err
	}
	z, err := d.findZone(m.Zone.String())
	if err != nil {
		return nil, err
	}
	out := &DeviceRetired{Revoked: &Revoked{What: "device", Name: z.Name + "/" + m.Name, ID: m.Device.String()}}
	if out.DeviceLeft, err = d.left(ctx, m); err != nil {
		return nil, err
	}
	group, rekeyed, err := d.departs(ctx, departure{member: m, zone: z, rekey: rekey})
	if err != nil {
		return nil, err
	}
	out.Rekeyed = rekeyed
	if out.Posted, err = d.write(ctx, group); err != nil || d.DryRun {
		return out, err
	}
	return out, d.reload(ctx)
}
