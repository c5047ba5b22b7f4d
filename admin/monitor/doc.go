// Package monitor watches an organisation's verified log: it says when an administrator, a CA or a threshold is new, when a grant
// is entered by night or by somebody unexpected, when the log or an endpoint does
// not behave.
//
// It reads as administrators do (admin/ledger), so that no endpoint can hide an
// entry from it, and follows the organisation, its zones and, where it has an
// administrator's keys, their devices' mailboxes, whose ids no entry names in the
// clear. Without keys it knows kinds, times and authors of the organisation's and
// the zones' entries, and not what they say.
//
// Alerts are of two sorts. An entry raises one for each rule that it meets, once:
// its id is the entry's running hash and the rule. A condition (the log stands
// still, an endpoint shows another block) raises one when it begins and one when
// it ends.
//
// State (one JSON file) holds how far each log was judged, the conditions that
// hold, and what was not delivered yet. It is written before an alert is
// delivered and after: what is interrupted is delivered at the next start. A
// crash between a delivery and its note repeats that one, under the same id.
// An entry that is reorganised away is alerted as such, and its successor anew.
//
// Failing is not silence: what cannot be read becomes a condition, what cannot be
// delivered stays, and a state file that cannot be written ends the monitor.
package monitor
