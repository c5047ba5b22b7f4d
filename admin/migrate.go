package admin

import (
	"context"
	"crypto/rand"
	"time"

	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/state"
)

// Pointers is where an organisation's own log points. It proves a succession
// only together with the other organisation's, which must point back.
type Pointers struct {
	Successor   string `json:"successor,omitempty"`
	Predecessor string `json:"predecessor,omitempty"`
	Waits       string `json:"waits,omitempty"` // a successor whose delay is not over
	From        Time   `json:"from,omitempty"`
}

// Pointers reads the log.
func (d *Desk) Pointers(ctx context.Context) (*Pointers, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	now, err := d.now()
	if err != nil {
		return nil, err
	}
	now = max(now, d.Ledger.Head().Time)
	view, shown := d.view(state.Word{}, state.Word{}), &Pointers{}
	if to, ok := view.PointsTo(state.Successor, now); ok {
		shown.Successor = anchorOf(to)
	}
	if to, ok := view.PointsTo(state.Predecessor, now); ok {
		shown.Predecessor = anchorOf(to)
	}
	if to, ok := view.Pointing(state.Successor, now, state.NotYet); ok {
		shown.Waits, shown.From = anchorOf(to.Pointer), Time(to.From)
	}
	return shown, nil
}

// VetoPointer ends, by the guardians, a pointer to a successor whose delay is not
// over.
func (d *Desk) VetoPointer(ctx context.Context) (*Posted, error) {
	g, now, err := d.guardianship(ctx)
	if err != nil {
		return nil, err
	}
	p, ok := d.view(state.Word{}, state.Word{}).Pointing(state.Successor, now, state.NotYet)
	if !ok {
		return nil, problem(Failed, "dpki network migrate shows where it points", "no pointer to a successor waits")
	}
	return d.guarded(ctx, g, contracts.VetoPointer(p.Subject))
}

func anchorOf(p state.Pointer) string {
	return anchor.Anchor{Registry: state.Registry{ChainID: p.ChainID, Contract: p.Contract}, Org: p.Org}.String()
}

// Point enters where the organisation goes on, after the guardians' timelock (an
// hour without guardians), or where it comes from, at once.
func (d *Desk) Point(ctx context.Context, way state.Direction, to anchor.Anchor) (*Posted, error) {
	g, now, err := d.guardianship(ctx)
	if err != nil {
		return nil, err
	}
	p := state.Pointer{Direction: way, ChainID: to.Registry.ChainID, Contract: to.Registry.Contract, Org: to.Org}
	if _, err := state.ParsePointer(p.Marshal()); err != nil || to == d.Anchor {
		return nil, problem(Usage, "give the other organisation's anchor", "the organisation cannot point to %s", to)
	}
	c := contracts.Change{Action: state.ActionPut, Kind: state.KindPointer, Until: state.Never, Data: p.Marshal()}
	if way == state.Successor {
		// Counted from the block that is to come, which may be some minutes away.
		c.From = now + max(g.Guardians.Timelock, state.MinTimelock) + uint64(pointerSlack/time.Second)
		if n, err := d.approvals([]contracts.Group{d.organisationGroup(c)}); err == nil && (n > 1 || d.Propose != nil) {
			c.From += uint64(d.collecting() / time.Second) // others have to approve it first
		}
	}
	rand.Read(c.Subject[:])
	return d.write(ctx, d.organisationGroup(c))
}

// pointerSlack is how long a pointer's transaction may be under way.
const pointerSlack = 10 * time.Minute
