// Package cliargs puts command lines in the order in which urfave/cli/v2 reads
// them. That library stops looking for flags at the first argument and hands
// the rest on as arguments, without a word: `grant gate-7 --for 5m` would grant
// with no duration. Permute moves each flag to the command that defines it, so
// that flags may stand anywhere, and refuses what no command on the line
// defines. `--` ends the flags.
package cliargs
