package admin

import "dpki/admin/ledger"

// Time is a time of the log.
type Time = ledger.Time

// window says from when to when; 0 is no beginning.
func window(from, until uint64) string {
	if from == 0 {
		return "until " + Time(until).String()
	}
	return Time(from).String() + " to " + Time(until).String()
}
