package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"slices"
	"time"

	"dpki/contracts"
	"dpki/state"
)

// Guardianship is how the organisation stands with its guardians.
type Guardianship struct {
	Epoch        uint32   `json:"epoch"`
	Guardians    []string `json:"guardians"`
	Needed       int      `json:"needed"`
	Final        int      `json:"final"`
	Timelock     string   `json:"timelock"`
	Next         string   `json:"next,omitempty"` // a change that waits, in words
	NextFrom     Time     `json:"next_from,omitempty"`
	Recovery     string   `json:"recovery,omitempty"` // one that waits
	Roots        []string `json:"roots,omitempty"`
	CompleteFrom Time     `json:"complete_from,omitempty"`
	FinalOne     bool     `json:"cannot_be_vetoed,omitempty"`
	Vetoed       bool     `json:"vetoed,omitempty"` // only a final one may follow
	FrozenUntil  Time     `json:"frozen_until,omitempty"`
	CoolUntil    Time     `json:"next_freeze_from,omitempty"`
}

func (d *Desk) guardianship(ctx context.Context) (state.Guardianship, uint64, error) {
	if err := d.open(ctx); err != nil {
		return state.Guardianship{}, 0, err
	}
	now, err := d.now()
	// A contract counts by its blocks' time, and the newest may be ahead.
	now = max(now, d.Ledger.Head().Time)
	return d.view(state.Word{}, state.Word{}).Guardianship(now), now, err
}

// Guardianship reads the log.
func (d *Desk) Guardianship(ctx context.Context) (*Guardianship, error) {
	g, now, err := d.guardianship(ctx)
	if err != nil {
		return nil, err
	}
	shown := &Guardianship{
		Epoch: g.Epoch, Guardians: texts(g.Guardians.Accounts), Needed: int(g.Guardians.Needed), Final: int(g.Guardians.Final),
		Timelock: Length(time.Duration(g.Guardians.Timelock) * time.Second), Vetoed: g.Vetoed,
	}
	if g.Pending != nil {
		shown.Next, shown.NextFrom = d.guardianWords(*g.Pending), Time(g.PendingFrom)
	}
	if g.Recovery != nil {
		shown.Recovery, shown.Roots, shown.CompleteFrom, shown.FinalOne = g.RecoveryID.String(), texts(g.Recovery.Roots), Time(g.CompleteFrom), g.Final
	}
	if g.Frozen(now) {
		shown.FrozenUntil = Time(g.FrozenUntil)
	}
	if now < g.CoolUntil {
		shown.CoolUntil = Time(g.CoolUntil)
	}
	return shown, nil
}

func texts(list []state.Address) []string {
	out := []string{}
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}

// sortedAccounts is the list as the contract wants it.
func sortedAccounts(list []state.Address) []state.Address {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b state.Address) int { return bytes.Compare(a[:], b[:]) })
	return slices.Compact(list)
}

// SetGuardians names guardians: in force at once where there are none, else after
// twice the timelock of those there are.
func (d *Desk) SetGuardians(ctx context.Context, g state.Guardians) (*Posted, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	rand.Read(g.Salt[:])
	g.Accounts = sortedAccounts(g.Accounts)
	if _, err := state.ParseGuardians(g.Marshal()); err != nil {
		return nil, because(err, Usage, "1 <= --needed <= --final <= guardians, at most 16; --timelock 1h to 30d", "these guardians are not possible")
	}
	return d.write(ctx, d.organisationGroup(contracts.SetGuardians(g)))
}

func (d *Desk) organisationGroup(changes ...contracts.Change) contracts.Group {
	return contracts.Group{Scope: d.Anchor.Org, Changes: changes}
}

// Freeze stops new entries that permit, by the guardians.
func (d *Desk) Freeze(ctx context.Context, length time.Duration) (*Posted, error) {
	g, now, err := d.guardianship(ctx)
	if err != nil {
		return nil, err
	}
	if uint64(length/time.Second) > state.MaxFreeze {
		return nil, problem(Usage, "as much time again must pass before the next", "a freeze lasts seven days at most")
	}
	if !g.Frozen(now) && now < g.CoolUntil {
		return nil, problem(Later, "revoke and distrust need no freeze", "the next freeze may begin at %s", Time(g.CoolUntil))
	}
	return d.guarded(ctx, g, contracts.Freeze(now+uint64(length/time.Second)))
}

// StartRecovery asks for new root administrators, by the guardians.
func (d *Desk) StartRecovery(ctx context.Context, roots []state.Address, threshold int) (*Posted, error) {
	g, _, err := d.guardianship(ctx)
	if err != nil {
		return nil, err
	}
	r := state.Recovery{Threshold: uint8(min(max(threshold, 0), 255)), Roots: sortedAccounts(roots)}
	rand.Read(r.Salt[:])
	if _, err := state.ParseRecovery(r.Marshal()); err != nil {
		return nil, because(err, Usage, "1 <= --threshold <= roots, at most 16", "this recovery is not possible")
	}
	return d.guarded(ctx, g, contracts.Recover(r))
}

// guarded signs what guardians do and sends it if one is enough; else it becomes
// a file for the others.
func (d *Desk) guarded(ctx context.Context, g state.Guardianship, change contracts.Change) (*Posted, error) {
	if len(g.Guardians.Accounts) == 0 {
		return nil, problem(Failed, "administrators name them: dpki guardian set", "this organisation has no guardians")
	}
	if d.Propose != nil {
		return nil, d.prepare(ctx, []contracts.Group{d.organisationGroup(change)}, true)
	}
	if !slices.Contains(g.Guardians.Accounts, d.Account) {
		return nil, problem(Failed, "it is for "+d.accounts(g.Guardians.Accounts), "account %s is no guardian", d.Account)
	}
	p, err := d.newProposal([]contracts.Group{d.organisationGroup(change)}, true)
	if err != nil {
		return nil, err
	}
	needs := guardiansNeeded(g, p.Groups)
	if needs > 1 && d.DryRun {
		return nil, problem(Later, "without --dry-run it is written into a file", "needs %d approvals, and nothing can be estimated before", needs)
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	if err := d.sign(ctx, p); err != nil {
		return nil, err
	}
	if needs > 1 {
		return nil, d.keep(p, needs)
	}
	return d.SubmitProposal(ctx, p)
}

// guardiansNeeded is how many guardians must sign: all that a final recovery
// needs where one was vetoed.
func guardiansNeeded(g state.Guardianship, groups []contracts.Group) int {
	for _, of := range groups {
		for _, c := range of.Changes {
			if c.Action == state.ActionRecover && g.Vetoed {
				return int(g.Guardians.Final)
			}
		}
	}
	return int(g.Guardians.Needed)
}

// FinishRecovery completes a recovery whose timelock is over. Anybody may.
func (d *Desk) FinishRecovery(ctx context.Context) (*Posted, error) {
	g, now, err := d.waiting(ctx)
	if err != nil {
		return nil, err
	}
	if now < g.CompleteFrom {
		return nil, problem(Later, "then anybody: dpki recover finish", "the recovery's timelock ends at %s", Time(g.CompleteFrom))
	}
	call, err := d.calls().CompleteRecovery(g.Guardians, *g.Recovery)
	if err != nil {
		return nil, because(err, Failed, "see dpki guardian show", "the transaction could not be made")
	}
	return d.post(ctx, call)
}

// VetoRecovery ends a recovery, by root administrators, once.
func (d *Desk) VetoRecovery(ctx context.Context) (*Posted, error) {
	g, _, err := d.waiting(ctx)
	if err != nil {
		return nil, err
	}
	if g.Final {
		return nil, problem(Failed, "see dpki guardian show", "%d guardians approved the recovery: it cannot be vetoed", g.Guardians.Final)
	}
	return d.write(ctx, d.organisationGroup(contracts.VetoRecovery(g.RecoveryID)))
}

func (d *Desk) waiting(ctx context.Context) (state.Guardianship, uint64, error) {
	g, now, err := d.guardianship(ctx)
	if err == nil && g.Recovery == nil {
		err = problem(Failed, "guardians begin one: dpki recover start --root ACCOUNT", "no recovery waits")
	}
	return g, now, err
}
