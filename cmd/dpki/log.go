package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
)

func (t *tool) logCommand() *cli.Command {
	return verb("log", "[DEVICE|PERSON|ZONE]", "print the verified log in words, opened where this identity holds the keys", 0, 1, t.log,
		&cli.StringFlag{Name: "export", Usage: "write it to `FILE` instead, with proofs, for somebody who believes neither you nor an endpoint"},
		&cli.StringFlag{Name: "verify", Usage: "check such a `FILE`, without network, keys or configuration"},
		&cli.StringFlag{Name: "anchor", Usage: "with --verify: the organisation's `ANCHOR`, from elsewhere than the file"},
		&cli.StringFlag{Name: "block", Usage: "with --verify: the `HASH` of the file's block, from a node that you trust"},
		&cli.StringSliceFlag{Name: "witness", Usage: "with --verify: `KEY` of a witness that you trust; may be repeated"},
		&cli.IntFlag{Name: "agree", DefaultText: "all", Usage: "with --verify: `N` of the witnesses must have signed"},
		&cli.StringSliceFlag{Name: "open", Usage: "with --verify: show what one entry says, by `ID:KEY`; may be repeated"},
		&cli.StringFlag{Name: "disclose", Usage: "print ID:KEY of the sealed entry `ID`: whoever has it reads that entry, and no other"},
		&cli.StringFlag{Name: "segments", Usage: "write it to `DIR`/segments instead, as files for devices whose endpoints no longer serve old entries"})
}

// logForms are the flags that make log do something else than print.
var logForms = []string{"export", "verify", "disclose", "segments"}

func (t *tool) log(c *cli.Context) error {
	var form string
	for _, f := range logForms {
		if !c.IsSet(f) {
			continue
		}
		if form != "" {
			return usage("--"+form+" and --"+f+" exclude each other", "give one")
		}
		form = f
	}
	if form != "verify" {
		for _, f := range []string{"anchor", "block", "witness", "agree", "open"} {
			if c.IsSet(f) {
				return usage("--"+f+" goes with --verify FILE", "see dpki log --help")
			}
		}
	} else {
		return t.verifyLog(c)
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	switch form {
	case "export":
		return t.proveLog(c, d)
	case "disclose":
		return t.disclose(c, d)
	case "segments":
		return t.exportSegments(c, d)
	}
	lines, err := d.Log(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return t.show(lines, func() { t.logLines(lines, true) })
}

// logLines prints entries. finality is known only to who asks endpoints.
func (t *tool) logLines(lines []admin.LogLine, finality bool) {
	var rows [][]string
	for _, l := range lines {
		text := l.Text
		if finality && !l.Final {
			text += " (not final)"
		}
		rows = append(rows, []string{l.Time.String(), fmt.Sprint(l.Block), fmt.Sprintf("%s#%d", l.Scope, l.Seq), shortAuthors(l.Author, l.AuthorNames), l.Action, l.Kind, l.Subject[:12], text})
	}
	t.table([]string{"TIME", "BLOCK", "ENTRY", "BY", "ACTION", "KIND", "SUBJECT", "WHAT"}, rows, "nothing was entered")
}

// shortAuthors is the beginning of each account, and its name.
func shortAuthors(all string, names []string) string {
	list := strings.Split(all, ",")
	for i := range list {
		list[i] = list[i][:min(10, len(list[i]))]
		if i < len(names) {
			list[i] = admin.Beside(list[i], names[i])
		}
	}
	return strings.Join(list, ",")
}

func (t *tool) exportSegments(c *cli.Context, d *admin.Desk) error {
	dir := c.String("segments")
	r, err := d.ExportLog(c.Context, c.Args().First(), dir)
	if err != nil {
		return err
	}
	return t.show(r, func() {
		t.sayf("%s, %d of their entries final, in %s", plural(r.Logs, "log"), r.Entries, r.Folder)
		t.notef("%s written, %d unchanged; devices read them from a store of type folder, or from dpki mirror --dir %s", plural(r.Written, "segment"), r.Standing, dir)
	})
}
