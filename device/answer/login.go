package answer

import (
	"context"
	"time"

	"dpki/authkeys"
	"dpki/authkeys/breakglass"
	"dpki/device"
	"dpki/state"
)

// recent is how old State may be for a login without a refresh. One that would
// be refused for what a newer State may hold refreshes whatever its age: a grant
// that was mined a moment ago must work at once.
const recent = 10 * time.Second

// firstLookEvery is how often a login asks for the first look of a daemon that
// has just begun.
const firstLookEvery = 50 * time.Millisecond

// Door decides logins from an Engine's View and asks it for refreshes.
type Door struct {
	Engine     *device.Engine
	BreakGlass breakglass.Store // the zero value lets nobody in

	plain bucket // plain keys: nothing vouches for who offers them
	again bucket // refused certificates of a live CA
	newCA bucket // certificates of an unknown CA, while the engine watches
}

// NewDoor makes a Door with the usual rates.
func NewDoor(e *device.Engine, keys breakglass.Store) *Door {
	return &Door{
		Engine: e, BreakGlass: keys,
		plain: bucket{every: 10 * time.Second, burst: 3},
		again: bucket{every: 500 * time.Millisecond, burst: 6},
		newCA: bucket{every: max(e.Profile().Watch, time.Second), burst: 2},
	}
}

// Verdict is a decision with what it was made from.
type Verdict struct {
	authkeys.Decision
	View       *device.View
	Now        authkeys.Now
	Freshness  authkeys.Freshness
	Refreshed  bool
	BreakGlass string // the file in the break-glass folder whose key lets in; empty = none
}

// Decide answers a request, after a look at the chain where the request is
// worth one.
func (d *Door) Decide(ctx context.Context, req authkeys.Request) Verdict {
	ctx, cancel := context.WithTimeout(ctx, d.Engine.Budget())
	defer cancel()
	c := authkeys.Parse(req)
	v := d.decide(c)
	if d.worth(c, v) {
		v = d.refreshed(ctx, c)
	}
	if !v.Allow && v.Freshness == authkeys.Offline {
		d.breakGlass(req, &v)
	}
	return v
}

// refreshed decides after a look. A daemon that has just begun waits for its
// first: what it finds on disk may be older than what it knew when it ended, and
// fetch needs a moment to come up.
func (d *Door) refreshed(ctx context.Context, c *authkeys.Candidate) Verdict {
	looked := d.Engine.Refresh(ctx)
	for looked && !d.Engine.View().Looked {
		select {
		case <-time.After(firstLookEvery):
			looked = d.Engine.Refresh(ctx)
		case <-ctx.Done():
			looked = false
		}
	}
	v := d.decide(c)
	v.Refreshed = looked
	return v
}

func (d *Door) decide(c *authkeys.Candidate) Verdict {
	v := Verdict{View: d.Engine.View()}
	v.Now = v.View.Now(d.Engine.Clock().Read())
	v.Freshness = v.View.Freshness(v.Now)
	v.Decision = c.Decide(v.View.State, v.Now)
	return v
}

// worth says whether a request may cost traffic. A stranger's may not. While the
// engine watches anyway an unknown CA may bring its next look forward, at the
// rate of its looks: an administrator who has just made a CA uses it at once.
func (d *Door) worth(c *authkeys.Candidate, v Verdict) bool {
	r := d.Engine.Clock().Read()
	old := !v.View.Looked || v.View.Time.Since(r) > recent
	if !old && (v.Allow || !curable(v.Reason)) {
		return false
	}
	switch {
	case c.Plain():
		return v.View.State.Policy(v.Now.Time).Modes&state.ModeGrantedKey != 0 && d.plain.take(r.Boot)
	case v.Reason == authkeys.CAUnknown:
		return v.View.Gear != device.Idle && d.newCA.take(r.Boot)
	case !c.Vouched(v.View.State, v.Now.Time):
		return false
	}
	return old || d.again.take(r.Boot)
}

// curable says whether a newer State may decide otherwise, for the better.
func curable(r authkeys.Reason) bool {
	switch r {
	case authkeys.CAUnknown, authkeys.GrantUnknown, authkeys.NotFresh, authkeys.TooOld, authkeys.NeedsPrivilegedGrant:
		return true
	}
	return false
}

// breakGlass looks for the key in root's own folder. It is asked only while the
// device is offline; every DENY that was seen before applies.
func (d *Door) breakGlass(req authkeys.Request, v *Verdict) {
	if req.Stage < authkeys.StageOffer || req.Stage > authkeys.StageSession {
		return
	}
	match, err := d.emergency(req.Account, req.KeyType, req.Key, v.View, v.Now.Time)
	if err != nil {
		return // the decision's own reason is the one to tell
	}
	v.BreakGlass = match.File
	v.Decision.Allow, v.Decision.Reason, v.Decision.Until = true, authkeys.Accepted, uint64(match.Expires.Unix())
	v.Decision.Mode, v.Decision.Grant, v.Decision.CA = 0, state.Word{}, state.Word{}
	if req.Stage == authkeys.StageOffer {
		v.Decision.Line = match.Line
	}
}

// emergency finds a break-glass key.
func (d *Door) emergency(account, keyType, key string, view *device.View, now uint64) (breakglass.Match, error) {
	if now == 0 { // nothing was ever verified: there is no other clock
		now = d.Engine.Clock().Read().Wall
	}
	return d.BreakGlass.Lookup(breakglass.Query{
		Account: account, KeyType: keyType, Key: key, Now: time.Unix(int64(now), 0),
		IsDenied: func(key [32]byte) bool { return view.State.Denied(state.Word(key), state.Never-1, now) },
	})
}
