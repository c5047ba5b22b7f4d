package admin

import (
	"context"
	"slices"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// Organisation is what `org` commands show.
type Organisation struct {
	Name    string       `json:"name"`
	Anchor  string       `json:"anchor"`
	Network string       `json:"network"`
	Zones   int          `json:"zones"`
	Devices int          `json:"devices"`
	Admins  []AdminShown `json:"admins"`
	// Member says that this identity has been given the organisation's keys.
	Member  bool      `json:"member"`
	Block   uint64    `json:"block"`
	Created []*Posted `json:"transactions,omitempty"`
}

// AdminShown is one live administrator.
type AdminShown struct {
	Account string   `json:"account"`
	Name    string   `json:"name,omitempty"` // what the reader's roster calls it
	Root    bool     `json:"root"`
	Self    bool     `json:"self"`
	Puts    []string `json:"puts,omitempty"` // kinds; absent for root
}

// CreateOrganisation makes the organisation of the Desk's anchor, whose salt is
// given, and its first roster. Run again after an interruption it does what is
// left to do; run once more it changes nothing.
func (d *Desk) CreateOrganisation(ctx context.Context, name, adminName string, salt state.Word) (*Organisation, error) {
	if err := d.read(ctx, d.Anchor.Org); err != nil {
		return nil, err
	}
	var posted []*Posted
	if len(d.Ledger.Entries(d.Anchor.Org)) == 0 {
		p, err := d.post(ctx, d.calls().Create(salt))
		if err != nil {
			return nil, err
		}
		posted = append(posted, p)
		if d.DryRun {
			return &Organisation{Name: name, Anchor: d.Anchor.String(), Network: d.Network.Name, Created: posted}, nil
		}
	}
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	if !d.ring.Has(d.Anchor.Org) {
		if len(d.warnings) > 0 {
			return nil, d.member(ctx)
		}
		p, err := d.firstRoster(ctx, adminName)
		if err != nil {
			return nil, err
		}
		posted = append(posted, p)
		if d.DryRun {
			return &Organisation{Name: name, Anchor: d.Anchor.String(), Network: d.Network.Name, Created: posted}, nil
		}
	}
	o, err := d.Organisation(ctx, name)
	if err != nil {
		return nil, err
	}
	o.Created = posted
	return o, nil
}

// firstRoster makes the organisation's key and gives it to this administrator.
func (d *Desk) firstRoster(ctx context.Context, adminName string) (*Posted, error) {
	req, err := d.Identity.NewRequest(d.Anchor, adminName, "")
	if err != nil {
		return nil, because(err, Usage, "names have 1 to 63 of a-z 0-9 . _ -", "administrator's name %.80q", adminName)
	}
	from, err := d.begin()
	if err != nil {
		return nil, err
	}
	b, me := d.newBatch(d.Anchor.Org), req.Member(d.Anchor.Org)
	me.Account = d.Account.String()
	err = d.addRoster(b, &bundle.Roster{
		Version: 1,
		OrgKey:  []bundle.NumberedKey{{ID: 1, Key: bundle.NewKey()}},
		People:  []bundle.RosterMember{me},
	})
	if err != nil {
		return nil, err
	}
	change, err := d.finish(ctx, b, from, state.Never)
	if err != nil {
		return nil, err
	}
	return d.write(ctx, contracts.Group{Scope: d.Anchor.Org, Changes: []contracts.Change{change}})
}

// Organisation shows the organisation as the chain has it.
func (d *Desk) Organisation(ctx context.Context, name string) (*Organisation, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	o := &Organisation{
		Name: name, Anchor: d.Anchor.String(), Network: d.Network.Name, Zones: len(d.liveZones()),
		Member: d.ring.Has(d.Anchor.Org), Block: d.Ledger.Head().Number,
	}
	for _, m := range d.roster.Devices {
		if !d.retired(m) {
			o.Devices++
		}
	}
	for _, a := range d.admins(uint64(d.Now().Unix())) {
		shown := AdminShown{Account: a.Account.String(), Name: d.Called(a.Account.String()), Root: a.Flags&state.AdminRoot != 0, Self: a.Account == d.Account}
		for k := state.Kind(0); k <= state.MaxKind && !shown.Root; k++ {
			if a.PutMask.Has(k) {
				shown.Puts = append(shown.Puts, k.String())
			}
		}
		o.Admins = append(o.Admins, shown)
	}
	return o, nil
}

// Join reads everything and insists that this identity was given keys, or that
// its account has a part to play without any: as an administrator or a guardian,
// or as a root whom guardians ask for.
func (d *Desk) Join(ctx context.Context, name string) (*Organisation, error) {
	if err := d.member(ctx); err != nil && (!d.opened || len(d.warnings) > 0 || !d.hasPart()) {
		return nil, err
	}
	return d.Organisation(ctx, name)
}

// hasPart says whether the log names this account.
func (d *Desk) hasPart() bool {
	now := max(uint64(d.Now().Unix()), d.Ledger.Head().Time)
	g := d.view(state.Word{}, state.Word{}).Guardianship(now)
	named := slices.Clone(g.Guardians.Accounts)
	if g.Pending != nil {
		named = append(named, g.Pending.Accounts...)
	}
	if g.Recovery != nil {
		named = append(named, g.Recovery.Roots...)
	}
	for _, a := range d.admins(now) {
		named = append(named, a.Account)
	}
	return slices.Contains(named, d.Account)
}
