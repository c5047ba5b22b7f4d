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

// addRoster adds what has changed for each administrator. delta may itself
// name the first of them.
func (d *Desk) addRoster(b *batch, delta *bundle.Roster) error {
	parts, err := delta.Split()
	if err != nil {
		return err
	}
	for _, a := range d.rosterAdmins(delta) {
		for i, content := range parts {
			err := b.add(bundle.Item{
				To: a.Recipient, Mailbox: a.MailboxSecret, Part: uint16(i), Purpose: bundle.PurposeAdminRoster, Content: content,
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// rosterAdmins are the people whose mailbox stands directly below the
// organisation: its administrators.
func (d *Desk) rosterAdmins(delta *bundle.Roster) []bundle.RosterMember {
	people := d.roster.Merge(delta).People
	return slices.DeleteFunc(people, func(m bundle.RosterMember) bool { return m.Zone != d.Anchor.Org })
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
