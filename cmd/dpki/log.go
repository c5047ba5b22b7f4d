package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"dpki/admin"
)

func (t *tool) logCommand() *cli.Command {
	return verb("log", "[DEVICE|ZONE]", "print the verified log in words, opened where this identity holds the keys", 0, 1, t.log,
		&cli.StringFlag{Name: "export", Usage: "write it to `DIR`/segments instead, as files for devices whose endpoints no longer serve old entries"})
}

func (t *tool) log(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	if dir := c.String("export"); dir != "" {
		return t.exportLog(c, d, dir)
	}
	lines, err := d.Log(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return t.show(lines, func() {
		var rows [][]string
		for _, l := range lines {
			final := ""
			if !l.Final {
				final = " (not final)"
			}
			rows = append(rows, []string{l.Time.String(), fmt.Sprint(l.Block), fmt.Sprintf("%s#%d", l.Scope, l.Seq), l.Author[:10], l.Action, l.Kind, l.Subject[:12], l.Text + final})
		}
		t.table([]string{"TIME", "BLOCK", "ENTRY", "BY", "ACTION", "KIND", "SUBJECT", "WHAT"}, rows, "nothing was entered")
	})
}

func (t *tool) exportLog(c *cli.Context, d *admin.Desk, dir string) error {
	r, err := d.ExportLog(c.Context, c.Args().First(), dir)
	if err != nil {
		return err
	}
	return t.show(r, func() {
		t.sayf("%s, %d of their entries final, in %s", plural(r.Logs, "log"), r.Entries, r.Folder)
		t.notef("%s written, %d unchanged; devices read them from a store of type folder, or from dpki mirror --dir %s", plural(r.Written, "segment"), r.Standing, dir)
	})
}
