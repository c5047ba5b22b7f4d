package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"dpki/admin"
)

func (t *tool) rotateCommand() *cli.Command {
	return verb("rotate", "", "renew what ends soon: host certificates, policies, enrolments; for a timer", 0, 0, t.rotate,
		&cli.BoolFlag{Name: "due", Usage: "whatever has less than a third of its time left; what this account may not enter is listed and left"},
		&cli.StringFlag{Name: "each", Value: "30d", Usage: "how long one host certificate is valid: `DURATION`"},
		&cli.IntFlag{Name: "ahead", Value: 6, Usage: "certify `N` windows of a host ahead"})
}

func (t *tool) rotate(c *cli.Context) error {
	if !c.Bool("due") {
		return usage("rotate what?", "dpki rotate --due; a CA: dpki ca prepare; a zone's key: dpki zone rekey")
	}
	each, err := admin.ParseDuration(c.String("each"))
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	done, err := d.RotateDue(c.Context, admin.RotateDue{Windows: c.Int("ahead"), Each: each})
	if done == nil {
		return err
	}
	shown := t.show(done, func() {
		for _, r := range done.Rotations {
			what := fmt.Sprintf("%s of %s: %s", r.What, r.Name, r.Why)
			switch {
			case r.Left != "":
				t.sayf("left  %s; %s", what, r.Left)
			case t.dryRun:
				t.sayf("due  %s", what)
			case err == nil:
				t.sayf("renewed  %s", what)
			}
		}
		for _, p := range done.Posted {
			t.posted(p)
		}
		if len(done.Rotations) == 0 {
			t.notef("nothing is due")
		}
	})
	if err == nil {
		err = shown
	}
	return err
}
