package cliargs

import (
	"dpki/internal/nearest"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// UsageError is a command line that cannot be meant: exit status 2.
type UsageError struct {
	Msg  string
	Hint string // what to do next; may be empty
}

func (e *UsageError) Error() string { return e.Msg }

// node is the application or one of its commands.
type node struct {
	name     string
	flags    []cli.Flag
	commands []*cli.Command
}

// given is a flag as it stands on the line.
type given struct {
	name   string // without dashes
	tokens []string
}

// Permute returns args (program name first) as
//
//	program [flags] command [flags] subcommand [flags] -- arguments
//
// A flag goes to the innermost command on the line that defines it. Errors are
// *UsageError: an unknown flag or command, a value that is missing.
func Permute(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return nil, &UsageError{Msg: "no program name"}
	}
	if len(args) > 1 && args[1] == "help" && find(app.Commands, "help") == nil {
		args = append(append([]string{args[0]}, args[2:]...), "--help")
	}
	chain := []node{{name: app.Name, flags: withHelp(app.Flags, !app.HideVersion && app.Version != ""), commands: app.Commands}}
	var flags []given
	var positional []string
	for rest := args[1:]; len(rest) > 0; {
		token := rest[0]
		rest = rest[1:]
		here := chain[len(chain)-1]
		switch {
		case token == "--":
			positional = append(positional, rest...)
			rest = nil
		case len(token) > 1 && token[0] == '-':
			g := given{name: flagName(token), tokens: []string{token}}
			boolean, err := isBoolean(chain, g.name)
			if err != nil {
				return nil, err
			}
			if !boolean && !strings.Contains(token, "=") {
				if len(rest) == 0 {
					return nil, &UsageError{Msg: fmt.Sprintf("flag %s needs a value", token)}
				}
				g.tokens = append(g.tokens, rest[0])
				rest = rest[1:]
			}
			flags = append(flags, g)
		case len(here.commands) > 0 && len(positional) == 0:
			c := find(here.commands, token)
			if c == nil && token == "help" {
				positional = append(positional, token)
				break
			}
			if c == nil {
				return nil, unknownCommand(chain, token)
			}
			chain = append(chain, node{name: c.Name, flags: withHelp(c.Flags, false), commands: c.Subcommands})
		default:
			positional = append(positional, token)
		}
	}
	return assemble(args[0], chain, flags, positional)
}

func assemble(program string, chain []node, flags []given, positional []string) ([]string, error) {
	of := make([][]string, len(chain))
	for _, g := range flags {
		i := len(chain) - 1
		for ; i >= 0 && lookup(chain[i].flags, g.name) == nil; i-- {
		}
		if i < 0 {
			return nil, unknownFlag(chain, g.tokens[0], g.name)
		}
		of[i] = append(of[i], g.tokens...)
		if slices.Contains(cli.HelpFlag.Names(), g.name) {
			// cli would take the first argument for what help is wanted of.
			positional = nil
		}
	}
	out := []string{program}
	for i, n := range chain {
		if i > 0 {
			out = append(out, n.name)
		}
		out = append(out, of[i]...)
	}
	if len(positional) > 0 {
		out = append(append(out, "--"), positional...)
	}
	return out, nil
}

// isBoolean says whether a flag takes no value. It may stand before the command
// that defines it, so all commands below the last one are asked too.
func isBoolean(chain []node, name string) (bool, error) {
	for _, n := range slices.Backward(chain) {
		if f := lookup(n.flags, name); f != nil {
			return boolean(f), nil
		}
	}
	var found []cli.Flag
	collect(chain[len(chain)-1].commands, name, &found)
	if len(found) == 0 {
		return false, unknownFlag(chain, dashes(name), name)
	}
	for _, f := range found[1:] {
		if boolean(f) != boolean(found[0]) {
			return false, &UsageError{Msg: fmt.Sprintf("write %s after its command", dashes(name))}
		}
	}
	return boolean(found[0]), nil
}

func unknownFlag(chain []node, token, name string) *UsageError {
	var names []string
	for _, n := range chain {
		for _, f := range n.flags {
			names = append(names, f.Names()...)
		}
	}
	e := &UsageError{Msg: fmt.Sprintf("%s has no flag %s", path(chain), token), Hint: fmt.Sprintf("see %s --help", path(chain))}
	if near := nearest.Names(name, names); len(name) > 1 && len(near) > 0 {
		e.Hint = fmt.Sprintf("did you mean %s? see %s --help", dashes(near[0]), path(chain))
	}
	return e
}

func collect(commands []*cli.Command, name string, found *[]cli.Flag) {
	for _, c := range commands {
		if f := lookup(c.Flags, name); f != nil {
			*found = append(*found, f)
		}
		collect(c.Subcommands, name, found)
	}
}

func lookup(flags []cli.Flag, name string) cli.Flag {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func boolean(f cli.Flag) bool {
	b, ok := f.(cli.DocGenerationFlag)
	return ok && !b.TakesValue()
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func withHelp(flags []cli.Flag, version bool) []cli.Flag {
	flags = append(slices.Clone(flags), cli.HelpFlag)
	if version {
		flags = append(flags, cli.VersionFlag)
	}
	return flags
}

func unknownCommand(chain []node, token string) error {
	here := chain[len(chain)-1]
	var names []string
	for _, c := range here.commands {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	e := &UsageError{
		Msg:  fmt.Sprintf("%s has no command %.40q", path(chain), token),
		Hint: fmt.Sprintf("it has %s", strings.Join(names, ", ")),
	}
	if near := nearest.Names(token, names); len(near) > 0 {
		e.Hint = fmt.Sprintf("did you mean %s %s?", path(chain), near[0])
	}
	return e
}

func path(chain []node) string {
	names := make([]string, len(chain))
	for i, n := range chain {
		names[i] = n.name
	}
	return strings.Join(names, " ")
}

func flagName(token string) string {
	name := strings.TrimPrefix(strings.TrimPrefix(token, "-"), "-")
	name, _, _ = strings.Cut(name, "=")
	return name
}

func dashes(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}
