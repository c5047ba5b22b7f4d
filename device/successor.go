package device

import (
	"errors"

	"dpki/authkeys"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/registry"
	"dpki/registry/witness"
	"dpki/state"
)

// Stage is how far a device is with following its organisation to the one that
// it points to. The zero value, that it points nowhere, moves nothing, and
// neither does any other but Ready.
type Stage uint8

// Stages, in the order in which they are looked for.
const (
	Nowhere     Stage = iota // the organisation points to no successor
	Vetoed                   // the pointer was vetoed or revoked
	Delayed                  // the pointer's delay is not over
	Returning                // it points to where this device has been: never back
	TooFar                   // this device has followed as often as it does
	NotSure                  // what says so is not final, or this device's own view is not fresh
	Restricted               // this device is retired, or a restriction in force cannot be read
	NoPlaces                 // no network file says where the successor's chain is
	Unreachable              // the successor's log cannot be read
	OtherCode                // the successor's contract is one that this release does not know
	Unanswered               // the successor does not point back, or that is not final yet
	Unadopted                // the successor has no materials for this device yet, or they are not final
	Refused                  // the successor has retired this device, or denies everybody
	InUse                    // sessions of this organisation live
	Unmade                   // the move could not be made
	Ready                    // the device moves
)

var stages = [...]struct{ name, hint string }{
	Nowhere:     {"it points nowhere", ""},
	Vetoed:      {"the pointer was vetoed or revoked", ""},
	Delayed:     {"the pointer's delay is not over: its guardians may veto it until then", ""},
	Returning:   {"this device has left that organisation before, and goes back to none", "the administrators point on to another one; by hand: `dpkid leave`, then `dpkid enroll ANCHOR`"},
	TooFar:      {"this device has followed its organisation 16 times", "`dpkid leave`, then `dpkid enroll ANCHOR`"},
	NotSure:     {"the pointer is not final yet, or what is known here is not fresh", ""},
	Restricted:  {"this device is retired, or a restriction in force cannot be read", ""},
	NoPlaces:    {"no network file of its chain can be used", "`dpki network announce --successor FILE` by an administrator who may set the organisation's policy"},
	Unreachable: {"its log cannot be read", "no endpoint gives what can be verified of it: see dpkid's log"},
	OtherCode:   {"its contract is one that this release does not know", "update dpki on this device"},
	Unanswered:  {"it does not point back, or that is not final yet", "`dpki network migrate ANCHOR --back` by an administrator of the successor"},
	Unadopted:   {"it has no materials for this device yet, or they are not final", "`dpki org adopt ANCHOR` by an administrator of the successor"},
	Refused:     {"it has retired this device, or a restriction of it cannot be read", "an administrator of the successor: `dpki device list --retired`"},
	InUse:       {"sessions live here: the device moves when they have ended", "`dpkid sessions` shows them"},
	Unmade:      {"it could not be moved, and will be later", "make room on the disk, or mend what the problem names"},
	Ready:       {"the device moves", ""},
}

func (s Stage) String() string {
	if int(s) < len(stages) {
		return stages[s].name
	}
	return "unknown"
}

// Hint is what to do next; empty where time does it.
func (s Stage) Hint() string {
	if int(s) < len(stages) {
		return stages[s].hint
	}
	return ""
}

// Successor is where an organisation points, and what keeps this device here.
type Successor struct {
	Anchor  string `json:"anchor"`
	From    uint64 `json:"from"` // when the pointer is in force, Unix seconds
	Stage   string `json:"stage"`
	Problem string `json:"problem,omitempty"` // of reading the successor's log
	Next    string `json:"next,omitempty"`
}

// successorOf judges this organisation's side of a succession alone: whether it
// says, for good, that it goes on elsewhere.
func successorOf(v *View, now authkeys.Now, here anchor.Anchor, past Inherited) (to anchor.Anchor, p state.PointerFact, stage Stage) {
	p, live := v.State.Pointing(state.Successor, now.Time, state.Live)
	if !live {
		for _, other := range []struct {
			standing state.Standing
			stage    Stage
		}{{state.NotYet, Delayed}, {state.Revoked, Vetoed}} {
			if p, ok := v.State.Pointing(state.Successor, now.Time, other.standing); ok {
				return anchorOf(p.Pointer), p, other.stage
			}
		}
		return to, p, Nowhere
	}
	to = anchorOf(p.Pointer)
	switch {
	case to == here || past.left(to):
		return to, p, Returning
	case len(past.Left) >= maxLeft:
		return to, p, TooFar
	// A veto that an endpoint withholds shows as age; one that a reorganisation
	// could still bring is waited for.
	case !v.Looked || !v.Time.Live || v.Freshness(now) != authkeys.Fresh || p.Block > v.State.Finalized:
		return to, p, NotSure
	}
	if _, unreadable := v.State.Unreadable(now.Time); unreadable || v.State.Retired() || v.Enrolment == nil {
		return to, p, Restricted // whom it denies could not be told to the successor
	}
	return to, p, Ready
}

func anchorOf(p state.Pointer) anchor.Anchor {
	return anchor.Anchor{Registry: state.Registry{ChainID: p.ChainID, Contract: p.Contract}, Org: p.Org}
}

// succeeds judges both sides, once this organisation's own is Ready. next is what
// is known of the organisation at to, by the same rules and code as everything
// that is known here.
func succeeds(v *View, now authkeys.Now, here anchor.Anchor, next *View, then authkeys.Now, to anchor.Anchor) Stage {
	switch {
	case errors.Is(next.Problem, registry.ErrCode), errors.Is(next.Problem, registry.ErrNoCode):
		return OtherCode
	case next.Problem != nil, !next.Looked, !next.Time.Live, next.Freshness(then) != authkeys.Fresh:
		return Unreachable
	case !state.Succeeds(here.Registry, v.State, to.Registry, next.State, now.Time):
		return Unanswered
	}
	if back, ok := next.State.Pointing(state.Predecessor, now.Time, state.Live); !ok || back.Block > next.State.Finalized {
		return Unanswered
	}
	if next.Enrolment == nil || next.Enrolment.Block > next.State.Finalized {
		return Unadopted
	}
	if _, unreadable := next.State.Unreadable(then.Time); unreadable || next.State.Retired() {
		return Refused
	}
	return Ready
}

// Why a device does not read the log of a successor on another chain.
var (
	errNoPlaces    = errors.New("no network file of its chain was announced")
	errNoWitnesses = errors.New("its network file names no witnesses, and this device believes nothing without")
)

// placesFor is the network file by which the successor's log is read: on the same
// chain all that are asked here, none of whom is trusted with more there, else
// the one that somebody who may set the organisation's policy has announced. Root's
// own, of this device, is no looser there: as many endpoints must agree.
func placesFor(v *View, root network.File, here, to state.Registry) (network.File, witness.Set, error) {
	if to.ChainID != here.ChainID {
		if v.Enrolment == nil || v.Enrolment.Places == nil || v.Enrolment.Places.successor.Registry() != to {
			return network.File{}, witness.Set{}, errNoPlaces
		}
		n := v.Enrolment.Places.successor
		n.Agree = max(n.Agree, root.Agree)
		if len(v.Witnesses.Keys) > 0 && len(n.Witnesses) == 0 {
			return network.File{}, witness.Set{}, errNoWitnesses
		}
		text, err := n.Marshal()
		if err == nil {
			_, err = network.Parse(text)
		}
		return n, witness.Set{}, err
	}
	n := v.Network
	if n.Contract != to.Contract {
		n.Contract, n.DeployBlock = to.Contract, 0
	}
	return n, v.Witnesses, nil
}
