package cliargs

import (
	"strings"

	"github.com/urfave/cli/v2"
)

// A flag's line in --help says its default only where that tells something: a
// switch that is off, or a descriptor that is none, is the flag's absence.
func init() {
	text := cli.FlagStringer
	quiet := strings.NewReplacer(" (default: false)", "", " (default: -1)", "")
	cli.FlagStringer = func(f cli.Flag) string { return quiet.Replace(text(f)) }
}
