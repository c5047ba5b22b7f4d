package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"dpki/device"
	"dpki/device/config"
	"dpki/device/journal"
	"dpki/internal/socket"
	"dpki/internal/socket/serve"

	"github.com/urfave/cli/v2"
)

// ask asks the daemon and decodes its answer.
func (e *env) ask(ctx context.Context, into any, t socket.Type, fields ...string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	a, err := serve.Call(ctx, e.paths.Control(), socket.NewRequest(t, fields...))
	if errors.Is(err, syscall.ENOENT) {
		err = fmt.Errorf("%w: %w", syscall.ECONNREFUSED, err)
	}
	if err != nil {
		return fmt.Errorf("dpkid: %w", err)
	}
	if a.Code != socket.Allow {
		return fmt.Errorf("dpkid: %s", a.Text)
	}
	return json.Unmarshal([]byte(a.Text), into)
}

func (e *env) statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "what the daemon knows; 0 = logins are decided, 4 = not yet or not any more",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print it as JSON"}},
		Action: e.arguments(0, 0, e.status),
	}
}

func (e *env) status(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	var s device.Status
	if err := e.ask(c.Context, &s, socket.Status); err != nil {
		return err
	}
	if c.Bool("json") {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(s); err != nil {
			return err
		}
	} else if err := e.showStatus(s); err != nil {
		return err
	}
	if !s.Enrolled || s.Freshness == "offline" || s.Unreadable || s.Retired {
		return &failure{code: exitLater}
	}
	return nil
}

func (e *env) showStatus(s device.Status) error {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("anchor", "%s", s.Anchor)
	if s.Enrolled {
		line("device", "%s in zone %s", s.Name, s.ZoneName)
		line("id", "%s", s.Device)
		line("zone keys", "%v", s.ZoneKeys)
	} else {
		line("device", "not enrolled yet")
	}
	line("state", "%s, %s old, block %d", s.Freshness, time.Duration(s.Age)*time.Second, s.Block)
	line("final", "block %d (safe %d)", s.Finalized, s.Safe)
	if s.Time != 0 {
		line("time", "%s (clock %+ds)", time.Unix(int64(s.Time), 0).UTC().Format(time.RFC3339), int64(s.Wall)-int64(s.Time))
	}
	line("gear", "%s", s.Gear)
	line("endpoints", "%s", trust(s))
	line("grants", "%d live, by %d user CAs", s.Grants, s.CAs)
	if s.Opaque > 0 {
		line("unread", "%d entries, for which this device has no key", s.Opaque)
	}
	for _, p := range []struct{ name, text string }{{"problem", s.Problem}, {"journal", s.Journal}, {"next", s.Next}} {
		if p.text != "" {
			line(p.name, "%s", p.text)
		}
	}
	_, err := io.WriteString(e.stdout, b.String())
	return err
}

// trust says whom the device has to believe.
func trust(s device.Status) string {
	switch {
	case s.Agree > 1:
		return fmt.Sprintf("%d of %d must agree", s.Agree, s.Endpoints)
	case s.Endpoints == 1:
		return "one, which is fully trusted"
	}
	return fmt.Sprintf("%d: whichever answers first is fully trusted", s.Endpoints)
}

func (e *env) explainCommand() *cli.Command {
	return &cli.Command{
		Name: "explain", Usage: "would this key be let in, and why; 0 = yes, 3 = no", ArgsUsage: "ACCOUNT KEY-OR-CERTIFICATE-FILE",
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "json", Usage: "print it as JSON"}},
		Action: e.arguments(2, 2, e.explain),
	}
}

func (e *env) explain(c *cli.Context) error {
	if err := root(); err != nil {
		return err
	}
	text, err := readFile(c.Args().Get(1), 64<<10)
	if err != nil {
		return err
	}
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return usage("give the file that ends in .pub, or the certificate's", "%s holds no public key", c.Args().Get(1))
	}
	var r device.Record
	if err := e.ask(c.Context, &r, socket.Explain, c.Args().First(), fields[0], fields[1]); err != nil {
		return err
	}
	if c.Bool("json") {
		if err := json.NewEncoder(e.stdout).Encode(r); err != nil {
			return err
		}
	} else if _, err := fmt.Fprintln(e.stdout, r.String()); err != nil {
		return err
	}
	if !r.Allow {
		return &failure{code: exitNo}
	}
	return nil
}

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
	j, err := journal.Open(e.paths.Journal(), conf.Anchor)
	switch {
	case err == nil:
		return errors.Join(j.Forget(), j.Close())
	case errors.Is(err, journal.ErrCorrupt):
		if err := os.Rename(e.paths.Journal(), e.paths.Journal()+".damaged"); err != nil {
			return err
		}
	case !errors.Is(err, journal.ErrMissing):
		return err
	}
	return journal.Create(e.paths.Journal(), conf.Anchor)
}
