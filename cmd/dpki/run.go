package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/internal/cliargs"
)

// run is the whole command. args[0] is the program's name.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	t := &tool{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv}
	err := t.command(args)
	// What an earlier command sent came in while this one decided, and nothing was
	// written: it decides again.
	for again := 0; again < maxAgain && errors.Is(err, admin.ErrOvertaken); again++ {
		t.desk = nil
		err = t.command(args)
	}
	return t.finish(err)
}

// maxAgain is how often a command that was overtaken begins anew.
const maxAgain = 3

func (t *tool) command(args []string) error {
	app := t.app()
	permuted, err := cliargs.Permute(app, likeSSH(app, args))
	if err != nil {
		return err
	}
	return app.RunContext(t.ctx, permuted)
}

// waiting says why nothing happens for a while.
func (t *tool) waiting(nonce uint64) {
	if !t.quiet {
		fmt.Fprintf(t.stderr, "dpki: waiting for transaction %d of this account, of an earlier command\n", nonce)
	}
}

// tool is one run of the command: its streams, its environment, its global flags.
type tool struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string

	home, network, org       string
	passphraseFile           string
	passphraseFD             int
	json, dryRun, yes, quiet bool
	status                   int // of ssh, where the command was ssh
	secrets                  *secrets
	desk                     *admin.Desk
	propose                  *admin.Proposing // of the command that `proposal create` runs
}

func (t *tool) app() *cli.App {
	return &cli.App{
		Name: "dpki", Usage: "who may log in where, kept by a public contract", Version: version,
		Writer: t.stdout, ErrWriter: t.stderr, Reader: t.stdin,
		HideHelpCommand: true, Suggest: false,
		UsageText:      "dpki COMMAND [VERB] [ARGUMENTS] [FLAGS]     flags may stand anywhere; dpki help COMMAND has them\ndpki grant gate-7 --account root --for 5m --key tech.pub",
		ExitErrHandler: func(*cli.Context, error) {}, // finish reports
		OnUsageError:   func(_ *cli.Context, err error, _ bool) error { return usage(err.Error(), "see dpki --help") },
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return usage(fmt.Sprintf("dpki has no command %q", c.Args().First()), "see dpki --help")
			}
			return cli.ShowAppHelp(c)
		},
		Flags: t.globals(),
		Commands: slices.Concat(
			group("access", t.grantCommand(), t.sshCommand(), t.revokeCommand(), t.requestCommand(), t.explainCommand(), t.denyCommand(), t.knownHostsCommand(), t.sshConfigCommand()),
			group("audit", t.logCommand(), t.monitorCommand(), t.witnessCommand()),
			group("devices and people", t.zoneCommand(), t.deviceCommand(), t.personCommand(), t.identityCommand()),
			group("keys and deliveries", t.caCommand(), t.deliverCommand(), t.receiveCommand(), t.watchCommand(), t.rotateCommand()),
			group("power", t.orgCommand(), t.adminCommand(), t.policyCommand(), t.proposalCommand(), t.guardianCommand(), t.freezeCommand(), t.recoverCommand(), t.distrustCommand()),
			group("upkeep", t.doctorCommand(), t.networkCommand(), t.storeCommand(), t.mirrorCommand(), t.completionCommand()),
		),
	}
}

func (t *tool) globals() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "home", Usage: "keep keys, configuration and cache in `DIR` (default: the XDG folders)", Destination: &t.home},
		&cli.StringFlag{Name: "network", Usage: "network `FILE|NAME` to use instead of the organisation's", Destination: &t.network},
		&cli.StringFlag{Name: "org", Usage: "organisation's `NAME` (default: the one that was made or joined first)", Destination: &t.org},
		&cli.BoolFlag{Name: "json", Usage: "print JSON", Destination: &t.json},
		&cli.BoolFlag{Name: "dry-run", Usage: "say what it would cost and send nothing", Destination: &t.dryRun},
		&cli.BoolFlag{Name: "yes", Usage: "do not ask", Destination: &t.yes},
		&cli.BoolFlag{Name: "quiet", Usage: "no warnings, no progress", Destination: &t.quiet},
		&cli.StringFlag{Name: "passphrase-file", Usage: "read passphrases from `FILE`: the chain key's on its first line, the CA's on its second (absent: the same)", Destination: &t.passphraseFile},
		&cli.IntFlag{Name: "passphrase-fd", Usage: "the same from an open file `DESCRIPTOR`", Value: -1, Destination: &t.passphraseFD},
	}
}

// group puts commands below a heading of the help, which sorts headings by the alphabet.
func group(heading string, commands ...*cli.Command) []*cli.Command {
	for _, c := range commands {
		c.Category = heading
	}
	return commands
}

// noun is a command that only has subcommands.
func noun(name, text string, verbs ...*cli.Command) *cli.Command {
	return &cli.Command{
		Name: name, Usage: text, Subcommands: verbs, HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			var names []string
			for _, v := range verbs {
				names = append(names, v.Name)
			}
			return usage("dpki "+name+" needs a verb", "one of "+strings.Join(names, ", "))
		},
	}
}

// verb is a command that does something. limits are the fewest and the most
// arguments; the most may be -1.
func verb(name, args, text string, fewest, most int, action func(*cli.Context) error, flags ...cli.Flag) *cli.Command {
	return &cli.Command{
		Name: name, Usage: text, ArgsUsage: args, Flags: flags, HideHelpCommand: true,
		Action: func(c *cli.Context) error {
			line := strings.TrimSpace(c.Command.HelpName + " " + args)
			if c.NArg() < fewest {
				return usage("an argument is missing", line)
			}
			if most >= 0 && c.NArg() > most {
				return usage(fmt.Sprintf("unexpected argument %q", c.Args().Get(most)), line)
			}
			return action(c)
		},
	}
}

func usage(text, hint string) error {
	return &admin.Problem{Class: admin.Usage, Text: text, Hint: hint}
}

// finish prints an error and turns it into the exit status.
func (t *tool) finish(err error) int {
	if t.desk != nil && !t.quiet {
		for _, w := range t.desk.Warnings() {
			fmt.Fprintf(t.stderr, "dpki: warning: %s\n", w)
		}
	}
	if err == nil {
		return t.status
	}
	code, hint := int(admin.Failed), ""
	var p *admin.Problem
	var u *cliargs.UsageError
	switch {
	case errors.As(err, &u):
		code, hint = int(admin.Usage), u.Hint
	case errors.As(err, &p):
		code, hint = int(p.Class), p.Hint
	case errors.Is(err, context.Canceled):
		hint = "interrupted; run it again"
	}
	fmt.Fprintf(t.stderr, "dpki: error: %s\n", admin.OneLine(err))
	if hint != "" {
		fmt.Fprintf(t.stderr, "dpki: hint: %s\n", hint)
	}
	if t.status != 0 {
		return t.status
	}
	return code
}
