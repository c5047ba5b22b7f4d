package admin

import (
	"context"
	"crypto/rand"
	"slices"

	"dpki/contracts"
	"dpki/state"
)

// Distrust voids what an account (zero: anybody) entered from a time to another
// and that permits something.
func (d *Desk) Distrust(ctx context.Context, author state.Address, from, to uint64) (*Posted, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	now, err := d.now()
	if err != nil {
		return nil, err
	}
	if to == 0 {
		// Everything there is: a chain's time may be ahead of this clock, and what
		// is distrusted must be over in the block that says so.
		to = d.Ledger.Head().Time
	}
	if from > to || to > max(now, d.Ledger.Head().Time) {
		return nil, problem(Usage, "--from and --to are in the past, in this order", "from %s to %s is no time that is over", Time(from), Time(to))
	}
	c := contracts.Change{Action: state.ActionPut, Kind: state.KindDistrust, Until: state.Never, Data: state.Distrust{Author: author, From: from, To: to}.Marshal()}
	rand.Read(c.Subject[:])
	return d.write(ctx, d.organisationGroup(c))
}

// MadeAdmin is an administrator whom an account has made.
type MadeAdmin struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	Root    bool   `json:"root"`
	Scope   string `json:"scope"`
	By      string `json:"by"`
	Time    Time   `json:"time"`
}

// MadeSince are the live administrators whom an account (zero: anybody) has made in
// a time, and those whom they made: a DISTRUST of him voids what he entered for
// readers, and the contract still lets these write.
func (d *Desk) MadeSince(ctx context.Context, author state.Address, from, to uint64) ([]MadeAdmin, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	if to == 0 {
		to = state.Never
	}
	standing := map[string]AdminLine{}
	lines, err := d.Admins(ctx, true)
	if err != nil {
		return nil, err
	}
	for _, l := range lines {
		standing[l.ID] = l
	}
	list, suspect := []MadeAdmin{}, map[state.Address]bool{author: true}
	for _, e := range d.Ledger.Entries(d.Anchor.Org) {
		a, err := state.ParseAdmin(e.Data)
		if e.Kind != state.KindAdmin || e.Action != state.ActionPut || err != nil || e.Time < from || a.Account == author {
			continue
		}
		by := slices.IndexFunc(e.Authors, func(who state.Address) bool {
			return author.IsZero() && e.Time <= to || suspect[who] && (who != author || e.Time <= to)
		})
		l := standing[e.Subject.String()]
		if by < 0 || !l.writes {
			continue
		}
		suspect[a.Account] = true
		list = append(list, MadeAdmin{ID: l.ID, Account: l.Account, Root: l.Root, Scope: l.Scope, By: e.Authors[by].String(), Time: Time(e.Time)})
	}
	return list, nil
}
