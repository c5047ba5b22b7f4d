// Package spawn starts `dpkid fetch` beside `dpkid run`: the same program, as
// another user, without groups, environment or files of run's, holding one end
// of a socketpair. The fetch side gives up what it does not need as its first
// act.
package spawn
