package main

import (
	"dpki/device"
	"dpki/device/config"
	"fmt"

	"github.com/urfave/cli/v2"
)

func (e *env) checkCommand() *cli.Command {
	return &cli.Command{
		Name: "check-config", Usage: "check the configuration and the owners of everything that decides whom to trust",
		Action: e.arguments(0, 0, e.check),
	}
}

func (e *env) check(*cli.Context) error {
	conf, err := config.Load(e.paths.Config())
	if err != nil {
		return notEnrolled(err)
	}
	net, err := config.LoadNetwork(e.paths.Network())
	if err != nil {
		return err
	}
	if net.Registry() != conf.Anchor.Registry {
		return device.ErrOtherChain
	}
	for _, dir := range []string{e.paths.BreakGlass(), e.paths.State} {
		if err := config.CheckFolders(dir); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(e.stdout, "%s: good\n", e.paths.Config())
	return err
}
