package admin

import (
	"time"

	"dpki/state"
)

// longestEntry is how long an entry of a zone is where nobody says, in seconds: the
// longest that a zone allows, less an hour for the block to come.
const longestEntry = state.MaxValidity - 3600

// now is the wall clock, held against the verified head.
func (d *Desk) now() (uint64, error) { return d.Ledger.Now(d.Now()) }

// begin is from when an entry counts that is to count at once: the newest block's
// time where that is earlier than now, so that no device waits for its clock to
// catch up.
func (d *Desk) begin() (uint64, error) {
	now, err := d.now()
	return min(now, d.Ledger.Head().Time), err
}

// window is from begin until so long after now.
func (d *Desk) window(length time.Duration) (from, until uint64, err error) {
	if from, err = d.begin(); err != nil {
		return 0, 0, err
	}
	seconds := uint64(length / time.Second)
	if seconds > state.MaxValidity {
		return 0, 0, problem(Usage, "400 days are the most; renew in time", "%s is too long", Length(length))
	}
	return from, uint64(d.Now().Unix()) + seconds, nil
}
