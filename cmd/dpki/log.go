package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
)

func (t *tool) logCommand() *cli.Command {
	return verb("log", "[DEVICE|ZONE]", "print the verified log in words, opened where this identity holds the keys", 0, 1, t.log)
}

func (t *tool) log(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
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
