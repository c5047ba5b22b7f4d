package main

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"
)

func (e *env) app() *cli.App {
	app := &cli.App{
		Name:            "dpkid",
		Usage:           "the daemon of a device: decides SSH logins from verified grants",
		Version:         version,
		HideHelpCommand: true,
		Writer:          e.stdout,
		ErrWriter:       e.stderr,
		Commands: []*cli.Command{
			e.enrollCommand(), e.leaveCommand(), e.runCommand(), e.fetchCommand(),
			e.setupCommand(), e.statusCommand(), e.sessionsCommand(), e.explainCommand(), e.checkCommand(), e.doctorCommand(), e.resetCommand(),
			{Name: "version", Usage: "print the version", Action: e.arguments(0, 0, func(*cli.Context) error {
				_, err := fmt.Fprintln(e.stdout, version)
				return err
			})},
		},
		// The library would exit by itself; run decides.
		ExitErrHandler: func(*cli.Context, error) {},
		Action: func(c *cli.Context) error {
			cli.ShowAppHelp(c)
			return &failure{code: exitUsage}
		},
	}
	for _, c := range app.Commands {
		c.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usage("", "%w", err) }
	}
	return app
}

// arguments checks how many there are before a command acts.
func (e *env) arguments(least, most int, act cli.ActionFunc) cli.ActionFunc {
	return func(c *cli.Context) error {
		if n := c.NArg(); n < least || n > most {
			return usage("see dpkid "+c.Command.Name+" --help", "%s takes %s, not %d", c.Command.Name, count(least, most), n)
		}
		return act(c)
	}
}

func count(least, most int) string {
	switch {
	case most == 0:
		return "no argument"
	case least == most && most == 1:
		return "1 argument"
	case least == most:
		return fmt.Sprintf("%d arguments", most)
	}
	return fmt.Sprintf("%d to %d arguments", least, most)
}

// root refuses everybody else early, with words.
func root() error {
	if os.Geteuid() != 0 {
		return usage("run it as root", "only root may do this")
	}
	return nil
}
