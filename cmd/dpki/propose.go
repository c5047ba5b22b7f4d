package main

import (
	"errors"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/internal/cliargs"
)

// proposable are the commands that enter something by one transaction, which others
// may approve.
var proposable = []string{
	"grant", "revoke", "request", "deny",
	"admin add", "admin revoke", "policy set", "policy limit", "guardian set", "freeze", "recover start", "recover veto", "distrust",
	"zone create", "zone policy", "zone rekey", "ca create", "ca import", "ca prepare", "ca retire", "ca revoke",
	"device add", "device retire", "device replace", "device address", "device move", "person add", "person retire", "person replace",
	"deliver user-key", "deliver host-cert", "deliver ca", "deliver files", "watch submit",
	"network migrate", "network announce",
}

func (t *tool) proposalCreateCommand() *cli.Command {
	c := verb("create", "-- COMMAND [ARGUMENTS] [FLAGS]", "write what a command would send into a file that others approve", 1, -1, t.proposalCreate,
		&cli.StringFlag{Name: "out", Usage: "write the proposal to `FILE` (default: proposal-DIGEST.json here)"},
		&cli.StringFlag{Name: "deadline", Usage: "approvals may be collected for `DURATION`, to 90d, and no longer than what is proposed lasts", Value: "7d"},
		&cli.BoolFlag{Name: "sign", Usage: "approve it yourself, at once"})
	c.Description = "Nothing is sent, also where one approval is enough, and no power is needed: it is for whoever prepares what others\n" +
		"approve, and for what only a contract (a Safe) may. What the command stores is stored; what it asks is asked.\n" +
		"dpki proposal create --out p.json -- grant gate-7 --account root --for 15m --key tech.pub"
	return c
}

func (t *tool) proposalCreate(c *cli.Context) error {
	if t.dryRun {
		return usage("a proposal costs nothing and sends nothing", "leave --dry-run out")
	}
	length, err := admin.ParseDuration(c.String("deadline"))
	if err != nil {
		return err
	}
	p := &admin.Proposing{File: c.String("out"), For: length, Sign: c.Bool("sign")}
	if err := p.Check(); err != nil {
		return err
	}
	app := t.app()
	onlyProposable(app.Commands, "")
	args, err := cliargs.Permute(app, slices.Concat([]string{"dpki"}, t.globalsOf(c), c.Args().Slice()))
	if err != nil {
		return err
	}
	t.propose = p
	err = app.RunContext(c.Context, args)
	var made *admin.ProposedError
	switch {
	case !errors.As(err, &made) && err == nil:
		return &admin.Problem{Class: admin.Failed, Text: "the command had nothing to enter, and nothing was proposed", Hint: "dpki proposal create --help"}
	case made == nil:
		return err
	}
	if err := besides(err); err != nil {
		return err
	}
	return t.show(map[string]any{"file": made.File, "signed": made.Signed, "needs": made.Needs, "deadline": made.Deadline}, func() {
		t.sayf("wrote proposal %s: it needs %s, and has %d, until %s", made.File, plural(made.Needs, "approval"), made.Signed, made.Deadline)
		t.notef("dpki proposal approve %s, and as a contract attach; then anybody: dpki proposal submit %s", made.File, made.File)
	})
}

// globalsOf are the global flags as they were given, for a command that this one runs.
func (t *tool) globalsOf(c *cli.Context) (args []string) {
	for _, f := range t.globals() {
		if name := f.Names()[0]; c.IsSet(name) {
			args = append(args, fmt.Sprintf("--%s=%v", name, c.Value(name)))
		}
	}
	return args
}

// onlyProposable has every other command say that there is nothing to propose.
func onlyProposable(commands []*cli.Command, below string) {
	for _, c := range commands {
		name := below + c.Name
		if len(c.Subcommands) > 0 {
			onlyProposable(c.Subcommands, name+" ")
		} else if !slices.Contains(proposable, name) {
			c.Action = func(*cli.Context) error {
				return usage("dpki "+name+" is not one transaction that others could approve", "give it without dpki proposal create")
			}
		}
	}
}

// besides is what else went wrong: a certificate that could not be written.
func besides(err error) error {
	list, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	var rest []error
	for _, e := range list.Unwrap() {
		if made := (*admin.ProposedError)(nil); !errors.As(e, &made) {
			rest = append(rest, e)
		}
	}
	return errors.Join(rest...)
}
