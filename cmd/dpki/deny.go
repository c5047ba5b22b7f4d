package main

import (
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
)

func (t *tool) denyCommand() *cli.Command {
	return verb("deny", "KEY", "refuse a key everywhere, whatever is granted to it: a public key file or SHA256:...", 1, 1, t.deny,
		&cli.StringSliceFlag{Name: "zone", Usage: "only in `ZONE` (default: every zone)"},
		&cli.BoolFlag{Name: "clear", Usage: "in the organisation, with the key's hash readable by everybody: for who has no zone's key"},
		&cli.StringFlag{Name: "for", Usage: "for `DURATION`; a denial in a zone ends some time", Value: "399d"},
		&cli.BoolFlag{Name: "before-now", Usage: "only what was granted until now: later grants to the same key count"})
}

func (t *tool) deny(c *cli.Context) error {
	key, err := admin.ParseDenied(c.Args().First())
	if err != nil {
		return err
	}
	length, err := admin.ParseDuration(c.String("for"))
	if err != nil {
		return err
	}
	r := admin.DenyRequest{Key: key, Zones: c.StringSlice("zone"), Clear: c.Bool("clear"), For: length, BeforeNow: c.Bool("before-now")}
	if r.Clear && r.BeforeNow {
		return usage("--clear denies for ever", "leave out --before-now")
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	denied, err := d.Deny(c.Context, r)
	if err != nil {
		return err
	}
	return t.show(denied, func() {
		where := "in zone " + strings.Join(denied.Zones, ", ")
		if denied.Clear {
			where = "in the whole organisation"
		}
		switch {
		case denied.Already:
			t.sayf("key %s was denied %s before", denied.Key, where)
		case !t.dryRun:
			t.sayf("denied key %s %s until %s", denied.Key, where, denied.Until)
			t.sayf("undo: dpki revoke %s", denied.IDs[0][:12])
		}
		t.posted(denied.Posted)
	})
}
