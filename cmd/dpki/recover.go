package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/state"
)

func (t *tool) guardianCommand() *cli.Command {
	return noun("guardian", "who freezes and recovers the organisation",
		verb("set", "ACCOUNT...", "name the guardians, instead of those there are; none with --nobody", 0, -1, t.guardianSet,
			&cli.IntFlag{Name: "needed", Usage: "`NUMBER` of them that freeze and recover", DefaultText: "more than half"},
			&cli.IntFlag{Name: "final", Usage: "`NUMBER` of them whose recovery cannot be vetoed", DefaultText: "all"},
			&cli.StringFlag{Name: "timelock", Usage: "a recovery waits for `DURATION`, 1h to 30d", Value: "7d"},
			&cli.BoolFlag{Name: "nobody", Usage: "no guardians"}),
		verb("show", "", "print guardians, a recovery that waits, a freeze", 0, 0, t.guardianShow),
	)
}

func (t *tool) freezeCommand() *cli.Command {
	return verb("freeze", "", "by guardians: nothing new that permits, for a time; grants and sessions run on", 0, 0, t.freeze,
		&cli.StringFlag{Name: "for", Usage: "`DURATION`, seven days at most; as much time must pass before the next", Value: "2d"})
}

func (t *tool) recoverCommand() *cli.Command {
	return noun("recover", "other root administrators, by guardians",
		verb("start", "", "ask for new root administrators; it waits for the timelock", 0, 0, t.recoverStart,
			&cli.StringSliceFlag{Name: "root", Usage: "`ACCOUNT` of a new root administrator"},
			&cli.IntFlag{Name: "threshold", Usage: "`NUMBER` of them that decide together", Value: 1}),
		verb("approve", "FILE", "sign a recovery or a freeze as another guardian: dpki proposal approve", 1, 1, t.proposalApprove,
			&cli.BoolFlag{Name: "unseen", Usage: "sign also what cannot be shown here"}),
		verb("finish", "", "complete a recovery whose timelock is over; anybody may", 0, 0, t.recoverFinish),
		verb("veto", "", "end a recovery, by root administrators, once", 0, 0, t.recoverVeto),
	)
}

func (t *tool) distrustCommand() *cli.Command {
	return verb("distrust", "ACCOUNT", "void what an account entered in a time and that permits something; revocations stay", 0, 1, t.distrust,
		&cli.BoolFlag{Name: "all", Usage: "what anybody entered"},
		&cli.StringFlag{Name: "from", Usage: "since `TIME`: 2026-11-22T10:00:00Z, or how long ago: 3h"},
		&cli.StringFlag{Name: "to", Usage: "until `TIME` (default: now)"})
}

func parseAccounts(list []string) (accounts []state.Address, err error) {
	for _, text := range list {
		for _, one := range strings.Split(text, ",") {
			a, err := parseAccount(one)
			if err != nil {
				return nil, err
			}
			accounts = append(accounts, a)
		}
	}
	return accounts, nil
}

func (t *tool) guardianSet(c *cli.Context) error {
	if c.Bool("nobody") != (c.NArg() == 0) {
		return usage("who?", "dpki guardian set ACCOUNT..., or --nobody")
	}
	list, err := parseAccounts(c.Args().Slice())
	if err != nil {
		return err
	}
	lock, err := admin.ParseDuration(c.String("timelock"))
	if err != nil {
		return err
	}
	var g state.Guardians
	if len(list) > 0 {
		// One alone is no default: it could freeze everybody, and only a change that takes weeks would end that.
		needed, final := len(list)/2+1, len(list)
		if c.IsSet("needed") {
			needed = c.Int("needed")
		}
		if c.IsSet("final") {
			final = c.Int("final")
		}
		if needed < 1 || needed > 16 || final < 1 || final > 16 {
			return usage("this many guardians are not possible", "--needed and --final are 1 to 16")
		}
		g = state.Guardians{Timelock: uint64(lock / time.Second), Needed: uint8(needed), Final: uint8(final), Accounts: list}
	}
	done := fmt.Sprintf("guardians are named: %d of %d freeze and recover", g.Needed, len(g.Accounts))
	if len(list) == 0 {
		done = "no guardians are named"
	}
	return t.write(c, done+"; those there were before stay for twice their timelock", func(d *admin.Desk) (*admin.Posted, error) {
		return d.SetGuardians(c.Context, g)
	})
}

// write does one thing and says that it is done.
func (t *tool) write(c *cli.Context, done string, do func(*admin.Desk) (*admin.Posted, error)) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	posted, err := do(d)
	if err != nil {
		return err
	}
	return t.show(map[string]any{"transaction": posted}, func() {
		if !t.dryRun {
			t.sayf("%s", done)
		}
		t.posted(posted)
	})
}

func (t *tool) guardianShow(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	g, err := d.Guardianship(c.Context)
	if err != nil {
		return err
	}
	return t.show(g, func() {
		if len(g.Guardians) == 0 {
			t.sayf("no guardians")
		} else {
			t.pairs("guardians", strings.Join(d.ShownAll(g.Guardians), ", "), "freeze, recover", fmt.Sprint(g.Needed), "without a veto", fmt.Sprint(g.Final), "timelock", g.Timelock)
		}
		when := func(at admin.Time) string {
			if at == 0 {
				return ""
			}
			return at.String()
		}
		t.pairs("epoch", fmt.Sprint(g.Epoch), "next", g.Next, "from", when(g.NextFrom), "recovery", g.Recovery, "new roots", strings.Join(d.ShownAll(g.Roots), ", "),
			"complete from", when(g.CompleteFrom), "vetoed", map[bool]string{true: "one was: the next needs all that --final says"}[g.Vetoed],
			"frozen until", when(g.FrozenUntil), "next freeze from", when(g.CoolUntil))
	})
}

func (t *tool) freeze(c *cli.Context) error {
	length, err := admin.ParseDuration(c.String("for"))
	if err != nil {
		return err
	}
	return t.write(c, "frozen for "+admin.Length(length), func(d *admin.Desk) (*admin.Posted, error) { return d.Freeze(c.Context, length) })
}

func (t *tool) recoverStart(c *cli.Context) error {
	roots, err := parseAccounts(c.StringSlice("root"))
	if err != nil {
		return err
	}
	if len(roots) == 0 {
		return usage("who shall be root?", "give --root ACCOUNT")
	}
	return t.write(c, "a recovery waits for its timelock; then: dpki recover finish", func(d *admin.Desk) (*admin.Posted, error) {
		return d.StartRecovery(c.Context, roots, c.Int("threshold"))
	})
}

func (t *tool) recoverFinish(c *cli.Context) error {
	return t.write(c, "recovered: all administrators of before are void", func(d *admin.Desk) (*admin.Posted, error) { return d.FinishRecovery(c.Context) })
}

func (t *tool) recoverVeto(c *cli.Context) error {
	return t.write(c, "the recovery is over; the next needs every guardian that --final asked for", func(d *admin.Desk) (*admin.Posted, error) { return d.VetoRecovery(c.Context) })
}

func (t *tool) distrust(c *cli.Context) error {
	var author state.Address
	var err error
	if c.Bool("all") == (c.NArg() == 1) {
		return usage("whom?", "dpki distrust ACCOUNT --from TIME, or dpki distrust --all --from TIME")
	}
	if !c.Bool("all") {
		if author, err = parseAccount(c.Args().First()); err != nil {
			return err
		}
	}
	if c.String("from") == "" {
		return usage("since when?", "give --from: 2026-11-22T10:00:00Z, or how long ago: 3h")
	}
	from, err := past(c.String("from"))
	if err != nil {
		return err
	}
	var to uint64
	if c.String("to") != "" {
		if to, err = past(c.String("to")); err != nil {
			return err
		}
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	posted, err := d.Distrust(c.Context, author, from, to)
	if err != nil {
		return err
	}
	made, err := d.MadeSince(c.Context, author, from, to)
	if err != nil {
		return err
	}
	return t.show(map[string]any{"transaction": posted, "made": made}, func() {
		if !t.dryRun {
			t.sayf("void is what was entered in that time and permits something")
		}
		t.posted(posted)
		for _, m := range made {
			t.notef("administrator %s (%s) was made by %s at %s and can still write: dpki admin revoke %s; dpki distrust %s --from %s",
				d.Shown(m.Account), m.Scope, d.Shown(m.By), m.Time, m.ID[:12], m.Account, m.Time)
		}
	})
}
