package main

import (
	"dpki/device/config"
	"dpki/device/journal"
	"dpki/internal/socket"
	"errors"
	"syscall"

	"github.com/urfave/cli/v2"
)

func (e *env) resetCommand() *cli.Command {
	return &cli.Command{
		Name: "reset-trust", Usage: "forget the verified history and believe the one that is found next",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "yes", Usage: "do not ask"}},
		Action: e.arguments(0, 0, e.reset),
	}
}

func (e *env) reset(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	if !c.Bool("yes") {
		return usage("dpkid reset-trust --yes", "this gives up the protection against a rolled back history: do it only when you know why")
	}
	var nothing struct{}
	err := e.ask(c.Context, &nothing, socket.ResetTrust)
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return err
	}
	// The daemon does not run, perhaps because of its journal.
	conf, err := config.Load(e.paths.Config())
	if err != nil {
		return notEnrolled(err)
	}
	return journal.Reset(e.paths.Journal(), conf.Anchor)
}
