package admin

import (
	"context"
	"slices"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// batch is one BATCH entry in the making: bundles for any recipients.
type batch struct {
	builder *bundle.BatchBuilder
	scope   state.Word
	blocks  []bundle.Block
}

func (d *Desk) newBatch(scope state.Word) *batch {
	return &batch{builder: bundle.NewBatch(d.Anchor, scope), scope: scope}
}

func (b *batch) add(i bundle.Item) error {
	block, err := b.builder.Add(i)
	if err == nil {
		b.blocks = append(b.blocks, block)
	}
	return err
}

// addRoster adds what has changed for each administrator, and of one zone for that
// zone's. delta may itself name the first of them.
func (d *Desk) addRoster(b *batch, delta *bundle.Roster) error {
	told := map[string]bool{}
	for _, a := range d.rosterAdmins(delta) {
		told[a.Recipient.String()] = true
		if err := b.addParts(a, delta); err != nil {
			return err
		}
	}
	of := map[string]*bundle.Roster{} // who administers several zones gets one roster
	list := d.zoneAdmins(delta)
	for _, a := range list {
		if who := a.Recipient.String(); of[who] == nil {
			of[who] = within(delta, a.Zone)
		} else {
			of[who] = of[who].Merge(within(delta, a.Zone))
		}
	}
	for _, a := range list {
		who := a.Recipient.String()
		if part := of[who]; !told[who] && len(part.Zones)+len(part.Devices)+len(part.People) > 0 {
			if err := b.addParts(a, part); err != nil {
				return err
			}
		}
		told[who] = true
	}
	return nil
}

// addParts adds a roster for one administrator.
func (b *batch) addParts(to bundle.RosterMember, r *bundle.Roster) error {
	parts, err := r.Split()
	if err != nil {
		return err
	}
	for i, content := range parts {
		err := b.add(bundle.Item{
			To: to.Recipient, Mailbox: to.MailboxSecret, Part: uint16(i), Purpose: bundle.PurposeAdminRoster, Content: content,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// within is what a roster says of one zone.
func within(r *bundle.Roster, zone state.Word) *bundle.Roster {
	elsewhere := func(m bundle.RosterMember) bool { return m.Zone != zone }
	return &bundle.Roster{
		Version: 1, Zones: slices.DeleteFunc(slices.Clone(r.Zones), func(z bundle.RosterZone) bool { return z.Zone != zone }),
		Devices: slices.DeleteFunc(slices.Clone(r.Devices), elsewhere), People: slices.DeleteFunc(slices.Clone(r.People), elsewhere),
	}
}

// zoneAdmins are those who were handed a zone's keys with power there, as long as
// they have it: whose power was taken, or is over, is told nothing more.
func (d *Desk) zoneAdmins(delta *bundle.Roster) (list []bundle.RosterMember) {
	live := d.admins(uint64(d.Now().Unix()))
	for _, m := range d.roster.Merge(delta).People {
		if m.Account == "" || m.Zone == d.Anchor.Org || d.retired(m) {
			continue
		}
		if slices.ContainsFunc(live, func(a state.Admin) bool {
			return a.Account.String() == m.Account && (a.Power == m.Zone || a.Power == d.Anchor.Org)
		}) {
			list = append(list, m)
		}
	}
	return list
}

// rosterAdmins are the people whose mailbox stands directly below the
// organisation: its administrators.
func (d *Desk) rosterAdmins(delta *bundle.Roster) []bundle.RosterMember {
	people, live := d.roster.Merge(delta).People, d.admins(uint64(d.Now().Unix()))
	return slices.DeleteFunc(people, func(m bundle.RosterMember) bool {
		return m.Zone != d.Anchor.Org || !told(m, d.Identity.Recipient(), live)
	})
}

// told reports whether a member of the organisation still gets its keys: as long as
// his account has power there. Who writes always does, since he may prepare what
// others approve, and so does a member of whom no account is known.
func told(m bundle.RosterMember, writer bundle.Recipient, live []state.Admin) bool {
	return m.Account == "" || m.Recipient.String() == writer.String() || slices.ContainsFunc(live, func(a state.Admin) bool {
		return a.Account.String() == m.Account && a.Power == m.Zone
	})
}

// finish publishes all blocks and returns the entry that announces them.
func (d *Desk) finish(ctx context.Context, b *batch, from, until uint64) (contracts.Change, error) {
	ix, err := b.builder.Build()
	if err != nil {
		return contracts.Change{}, err
	}
	if err := d.publish(ctx, slices.Concat(b.blocks, ix.Leaves, []bundle.Block{ix.Root})); err != nil {
		return contracts.Change{}, err
	}
	return contracts.Change{
		Action: state.ActionPut, Kind: state.KindBatch, From: from, Until: until, Subject: b.builder.Subject(), Data: ix.Data,
	}, nil
}
