package admin

import (
	"context"
	"crypto/rand"

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
