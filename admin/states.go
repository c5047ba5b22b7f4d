package admin

import (
	"dpki/bundle"
	"dpki/state"
)

// views keeps the States that were made of the ledger until the ledger moves:
// one costs the opening of every entry in it.
type views struct {
	moves  int
	device map[state.Scopes]*state.State
	zone   map[state.Word]*state.State
}

func (d *Desk) fresh() *views {
	if v := &d.views; v.device == nil || v.moves != d.Ledger.Moves() {
		*v = views{moves: d.Ledger.Moves(), device: map[state.Scopes]*state.State{}, zone: map[state.Word]*state.State{}}
	}
	return &d.views
}

// view is what a device knows: the organisation, its zone, its mailbox. With no
// mailbox it is what all devices of the zone know.
func (d *Desk) view(zone, mailbox state.Word) *state.State {
	v, scopes := d.fresh(), state.Scopes{Org: d.Anchor.Org, Zone: zone, Mailbox: mailbox}
	if v.device[scopes] == nil {
		v.device[scopes] = d.Ledger.State(scopes, d.ring)
	}
	return v.device[scopes]
}

// survey is a zone with all its mailboxes laid over each other, as far as they
// were read: to find grants and how they stand. No device sees this, so it
// decides nothing: what one mailbox denies would be denied in all.
func (d *Desk) survey(zone state.Word) *state.State {
	v := d.fresh()
	if v.zone[zone] == nil {
		v.zone[zone] = d.Ledger.State(state.Scopes{Org: d.Anchor.Org, Zone: zone}, d.ring, d.mailboxes(zone)...)
	}
	return v.zone[zone]
}

// retired reports whether the device or its zone was revoked.
func (d *Desk) retired(m bundle.RosterMember) bool {
	zone := *d.view(m.Zone, state.Word{})
	zone.Scopes.Mailbox = m.Device
	return zone.Retired()
}
