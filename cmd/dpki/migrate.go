package main

import (
	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/state"
)

func (t *tool) migrateVerb() *cli.Command {
	return verb("migrate", "[ANCHOR]", "say where the organisation goes on, or with --back where it comes from; without ANCHOR print both", 0, 1, t.migrate,
		&cli.BoolFlag{Name: "back", Usage: "this organisation succeeds that of ANCHOR; each must point to the other"})
}

func (t *tool) migrate(c *cli.Context) error {
	if c.NArg() == 0 {
		d, err := t.open()
		if err != nil {
			return err
		}
		p, err := d.Pointers(c.Context)
		if err != nil {
			return err
		}
		return t.show(p, func() {
			from := ""
			if p.From != 0 {
				from = p.From.String()
			}
			if *p == (admin.Pointers{}) {
				t.notef("the organisation points to no other")
			}
			t.pairs("goes on as", p.Successor, "comes from", p.Predecessor, "will go on as", p.Waits, "from", from)
		})
	}
	to, err := admin.ParseAnchor(c.Args().First())
	if err != nil {
		return err
	}
	way, done := state.Successor, "the organisation goes on there after the guardians' timelock, if that one points back: dpki network migrate ANCHOR --back"
	if c.Bool("back") {
		way, done = state.Predecessor, "the organisation succeeds that one, if that one points here"
	}
	return t.write(c, done, func(d *admin.Desk) (*admin.Posted, error) { return d.Point(c.Context, way, to) })
}
