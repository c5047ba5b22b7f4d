package admin

import (
	"context"
	"slices"
	"time"

	"dpki/contracts"
	"dpki/state"
)

// Proposing has every write of a Desk become a proposal, also where one approval is
// enough, by an account that has power or by one that has none: whoever prepares
// what others approve, or what only a contract may.
type Proposing struct {
	File string        // where it is written; empty = proposal-DIGEST.json, here
	For  time.Duration // how long approvals may be collected; 0 = seven days
	Sign bool          // approve it at once, by this account
}

// longestProposal bounds how long a signature that was given once may wait to be sent.
const longestProposal = 90 * 24 * time.Hour

// Check holds the values to what is possible.
func (p Proposing) Check() error {
	if p.For < 0 || p.For > longestProposal {
		return problem(Usage, "an hour to 90 days; what is signed can be sent until then", "approvals cannot be collected for %s", Length(p.For))
	}
	return nil
}

// collecting is how long approvals may be collected.
func (d *Desk) collecting() time.Duration {
	if d.Propose != nil && d.Propose.For > 0 {
		return d.Propose.For
	}
	return proposalLasts
}

// prepare writes what was to be sent into a file, signed where that was asked for.
// The error says so: nothing is in force.
func (d *Desk) prepare(ctx context.Context, groups []contracts.Group, guarded bool) error {
	now, err := d.now()
	if err != nil {
		return err
	}
	p, err := d.newProposal(groups, guarded)
	if err != nil {
		return err
	}
	standing := d.view(state.Word{}, state.Word{}).Guardianship(now)
	needs, able := d.needs(p, standing), d.signersOf(p, standing, now)
	if len(able) < max(needs, 1) {
		return problem(Failed, "a root administrator must give that power first; without the organisation's guardians nobody has theirs",
			"it takes %d approvals to %s, and %d accounts could give one", max(needs, 1), d.describe(groups), len(able))
	}
	if d.DryRun {
		return problem(Later, "without --dry-run it is written into a file", "needs %d approvals, and nothing can be estimated before", needs)
	}
	if d.Propose.Sign {
		if !slices.Contains(able, d.Account) {
			return problem(Failed, "propose it without signing it; it can be signed by "+d.accounts(able), "account %s has no power to %s", d.Account, d.describe(groups))
		}
		if err := d.unlock(); err != nil {
			return err
		}
		if err := d.sign(ctx, p); err != nil {
			return err
		}
	}
	return d.keep(p, needs)
}

// single refuses what takes several transactions where it is to be one proposal.
func (d *Desk) single(several bool, hint string) error {
	if d.Propose == nil || !several {
		return nil
	}
	return problem(Usage, hint, "this takes several transactions, and a proposal is one")
}
