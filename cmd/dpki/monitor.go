package main

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/monitor"
	"dpki/state"
)

func (t *tool) monitorCommand() *cli.Command {
	c := verb("monitor", "", "watch the verified log and tell somebody what should not happen unseen, until stopped", 0, 0, t.monitor,
		&cli.StringFlag{Name: "rules", Usage: "what to watch for and whom to tell: a TOML `FILE`"},
		&cli.StringFlag{Name: "anchor", Usage: "watch the organisation of this `ANCHOR` without any key of an administrator; with --network"},
		&cli.StringFlag{Name: "state", Usage: "keep what was judged and told below `DIR` (default: with the organisation's cache)"},
		&cli.BoolFlag{Name: "from-start", Usage: "at the first start, tell about what is in the log already"},
		&cli.BoolFlag{Name: "once", Usage: "look once, then end: for a timer"},
	)
	c.Description = "With an identity that has been given keys it says what entries say; with --anchor it knows kinds, times and authors only, and not the devices' own logs.\n" +
		"Each alert is told once to each sink; what could not be told is told later, also after a restart."
	return c
}

func (t *tool) monitor(c *cli.Context) error {
	if c.String("rules") == "" {
		return usage("what to watch for, and whom to tell?", "give --rules FILE; docs/operations.md, \"Watch the log\", has an example")
	}
	rules, err := monitor.LoadRules(c.String("rules"))
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: "the rules cannot be used", Hint: "docs/operations.md, \"Watch the log\", has an example", Err: err}
	}
	if t.dryRun {
		return t.would("would watch every %v and tell %s", rules.Every, plural(len(rules.Sinks), "sink"))
	}
	m, err := t.openMonitor(c, rules)
	switch {
	case errors.Is(err, monitor.ErrTwice):
		return &admin.Problem{Class: admin.Failed, Text: "another monitor is at work", Hint: "give this one a folder of its own: --state DIR", Err: err}
	case errors.Is(err, monitor.ErrMemory):
		return &admin.Problem{Class: admin.Failed, Text: "what was told before cannot be read", Hint: "move the file away; --from-start then tells everything again", Err: err}
	case err != nil:
		return err
	}
	defer m.Close()
	if c.Bool("once") {
		err = m.Look(c.Context)
	} else {
		err = m.Run(c.Context)
	}
	if err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "what was judged and told could not be kept", Hint: "make room, or give --state another DIR", Err: err}
	}
	return nil
}

func (t *tool) openMonitor(c *cli.Context, rules *monitor.Rules) (*monitor.Monitor, error) {
	config := monitor.Config{Rules: rules, FromStart: c.Bool("from-start"), Stdout: t.stdout, Note: t.notef}
	h, err := t.folders()
	if err != nil {
		return nil, err
	}
	if c.IsSet("anchor") {
		a, err := admin.ParseAnchor(c.String("anchor"))
		if err != nil {
			return nil, err
		}
		n, err := t.networkFile(h, "")
		if err != nil {
			return nil, err
		}
		dir := stateDir(c, filepath.Join(h.State(a.Org), "monitor"))
		w, err := witnesses(n)
		if err != nil {
			return nil, err
		}
		config.Org, config.Path = a.Org, filepath.Join(dir, "monitor.json")
		config.Words = func(_ context.Context, scope state.Word, e *state.Entry) string {
			return admin.PublicWords(a.Org, scope, e)
		}
		for _, one := range w.All {
			config.Witnesses = append(config.Witnesses, one.Name)
		}
		mirrors, err := dialMirrors(n)
		if err != nil {
			return nil, err
		}
		if config.Ledger, err = openLedger(n, a, mirrors, filepath.Join(dir, "ledger.json")); err != nil {
			return nil, err
		}
		return monitor.Open(config)
	}
	d, err := t.open()
	if err != nil {
		return nil, err
	}
	for _, w := range d.Network.Witnesses {
		config.Witnesses = append(config.Witnesses, "witness "+w.Name)
	}
	config.Org, config.Ledger, config.Words = d.Anchor.Org, d.Ledger, d.EntryWords
	config.Who = d.Shown
	config.Mailboxes = d.Mailboxes
	config.Path = filepath.Join(stateDir(c, filepath.Join(h.State(d.Anchor.Org), "monitor")), "monitor.json")
	return monitor.Open(config)
}

func stateDir(c *cli.Context, def string) string {
	if dir := c.String("state"); dir != "" {
		return dir
	}
	return def
}
