package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"dpki/device"
	"dpki/device/config"
	"dpki/device/pamd"
	"dpki/device/sshd"
	"dpki/internal/socket"

	"github.com/urfave/cli/v2"
)

const sshdConfig = "/etc/ssh/sshd_config"

func (e *env) setupCommand() *cli.Command {
	return &cli.Command{
		Name: "setup", Usage: "have sshd ask dpki for the accounts that it is to govern",
		Description: "Writes sshd_config.d/" + sshd.DropInName + " beside sshd_config, and a marked block at the beginning and at the\nend of PAM's service file of sshd, so that sessions end with their grants. Accounts that are not named keep\ntheir ways. PAM asks at once, sshd after its next reload.",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "accounts", Usage: "comma-separated `ACCOUNTS` to govern"},
			&cli.StringFlag{Name: "group", Usage: "comma-separated `GROUPS` whose members to govern"},
			&cli.BoolFlag{Name: "all-accounts", Usage: "refused: says why"},
			&cli.StringFlag{Name: "sudo", Usage: "also have sudo ask, for the same accounts but root: `HOW` is key (the session's key, by its forwarded agent) or account (sudo asks for what it asks for now, and the grant must allow it)"},
			&cli.BoolFlag{Name: "no-pam", Usage: "leave PAM alone: sessions are then seen, and ended, by sshd's processes alone"},
			&cli.BoolFlag{Name: "undo", Usage: "take it all back"},
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
	w := sshd.Wish{
		Governed: sshd.Governed{Users: list(c.String("accounts")), Groups: list(c.String("group")), NoPAM: c.Bool("no-pam")},
		Sudo:     pamd.Sudo(c.String("sudo")),
	}
	named := len(w.Users)+len(w.Groups) > 0
	switch {
	case c.Bool("all-accounts"):
		return usage("name the accounts, or a group that holds them: --accounts root,deploy or --group ssh-users",
			"all accounts at once are not taken: one mistake would lock out everybody, and a trial login proves one account only")
	case c.Bool("undo") && (named || c.IsSet("sudo") || w.NoPAM):
		return usage("dpkid setup --undo", "--undo takes everything back: name no accounts")
	case c.Bool("undo"):
		return e.undo(c, s)
	case !named:
		return usage("dpkid setup --accounts root", "name the accounts that dpki is to govern: --accounts or --group")
	case c.IsSet("sudo") && w.Sudo != pamd.ByKey && w.Sudo != pamd.AccountOnly:
		return usage("--sudo key or --sudo account", "--sudo says how sudo is to ask")
	case c.IsSet("sudo") && w.NoPAM:
		return usage("leave one of them out", "--sudo needs PAM, and --no-pam leaves it alone")
	}
	if err := hasSshd(s.Server); err != nil {
		return err
	}
	if !c.Bool("force") {
		if err := e.decides(c.Context); err != nil {
			return err
		}
	}
	if c.Bool("dry-run") {
		changes, err := s.Preview(c.Context, w)
		if err != nil {
			return setupError(err)
		}
		return e.wouldWrite(changes)
	}
	made, notes, err := s.Install(c.Context, w)
	if err != nil {
		return setupError(err)
	}
	for _, n := range notes {
		fmt.Fprintf(e.stderr, "dpkid: note: %s\n", n)
	}
	if w.NoPAM {
		fmt.Fprintln(e.stderr, "dpkid: note: PAM is left alone: sessions are seen, and ended, by sshd's processes alone")
	}
	e.made(made)
	return e.reload(c, s)
}

// hasSshd says what is missing where no sshd was installed, before a daemon is asked
// about logins that nothing would serve.
func hasSshd(s sshd.Server) error {
	for _, of := range []struct{ path, flag string }{{s.Config, "--sshd-config FILE"}, {s.Program, "--sshd PATH"}} {
		if _, err := os.Stat(of.path); errors.Is(err, fs.ErrNotExist) {
			return &failure{exitFailed, fmt.Errorf("there is no %s", of.path), "is openssh-server installed? Where it lies elsewhere: dpkid setup " + of.flag}
		}
	}
	return nil
}

// made says which files are other ones now.
func (e *env) made(changes config.Changes) {
	for _, c := range changes {
		verb := "wrote"
		if c.New == nil {
			verb = "removed"
		}
		fmt.Fprintf(e.stdout, "%s %s\n", verb, c.Path)
	}
}

// wouldWrite prints what files would gain and lose.
func (e *env) wouldWrite(changes config.Changes) error {
	for _, c := range changes {
		if c.New == nil {
			fmt.Fprintf(e.stdout, "would remove %s\n", c.Path)
			continue
		}
		fmt.Fprintf(e.stdout, "would write %s:\n", c.Path)
		for _, line := range missing(c.Old, c.New) {
			fmt.Fprintf(e.stdout, "- %s\n", line)
		}
		for _, line := range missing(c.New, c.Old) {
			fmt.Fprintf(e.stdout, "+ %s\n", line)
		}
	}
	return nil
}

// missing are the lines of one text, each as often as the other lacks it.
func missing(text, other []byte) (lines []string) {
	there := map[string]int{}
	for line := range strings.Lines(string(other)) {
		there[line]++
	}
	for line := range strings.Lines(string(text)) {
		if there[line]--; there[line] < 0 {
			lines = append(lines, strings.TrimSuffix(line, "\n"))
		}
	}
	return lines
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
	var s device.Status
	err := e.ask(ctx, &s, socket.Status)
	return decided(s, err)
}

// decided says what to do where logins are not decided: a device that was retired
// waits in vain.
func decided(s device.Status, unanswered error) error {
	const hint = "wait until `dpkid status` says enrolled and fresh; --force sets up anyway, and locks the accounts until then"
	switch {
	case unanswered != nil:
		return &failure{exitLater, fmt.Errorf("the daemon does not answer, so nobody could log in to the governed accounts: %w", unanswered), hint}
	case s.Retired:
		return &failure{exitFailed, errors.New("this device or its zone was retired, so nobody could log in to the governed accounts"), "enrol it again: `dpkid leave`, then `dpkid enroll ANCHOR`"}
	case !s.Decides():
		return &failure{exitLater, errors.New("this device does not decide logins yet, so nobody could log in to the governed accounts"), hint}
	}
	return nil
}

// undo has nothing to do where nothing is set up, which is what was asked for.
func (e *env) undo(c *cli.Context, s sshd.Setup) error {
	changes, err := s.PreviewUndo()
	if errors.Is(err, sshd.ErrNotSetUp) {
		_, err := fmt.Fprintln(e.stdout, "nothing is set up: sshd and PAM do not ask dpki")
		return err
	}
	if err == nil && c.Bool("dry-run") {
		return e.wouldWrite(changes)
	}
	if err == nil {
		changes, err = s.Undo(c.Context)
	}
	if err != nil {
		return setupError(err)
	}
	e.made(changes)
	return e.reload(c, s)
}

func (e *env) reload(c *cli.Context, s sshd.Setup) error {
	if !c.Bool("reload") {
		_, err := fmt.Fprintln(e.stdout, "next:  systemctl reload ssh, or this command with --reload: until then sshd and PAM disagree. Keep this session open until a login has worked")
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
		{sshd.ErrMethods, exitFailed, "have AuthenticationMethods demand publickey in each of its lists, for all of these accounts alike, or for none of them"},
		{sshd.ErrNoPAM, exitFailed, "set `UsePAM yes` in sshd_config, or give --no-pam: sessions are then ended by sshd's processes alone"},
		{pamd.ErrNoModule, exitFailed, "install the package for this system's architecture again, or give --no-pam: sessions are then ended by sshd's processes alone"},
		{pamd.ErrNoService, exitFailed, "PAM's service needs a file of its own in /etc/pam.d: copy the distribution's there, or give --no-pam"},
		{pamd.ErrByHand, exitFailed, "take those lines out: dpkid writes its own and takes them back"},
		{pamd.ErrForm, exitFailed, "mend that file; nothing was changed"},
		{sshd.ErrAccount, exitFailed, "nothing was changed"},
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
