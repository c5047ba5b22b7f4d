package bundle

import (
	"dpki/internal/anchor"
)

// Ring is what a device with these materials can open: its zone and its own
// mailbox in it.
func (m *DeviceMaterials) Ring(a anchor.Anchor, secret MailboxSecret) (*Ring, error) {
	r := NewRing(a)
	for _, k := range m.ZoneKeys {
		if err := r.Add(m.Zone, k.ID, k.Key); err != nil {
			return nil, err
		}
	}
	if err := r.AddMailbox(secret.Mailbox(m.Zone), secret); err != nil {
		return nil, err
	}
	return r, nil
}

// Ring is what an admin with this roster can seal and open: the organisation,
// its zones, and the mailboxes of all members.
func (r *Roster) Ring(a anchor.Anchor) (*Ring, error) {
	ring := NewRing(a)
	for _, k := range r.OrgKey {
		if err := ring.Add(a.Org, k.ID, k.Key); err != nil {
			return nil, err
		}
	}
	for _, z := range r.Zones {
		for _, k := range z.Keys {
			if err := ring.Add(z.Zone, k.ID, k.Key); err != nil {
				return nil, err
			}
		}
	}
	for _, list := range [][]RosterMember{r.Devices, r.People} {
		for _, m := range list {
			if err := ring.AddMailbox(m.Device, m.MailboxSecret); err != nil {
				return nil, err
			}
		}
	}
	return ring, nil
}
