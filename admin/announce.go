package admin

import (
	"context"
	"errors"
	"slices"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/network"
	"dpki/state"
)

// announce hands materials to devices of one zone, in one batch: names, the zone's
// keys, and the network file as it is here. known says what the administrators
// are to learn with it; nil = nothing.
func (d *Desk) announce(ctx context.Context, z bundle.RosterZone, devices []bundle.RosterMember, known *bundle.Roster) (*Posted, error) {
	change, err := d.announcement(ctx, z.Zone, z, devices, known)
	if err != nil {
		return nil, err
	}
	return d.write(ctx, contracts.Group{Scope: z.Zone, Changes: []contracts.Change{*change}})
}

// announcement is the entry of announce, in the zone's scope or the organisation's.
func (d *Desk) announcement(ctx context.Context, scope state.Word, z bundle.RosterZone, devices []bundle.RosterMember, known *bundle.Roster) (*contracts.Change, error) {
	text, err := d.Network.ForDevices().Marshal()
	if err != nil {
		return nil, err
	}
	b := d.newBatch(scope)
	for _, m := range devices {
		materials := &bundle.DeviceMaterials{Version: 1, Name: m.Name, Zone: z.Zone, ZoneName: z.Name, ZoneKeys: d.agreed(z), Network: string(text), Successor: d.nextChain}
		content, err := materials.Marshal()
		if err != nil {
			return nil, err
		}
		err = b.add(bundle.Item{To: m.Recipient, Mailbox: m.MailboxSecret, Purpose: bundle.PurposeDeviceMaterials, Content: content})
		if err != nil {
			return nil, err
		}
	}
	if known != nil {
		if err := d.addRoster(b, known); err != nil {
			return nil, err
		}
	}
	from, err := d.begin()
	if err != nil {
		return nil, err
	}
	until := from + longestEntry
	if scope == d.Anchor.Org {
		until = state.Never
	}
	change, err := d.finish(ctx, b, from, until)
	return &change, err
}

// Announced is what AnnounceNetwork did in one zone.
type Announced struct {
	Zone    string  `json:"zone"`
	Devices int     `json:"devices"`
	Posted  *Posted `json:"transaction,omitempty"` // absent where the zone has no device
}

// AnnounceNetwork tells the devices of a zone, or of all, what the network file
// says now: other endpoints, mirrors, stores, witnesses. They take it where its
// author may set the organisation's policy, and other witnesses only where the
// old ones have signed.
//
// successor, unless empty, is the network file of another chain on which the
// organisation goes on, as text.
func (d *Desk) AnnounceNetwork(ctx context.Context, zone, successor string) ([]Announced, error) {
	if successor != "" {
		n, err := network.Parse([]byte(successor))
		if err == nil && n.ChainID == d.Network.ChainID {
			err = errors.New("it is of this chain")
		}
		if err != nil {
			return nil, because(err, Usage, "devices need it where the organisation goes on on another chain; on this one they ask whom they know", "the successor's network file cannot be used")
		}
	}
	d.nextChain = successor
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	zones := d.zones()
	if zone != "" {
		z, err := d.findZone(zone)
		if err != nil {
			return nil, err
		}
		zones = []bundle.RosterZone{z}
	}
	if err := d.single(len(zones) > 1, "give --zone"); err != nil {
		return nil, err
	}
	var all []Announced
	for _, z := range zones {
		if err := d.need(ctx, z.Zone); err != nil {
			return all, err
		}
		var devices []bundle.RosterMember
		for _, m := range d.roster.Devices {
			if m.Zone == z.Zone && !d.retired(m) {
				devices = append(devices, m)
			}
		}
		done := Announced{Zone: z.Name, Devices: len(devices)}
		if len(devices) > 0 {
			var err error
			if done.Posted, err = d.announce(ctx, z, slices.Clip(devices), nil); err != nil {
				return all, err
			}
		}
		all = append(all, done)
	}
	if d.DryRun {
		return all, nil
	}
	return all, d.reload(ctx)
}
