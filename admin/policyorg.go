package admin

import (
	"context"
	"crypto/rand"
	"time"

	"dpki/contracts"
	"dpki/state"
)

// LimitLine is what one kind is held to.
type LimitLine struct {
	Kind      string `json:"kind"`
	Approvals int    `json:"approvals"`
	Longest   string `json:"longest,omitempty"` // empty = no limit of its own
}

// OrganisationPolicy is what holds for the whole organisation.
type OrganisationPolicy struct {
	Policy Policy      `json:"policy"` // zones can only tighten it
	Limits []LimitLine `json:"limits"` // of kinds that need more than one approval, or may not last
}

// OrganisationPolicy reads the log.
func (d *Desk) OrganisationPolicy(ctx context.Context) (*OrganisationPolicy, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	now, err := d.now()
	if err != nil {
		return nil, err
	}
	now = max(now, d.Ledger.Head().Time)
	view := d.view(state.Word{}, state.Word{})
	shown := &OrganisationPolicy{Policy: showPolicy(view.Policy(now)), Limits: []LimitLine{}}
	for k := state.Kind(0); k <= state.MaxKind; k++ {
		line := LimitLine{Kind: k.String(), Approvals: view.Approvals(k, now)}
		if longest := d.longest(k); longest != state.Never {
			line.Longest = Length(time.Duration(longest) * time.Second)
		}
		if line.Approvals > 1 || line.Longest != "" {
			shown.Limits = append(shown.Limits, line)
		}
	}
	return shown, nil
}

// longest is the longest validity of a kind, in seconds: the latest limit of the
// epoch counts.
func (d *Desk) longest(kind state.Kind) uint64 {
	longest := state.Never
	for _, e := range d.Ledger.Entries(d.Anchor.Org) {
		if e.Action == state.ActionComplete {
			longest = state.Never
		}
		if e.Kind != state.KindLimit || e.Action != state.ActionPut {
			continue
		}
		if l, err := state.ParseLimit(e.Data); err == nil && l.Kind == kind {
			longest = l.Longest
		}
	}
	return longest
}

// SetOrganisationPolicy writes the policy that is the floor of every zone's.
func (d *Desk) SetOrganisationPolicy(ctx context.Context, p state.Policy, length time.Duration) (*Posted, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	payload, err := p.Marshal()
	if err != nil {
		return nil, because(err, Usage, "see dpki policy set --help", "the policy is not valid")
	}
	from, until, err := d.window(length)
	if err != nil {
		return nil, err
	}
	c := contracts.Change{Action: state.ActionPut, Kind: state.KindPolicy, From: from, Until: until, Data: payload}
	rand.Read(c.Subject[:])
	return d.write(ctx, d.organisationGroup(c))
}

// SetLimit says how many approvals a kind needs (0 = as before) and how long its
// entries last at most (0 = as before, state.Never = no limit). The kinds that
// decide over all others are raised with it, or whoever may write those alone
// could take it back alone: they are named in the answer.
func (d *Desk) SetLimit(ctx context.Context, name string, approvals int, longest uint64) (raised []string, p *Posted, err error) {
	if err := d.open(ctx); err != nil {
		return nil, nil, err
	}
	kinds, err := parseKinds([]string{name})
	if err != nil {
		return nil, nil, err
	}
	if approvals < 0 || approvals > state.MaxAuthors {
		return nil, nil, problem(Usage, "1 to 16", "%d approvals are not possible", approvals)
	}
	now, err := d.now()
	if err != nil {
		return nil, nil, err
	}
	view := d.view(state.Word{}, state.Word{})
	var first, changes []contracts.Change
	limit := func(k state.Kind, approvals int, longest uint64) contracts.Change {
		c := contracts.Change{Action: state.ActionPut, Kind: state.KindLimit, Until: state.Never,
			Data: state.Limit{Kind: k, Approvals: uint8(approvals), Longest: longest}.Marshal()}
		rand.Read(c.Subject[:])
		return c
	}
	for _, k := range limitLast {
		if approvals > view.Approvals(k, now) && !kinds.Has(k) {
			first = append(first, limit(k, approvals, d.longest(k)))
			raised = append(raised, k.String())
		}
	}
	for _, k := range append(others(), limitLast...) {
		if !kinds.Has(k) {
			continue
		}
		n, l := approvals, longest
		if n == 0 {
			n = view.Approvals(k, now)
		}
		if l == 0 {
			l = d.longest(k)
		}
		changes = append(changes, limit(k, n, l))
	}
	// What follows in the same write would need the new number already.
	if len(first) > 0 {
		if d.Propose != nil {
			d.warn("it takes two proposals, and this is the first: once it is written, propose the same again")
		}
		if p, err = d.write(ctx, d.organisationGroup(first...)); err != nil || d.DryRun {
			return raised, p, err
		}
		if err = d.reload(ctx); err != nil {
			return raised, p, err
		}
	}
	p, err = d.write(ctx, d.organisationGroup(changes...))
	return raised, p, err
}

// limitLast are the strong kinds in the order in which they are raised: from the
// LIMIT of LIMIT on, the next needs the new number.
var limitLast = []state.Kind{state.KindAdmin, state.KindGuardian, state.KindDistrust, state.KindPointer, state.KindPolicy, state.KindLimit}

func others() (list []state.Kind) {
	for k := state.Kind(0); k <= state.MaxKind; k++ {
		if !k.Strong() {
			list = append(list, k)
		}
	}
	return list
}
