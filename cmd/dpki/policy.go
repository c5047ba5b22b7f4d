package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/state"
)

func (t *tool) policyCommand() *cli.Command {
	return noun("policy", "what holds for the whole organisation",
		verb("show", "", "print the organisation's policy, and what its kinds of entries are held to", 0, 0, t.policyShow),
		verb("set", "", "write the organisation's policy; zones can only tighten it", 0, 0, t.policySet, watchdogFlags(
			&cli.StringSliceFlag{Name: "mode", Usage: "let in by `MODE`: certificate-and-grant, granted-key, certificate-only (default: whichever a zone wants)"},
			&cli.StringFlag{Name: "offline", Usage: "unprivileged logins go on for `DURATION` without news at most (default 1d)"},
			&cli.StringFlag{Name: "fresh", Usage: "privileged logins need news younger than `DURATION` (default 1m)"},
			&cli.StringSliceFlag{Name: "privileged", Usage: "`ACCOUNT`s beside root that only a privileged grant opens"},
			&cli.StringFlag{Name: "for", Usage: "valid for `DURATION`; renew in time", Value: "399d"})...),
		verb("limit", "KIND", "say how many administrators must approve a kind of entry, and how long it may last", 1, 1, t.policyLimit,
			&cli.IntFlag{Name: "approvals", Usage: "`NUMBER` of administrators, 1 to 16"},
			&cli.StringFlag{Name: "longest", Usage: "`DURATION` that an entry lasts at most, or none"}),
	)
}

func (t *tool) policyShow(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	p, err := d.OrganisationPolicy(c.Context)
	if err != nil {
		return err
	}
	return t.show(p, func() {
		t.printPolicy(p.Policy)
		var rows [][]string
		for _, l := range p.Limits {
			rows = append(rows, []string{l.Kind, fmt.Sprint(l.Approvals), orDash(l.Longest)})
		}
		t.table([]string{"KIND", "APPROVALS", "LONGEST"}, rows, "every kind needs one administrator and has no limit of its own")
	})
}

func (t *tool) policySet(c *cli.Context) error {
	p, length, err := policyFlags(c)
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	posted, err := d.SetOrganisationPolicy(c.Context, p, length)
	if err != nil {
		return err
	}
	return t.show(map[string]any{"transaction": posted}, func() {
		if !t.dryRun {
			t.sayf("policy of the organisation; it replaces the last")
		}
		t.posted(posted)
	})
}

func (t *tool) policyLimit(c *cli.Context) error {
	var longest uint64
	switch text := c.String("longest"); text {
	case "":
	case "none":
		longest = state.Never
	default:
		v, err := admin.ParseDuration(text)
		if err != nil {
			return err
		}
		longest = uint64(v / time.Second)
	}
	if !c.IsSet("approvals") && longest == 0 || c.IsSet("approvals") && c.Int("approvals") < 1 {
		return usage("what is the limit?", "give --approvals N, 1 to 16, or --longest DURATION, or both")
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	raised, posted, err := d.SetLimit(c.Context, c.Args().First(), c.Int("approvals"), longest)
	if len(raised) > 0 {
		t.notef("first, in a transaction of its own: %s need %d approvals, as they decide over all others", strings.Join(raised, ", "), c.Int("approvals"))
	}
	if err != nil {
		return err
	}
	return t.show(map[string]any{"raised": append([]string{}, raised...), "transaction": posted}, func() {
		if !t.dryRun {
			t.sayf("limit of %s", strings.ToUpper(c.Args().First()))
		}
		t.posted(posted)
	})
}
