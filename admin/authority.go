package admin

import (
	"fmt"
	"slices"
	"strings"

	"dpki/contracts"
	"dpki/state"
)

// authority finds, among the administrators that the organisation's log names,
// one of this account that may make all these changes. The contract decides;
// asking the log first makes the refusal say who could.
func (d *Desk) authority(groups []contracts.Group) (state.Admin, error) {
	now, err := d.now()
	if err != nil {
		return state.Admin{}, err
	}
	var mine []state.Admin
	var others []string
	for _, a := range d.admins(now) {
		covers := allowed(d.Anchor.Org, a, groups)
		switch {
		case a.Account == d.Account && covers:
			return a, nil
		case a.Account == d.Account:
			mine = append(mine, a)
		case covers:
			others = append(others, d.shown(a.Account))
		}
	}
	hint := "nobody can; a root administrator must give that power first"
	if len(others) > 0 {
		hint = "ask " + strings.Join(others, " or ")
	}
	if len(mine) == 0 {
		return state.Admin{}, problem(Failed, hint, "account %s is not an administrator of this organisation", d.Account)
	}
	return state.Admin{}, problem(Failed, hint, "account %s has no power to %s", d.Account, d.describe(groups))
}

// admins are the live administrators, in the log's order.
func (d *Desk) admins(now uint64) []state.Admin {
	entries := d.Ledger.Entries(d.Anchor.Org)
	revoked := map[state.Word]bool{}
	for _, e := range entries {
		if e.Kind == state.KindAdmin && e.Action == state.ActionRevoke {
			revoked[e.Subject] = true
		}
	}
	var list []state.Admin
	for _, e := range entries {
		if e.Action == state.ActionComplete {
			list = nil // a recovery voids those of before
		}
		if e.Kind != state.KindAdmin || e.Action != state.ActionPut || revoked[e.Subject] || !e.InForce(now) {
			continue
		}
		if a, err := state.ParseAdmin(e.Data); err == nil && a.ID() == e.Subject {
			list = append(list, a)
		}
	}
	return list
}

func allowed(org state.Word, a state.Admin, groups []contracts.Group) bool {
	for _, g := range groups {
		if a.Power != org && a.Power != g.Scope && state.MailboxID(a.Power, g.Salt) != g.Scope {
			return false
		}
		for _, c := range g.Changes {
			mask := a.PutMask
			if c.Action == state.ActionRevoke {
				mask = a.RevokeMask
			}
			if !mask.Has(c.Kind) {
				return false
			}
		}
	}
	return true
}

// describe names what the groups need, each once.
func (d *Desk) describe(groups []contracts.Group) string {
	var words []string
	for _, g := range groups {
		for _, c := range g.Changes {
			w := fmt.Sprintf("%s %s in scope %s", c.Action, c.Kind, d.scopeName(g.Scope))
			if !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	return strings.Join(words, ", ")
}
