package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"dpki/device"
	"dpki/device/config"
	"dpki/device/sshd"
	"dpki/internal/socket"

	"github.com/urfave/cli/v2"
)

const sshdConfig = "/etc/ssh/sshd_config"

func (e *env) setupCommand() *cli.Command {
	return &cli.Command{
		Name: "setup", Usage: "have sshd ask dpki for the accounts that it is to govern",
		Description: "Writes sshd_config.d/" + sshd.DropInName + " beside sshd_config, and nothing else. Accounts that are not\nnamed keep their ways. sshd notices at its next reload.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "accounts", Usage: "comma-separated `ACCOUNTS` to govern"},
			&cli.StringFlag{Name: "group", Usage: "comma-separated `GROUPS` whose members to govern"},
			&cli.BoolFlag{Name: "all-accounts", Usage: "refused: says why"},
			&cli.BoolFlag{Name: "undo", Usage: "remove the drop-in"},
			&cli.BoolFlag{Name: "reload", Usage: "then have sshd read its configuration again"},
			&cli.BoolFlag{Name: "force", Usage: "also where dpkid does not decide logins yet: the accounts are locked until it does"},
			&cli.BoolFlag{Name: "dry-run", Usage: "say what would be done"},
			&cli.StringFlag{Name: "sshd-config", Value: sshdConfig, Usage: "sshd's configuration `FILE`"},
			&cli.StringFlag{Name: "sshd", Usage: "sshd's `PATH` (default: the configuration's)"},
		},
		Action: e.arguments(0, 0, e.setup),
	}
}

func (e *env) setup(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	s := e.setupOf(c)
	g := sshd.Governed{Users: list(c.String("accounts")), Groups: list(c.String("group"))}
	switch {
	case c.Bool("all-accounts"):
		return usage("name the accounts, or a group that holds them: --accounts root,deploy or --group ssh-users",
			"all accounts at once are not taken: one mistake would lock out everybody, and a trial login proves one account only")
	case c.Bool("undo") && len(g.Users)+len(g.Groups) > 0:
		return usage("dpkid setup --undo", "--undo takes the whole drop-in back: name no accounts")
	case c.Bool("undo"):
		return e.undo(c, s)
	case len(g.Users)+len(g.Groups) == 0:
		return usage("dpkid setup --accounts root", "name the accounts that dpki is to govern: --accounts or --group")
	}
	if !c.Bool("force") {
		if err := e.decides(c.Context); err != nil {
			return err
		}
	}
	if c.Bool("dry-run") {
		text, err := s.Preview(c.Context, g)
		if err == nil {
			_, err = fmt.Fprintf(e.stdout, "would write %s:\n%s", s.Path(), text)
		}
		return setupError(err)
	}
	notes, err := s.Install(c.Context, g)
	if err != nil {
		return setupError(err)
	}
	for _, n := range notes {
		fmt.Fprintf(e.stderr, "dpkid: note: %s\n", n)
	}
	fmt.Fprintf(e.stdout, "wrote %s\n", s.Path())
	return e.reload(c, s)
}

func (e *env) setupOf(c *cli.Context) sshd.Setup {
	s := sshd.Setup{
		Server: sshd.Server{Program: config.DefaultSshd, Config: c.String("sshd-config")},
		Helper: e.paths.Helper, HelperUser: config.DefaultHelperUser,
	}
	if conf, err := config.Load(e.paths.Config()); err == nil {
		s.Program, s.HelperUser = conf.Sshd, conf.HelperUser
	}
	if p := c.String("sshd"); p != "" {
		s.Program = p
	}
	return s
}

// decides asks the daemon whether logins would be decided: accounts that are
// governed by a device that is not enrolled are locked.
func (e *env) decides(ctx context.Context) error {
	const hint = "wait until `dpkid status` says enrolled and fresh; --force sets up anyway, and locks the accounts until then"
	var s device.Status
	if err := e.ask(ctx, &s, socket.Status); err != nil {
		return &failure{exitLater, fmt.Errorf("the daemon does not answer, so nobody could log in to the governed accounts: %w", err), hint}
	}
	if !s.Enrolled || s.Freshness == "offline" {
		return &failure{exitLater, errors.New("this device does not decide logins yet, so nobody could log in to the governed accounts"), hint}
	}
	return nil
}

func (e *env) undo(c *cli.Context, s sshd.Setup) error {
	if c.Bool("dry-run") {
		_, err := s.Installed()
		if err == nil {
			_, err = fmt.Fprintf(e.stdout, "would remove %s\n", s.Path())
		}
		return setupError(err)
	}
	if err := s.Undo(c.Context); err != nil {
		return setupError(err)
	}
	fmt.Fprintf(e.stdout, "removed %s\n", s.Path())
	return e.reload(c, s)
}

func (e *env) reload(c *cli.Context, s sshd.Setup) error {
	if !c.Bool("reload") {
		_, err := fmt.Fprintln(e.stdout, "next:  systemctl reload ssh, or this command with --reload; keep this session open until a login has worked")
		return err
	}
	if err := s.Reload(c.Context); err != nil {
		return &failure{exitFailed, fmt.Errorf("the configuration is written, but sshd was not reloaded: %w", err), "systemctl reload ssh"}
	}
	return nil
}

// setupError gives the refusals of set-up their hints.
func setupError(err error) error {
	for _, k := range []struct {
		is   error
		code int
		hint string
	}{
		{sshd.ErrConflict, exitFailed, "only one can serve an account: remove the other for the accounts that dpki is to govern, or govern others"},
		{sshd.ErrForeign, exitFailed, "move that file away"},
		{sshd.ErrNoEffect, exitFailed, "sshd_config needs `Include /etc/ssh/sshd_config.d/*.conf` as its first line, and no file there that sorts before " + sshd.DropInName + " may set the same options"},
		{sshd.ErrAccount, exitFailed, "nothing was changed"},
		{sshd.ErrNotSetUp, exitFailed, "nothing to do"},
		{sshd.ErrGoverned, exitUsage, "dpkid setup --accounts root"},
	} {
		if errors.Is(err, k.is) {
			return &failure{k.code, err, k.hint}
		}
	}
	return err
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
