package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"dpki/admin/fault"
	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/state"
)

// open reads the organisation, the zones and the rosters: what every use case
// stands on.
func (d *Desk) open(ctx context.Context) error {
	if d.opened {
		return nil
	}
	if err := d.read(ctx, d.Anchor.Org); err != nil {
		return err
	}
	if len(d.Ledger.Entries(d.Anchor.Org)) == 0 {
		return fault.NoOrganisation(d.Anchor)
	}
	if err := d.read(ctx, d.liveZones()...); err != nil {
		return err
	}
	if err := d.loadRoster(ctx); err != nil {
		return err
	}
	d.opened = true
	return nil
}

// reload reads everything again after a write.
func (d *Desk) reload(ctx context.Context) error {
	d.opened = false
	return d.open(ctx)
}

// member opens and insists that this administrator has been given keys.
func (d *Desk) member(ctx context.Context) error {
	if err := d.open(ctx); err != nil {
		return err
	}
	if !d.ring.Has(d.Anchor.Org) && len(d.roster.Zones) == 0 {
		if len(d.warnings) > 0 {
			return problem(Later, "see dpki store check; start the store again, or name another in the network file",
				"the organisation's keys could not be fetched: %s", d.warnings[0])
		}
		return problem(Failed, "restore the identity and the chain key that were used with this organisation; or be handed its keys: dpki admin request here, dpki admin add ACCOUNT --member FILE by an administrator",
			"no roster of this organisation is encrypted to this identity")
	}
	return nil
}

// liveZones are the zones announced and not revoked, in the log's order.
func (d *Desk) liveZones() []state.Word {
	var zones []state.Word
	for _, e := range d.Ledger.Entries(d.Anchor.Org) {
		if e.Kind != state.KindZone {
			continue
		}
		switch e.Action {
		case state.ActionPut:
			zones = append(zones, e.Subject)
		case state.ActionRevoke:
			zones = slices.DeleteFunc(zones, func(z state.Word) bool { return z == e.Subject })
		}
	}
	return zones
}

// batchEntry is a BATCH of the organisation's log or a zone's.
type batchEntry struct {
	scope state.Word
	state.Entry
}

// everyBatch are all BATCH entries of the organisation and its live zones, in the
// order of their blocks.
func (d *Desk) everyBatch() []batchEntry {
	var all []batchEntry
	for _, scope := range append([]state.Word{d.Anchor.Org}, d.liveZones()...) {
		for _, e := range d.Ledger.Entries(scope) {
			if e.Kind == state.KindBatch && e.Action == state.ActionPut {
				all = append(all, batchEntry{scope: scope, Entry: e})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b batchEntry) int { return cmp.Compare(a.Block, b.Block) })
	return all
}

// voidBatch reports whether a batch has no effect, for a reason that may pass: it is
// revoked, or was written by somebody who was distrusted for that time.
func (d *Desk) voidBatch(b batchEntry) bool {
	zone := b.scope
	if zone == d.Anchor.Org {
		zone = state.Word{}
	}
	return voided(d.view(zone, state.Word{}).Standing(ledger.FactOf(b.scope, &b.Entry), uint64(d.Now().Unix())))
}

// batches are those that count. One whose window is over still says who is enrolled.
func (d *Desk) batches() []batchEntry { return slices.DeleteFunc(d.everyBatch(), d.voidBatch) }

// loadRoster unites the rosters that were sent to this administrator, the later
// ones winning. One that cannot be fetched is left out with a warning: what the
// others say still holds.
func (d *Desk) loadRoster(ctx context.Context) error {
	roster, names := &bundle.Roster{Version: 1}, newCallings()
	d.announced, d.announcedKeys, d.torn = map[state.Word]announcedFor{}, map[zoneKey]announcedFor{}, map[zoneKey]bool{}
	for _, b := range d.batches() {
		parts, err := d.readRoster(ctx, b, roster)
		switch {
		case errors.Is(err, bundle.ErrNotInBatch):
		case ctx.Err() != nil:
			return because(err, Later, "try again", "reading the roster")
		case err != nil:
			d.warn(fmt.Sprintf("part of the roster (batch %s of block %d) could not be read: %v", short(b.Subject), b.Block, err))
		}
		for _, p := range parts {
			d.noteTorn(roster, p)
			roster = roster.Merge(p)
			names.note(p)
			d.noteAnnounced(b, p)
		}
	}
	ring, err := roster.Ring(d.Anchor)
	if err != nil {
		return because(err, Failed, "two administrators wrote different keys under one number; see dpki log", "the rosters contradict each other")
	}
	d.roster, d.called, d.ring, d.views = roster, names, ring, views{}
	return nil
}

// readRoster returns the parts of one batch, also those read before an error.
// known is what the batches before it said.
func (d *Desk) readRoster(ctx context.Context, b batchEntry, known *bundle.Roster) (parts []*bundle.Roster, err error) {
	root, err := state.ParseBatch(b.Data)
	if err != nil {
		return nil, err
	}
	fact := &state.BatchFact{Fact: state.Fact{Scope: b.scope, Subject: b.Subject}, Root: root}
	err = d.Identity.ReadBatch(ctx, d.cache, d.Anchor, fact, func(got *bundle.Bundle) error {
		p, err := bundle.ParseRoster(got.Content, d.Anchor.Org)
		if err == nil && b.scope != d.Anchor.Org {
			err = speaksFor(b.scope, p, known)
		}
		if err == nil {
			parts = append(parts, p)
		}
		return err
	}, bundle.PurposeAdminRoster)
	return parts, err
}

// short is how an identifier is shown: enough to find it again.
func short(w state.Word) string { return w.Short() }
