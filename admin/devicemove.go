package admin

import (
	"context"
	"slices"

	"dpki/bundle"
	"dpki/contracts"
)

// DeviceMoved is the outcome of MoveDevice.
type DeviceMoved struct {
	From string `json:"from"` // zone
	Device
	*DeviceLeft
	Posted *Posted `json:"transaction"`
}

// MoveDevice puts a device into another zone. It gets another mailbox there, and so
// another id, from the secret that it has: it follows by itself, because the
// organisation announces the move in its own log, which every device reads. Its old
// mailbox is retired with the same transaction.
func (d *Desk) MoveDevice(ctx context.Context, name, zone string, keepKey bool) (*DeviceMoved, error) {
	m, err := d.device(ctx, name)
	if err != nil {
		return nil, err
	}
	from, err := d.findZone(m.Zone.String())
	if err != nil {
		return nil, err
	}
	to, err := d.findZone(zone)
	if err != nil {
		return nil, err
	}
	moved := m
	moved.Zone, moved.Device = to.Zone, m.MailboxSecret.Mailbox(to.Zone)
	inTo := d.living(to.Zone)
	switch {
	case to.Zone == from.Zone:
		return nil, problem(Usage, "name another one", "%s is in zone %s", m.Name, to.Name)
	case d.retired(moved):
		return nil, problem(Failed, "on the device: dpkid leave, then dpkid enroll again; here: dpki device replace "+m.Name+" REQUEST, then move that",
			"this identity of %s was in zone %s before and was retired there, which is final", m.Name, to.Name)
	case slices.ContainsFunc(inTo, func(o bundle.RosterMember) bool { return o.Name == m.Name }):
		return nil, problem(Failed, "retire or rename one of them", "zone %s has another device %s", to.Name, m.Name)
	}
	out := &DeviceMoved{From: from.Name, Device: d.showDevice(moved)}
	if out.DeviceLeft, err = d.left(ctx, m); err != nil {
		return nil, err
	}
	left, rekeyed, err := d.departs(ctx, departure{member: m, zone: from, rekey: !keepKey})
	if err != nil {
		return nil, err
	}
	out.Rekeyed = rekeyed
	announced, err := d.announcement(ctx, d.Anchor.Org, to, []bundle.RosterMember{moved}, nil)
	if err != nil {
		return nil, err
	}
	// Administrators learn it in the zone's log: who begins to read that later than
	// the device was retired there finds neither.
	begin, err := d.begin()
	if err != nil {
		return nil, err
	}
	known, err := d.rosterChange(ctx, to.Zone, &bundle.Roster{Version: 1, Devices: []bundle.RosterMember{moved}}, begin)
	if err != nil {
		return nil, err
	}
	out.Posted, err = d.write(ctx, contracts.Group{Scope: d.Anchor.Org, Changes: []contracts.Change{*announced}}, left, known)
	if err != nil || d.DryRun {
		return out, err
	}
	return out, d.reload(ctx)
}
