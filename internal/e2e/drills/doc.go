// Package drills plays what an organisation does on its worst days, by the use
// cases behind the commands of docs/operations.md on a real chain whose time is
// moved over the timelocks: a lost root, a stolen one that vetoes, a stolen
// administrator's key. The commands themselves, up to the timelock, are run in
// cmd/dpki/testdata/guardian.txtar and proposal.txtar.
package drills
