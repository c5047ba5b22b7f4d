package device

import (
	"time"

	"dpki/authkeys"
	"dpki/device/clock"
	"dpki/internal/network"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/state"
)

// View is what the engine knows at one moment. It is immutable.
type View struct {
	State     *state.State
	Time      clock.Verified
	Enrolment *Enrolment // nil before a bundle was found
	Ends      []End      // how far the device's logs have been read
	Gear      Gear
	Endpoints int // how many are configured
	Mirrors   int // how many are configured; together they count as one endpoint
	Agree     int // how many must say the same
	Witnesses witness.Set
	Health    []verify.Health
	Network   network.File // whom this device asks, in one file
	Inherited Inherited    // from the organisation's predecessors
	// Delivered are the deliveries that are settled, Awaited is how many are not,
	// NotCosigned how many of those too few watchdogs have signed, and Undelivered why
	// the last attempt at one failed.
	Delivered   []Delivered
	Awaited     int
	NotCosigned int
	Undelivered error
	Looked      bool  // the chain was read since this process began
	Problem     error // why the last look at the chain failed, nil if it did not
	Journal     error // why the journal could not be written; what is known is then in memory only
}

// Now is the time at which a decision from v is made.
func (v *View) Now(r clock.Reading) authkeys.Now {
	now := authkeys.Now{Time: v.Time.Now(r), Age: v.Time.Age(r)}
	if (!v.Time.Live || v.Time.Jumped(r)) && v.State != nil {
		// Nothing was verified since boot, or since the machine was paused:
		// whatever the clocks say, this is not fresh. It is no older than that,
		// either: whoever sets the clock does not open break-glass.
		now.Age = max(now.Age, time.Duration(v.State.Policy(now.Time).Fresh+1)*time.Second)
	}
	return now
}

// Freshness is how old v is by the policy in force.
func (v *View) Freshness(now authkeys.Now) authkeys.Freshness {
	if v.State == nil {
		return authkeys.Offline
	}
	return authkeys.FreshnessOf(v.State.Policy(now.Time), now)
}
