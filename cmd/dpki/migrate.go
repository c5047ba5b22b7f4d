package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/internal/anchor"
	"dpki/state"
)

func (t *tool) migrateVerb() *cli.Command {
	return verb("migrate", "[ANCHOR]", "say where the organisation goes on, or with --back where it comes from; without ANCHOR print how both sides stand", 0, 1, t.migrate,
		&cli.BoolFlag{Name: "veto", Usage: "by guardians: end a pointer whose delay is not over"},
		&cli.BoolFlag{Name: "back", Usage: "this organisation succeeds that of ANCHOR; each must point to the other"})
}

func (t *tool) adoptVerb() *cli.Command {
	return verb("adopt", "NAME|ANCHOR", "enrol the devices of the organisation that this one succeeds (--org names the successor); they follow without being touched", 1, 1, t.adopt)
}

// migration is the JSON of `network migrate` without ANCHOR.
type migration struct {
	*admin.Pointers
	Other *admin.Succession `json:"succession,omitempty"`
}

func (t *tool) migrate(c *cli.Context) error {
	if c.Bool("veto") {
		if c.NArg() > 0 || c.Bool("back") {
			return usage("which?", "dpki network migrate --veto, and nothing else")
		}
		return t.write(c, "the organisation goes on nowhere else", func(d *admin.Desk) (*admin.Posted, error) { return d.VetoPointer(c.Context) })
	}
	if c.NArg() == 0 {
		return t.showMigration(c.Context)
	}
	to, err := admin.ParseAnchor(c.Args().First())
	if err != nil {
		return err
	}
	way, done := state.Successor, "the organisation goes on there after the guardians' timelock, if that one points back: dpki network migrate ANCHOR --back"
	if c.Bool("back") {
		way, done = state.Predecessor, "the organisation succeeds that one, if that one points here; dpki org adopt enrols its devices"
	}
	return t.write(c, done, func(d *admin.Desk) (*admin.Posted, error) { return d.Point(c.Context, way, to) })
}

func (t *tool) showMigration(ctx context.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	p, err := d.Pointers(ctx)
	if err != nil {
		return err
	}
	shown := migration{Pointers: p}
	if to, ok := p.Points(); ok {
		next, err := t.openOther(to)
		if err == nil {
			shown.Other, err = d.Succession(ctx, next)
		}
		if err != nil {
			t.notef("the other side cannot be read: %v", err)
		}
	}
	return t.show(shown, func() {
		from := ""
		if p.From != 0 {
			from = p.From.String()
		}
		if *p == (admin.Pointers{}) {
			t.notef("the organisation points to no other")
		}
		t.pairs("goes on as", p.Successor, "comes from", p.Predecessor, "will go on as", p.Waits, "from", from)
		if o := shown.Other; o != nil {
			answer := "no: dpki network migrate ANCHOR --back there"
			if o.Answers {
				answer = "since " + o.Since.String()
			}
			t.pairs("points back", answer, "devices", fmt.Sprintf("%s, of which %d adopted there, %d have moved; %d without a receipt", plural(o.Devices, "device"), o.Adopted, o.Moved, o.Silent))
		}
	})
}

// openOther opens another organisation: one that is known here, or one on the
// chain and contract that are in use.
func (t *tool) openOther(a anchor.Anchor) (*admin.Desk, error) {
	h, c, err := t.config()
	if err != nil {
		return nil, err
	}
	network := ""
	for _, o := range c.Organisations {
		if o.Anchor == a {
			network = o.Network
		}
	}
	if network == "" {
		_, o, err := t.organisation(c)
		if err != nil {
			return nil, err
		}
		network = o.Network
	}
	n, err := loadNetwork(h, network)
	if err != nil {
		return nil, err
	}
	if n.Registry() != a.Registry {
		return nil, usage(fmt.Sprintf("organisation %s is on another chain or contract, and is not known here", a.Org.String()[:12]), "dpki org join "+a.String()+" --network FILE")
	}
	mine := t.desk
	defer func() { t.desk = mine }() // whose warnings are printed
	return t.openDesk(h, n, a)
}

func (t *tool) adopt(c *cli.Context) error {
	_, conf, err := t.config()
	if err != nil {
		return err
	}
	before, err := predecessor(conf, c.Args().First())
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	from, err := t.openOther(before)
	if err != nil {
		return err
	}
	all, err := d.Adopt(c.Context, from)
	if err != nil {
		return err
	}
	return t.show(all, func() {
		for _, a := range all {
			made := ""
			if a.Made {
				made = ", a new zone"
			}
			t.sayf("%s of zone %s%s, %d of them enrolled before", plural(a.Devices, "device"), a.Zone, made, a.Already)
			for _, p := range a.Posted {
				t.posted(p)
			}
		}
		if len(all) == 0 {
			t.notef("that organisation has no zone")
		}
		t.notef("authorities, grants and denials are not carried over: enter them here")
	})
}

func predecessor(c home.Config, name string) (anchor.Anchor, error) {
	if o, ok := c.Organisations[name]; ok {
		return o.Anchor, nil
	}
	return admin.ParseAnchor(name)
}
