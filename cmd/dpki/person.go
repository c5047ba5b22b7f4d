package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
)

const nobodyEnrolled = "nobody is enrolled; they: dpki identity request ANCHOR, here: dpki person add REQUEST"

func (t *tool) personCommand() *cli.Command {
	return noun("person", "people who receive keys and files, and hold no power",
		verb("add", "REQUEST...", "enrol people by the requests that dpki identity request made", 1, -1, t.personAdd,
			&cli.StringFlag{Name: "zone", Usage: "put them into `ZONE` (default: the only one)"},
			&cli.StringSliceFlag{Name: "fingerprint", Usage: "expect this `FINGERPRINT`, as the person is shown it, instead of asking"}),
		verb("list", "", "list people", 0, 0, t.personList,
			&cli.StringFlag{Name: "zone", Usage: "only those of `ZONE`"},
			&cli.BoolFlag{Name: "all", Usage: "also retired ones"},
			&cli.BoolFlag{Name: "ready", Usage: "ask the network's mirrors who has received everything; no answer is never ready"}),
		verb("show", "PERSON", "print a person, the grants and what was delivered", 1, 1, t.personShow),
		verb("retire", "PERSON", "deliver nothing more, and have taken away what was delivered; says which grants go on", 1, 1, t.personRetire,
			&cli.BoolFlag{Name: "grants", Usage: "revoke the grants too"}),
		verb("replace", "PERSON REQUEST", "the same person on a new machine: the old one's keys end, the new one is given the same", 2, 2, t.personReplace,
			&cli.StringSliceFlag{Name: "fingerprint", Usage: "expect this `FINGERPRINT`, as the person is shown it, instead of asking"}),
	)
}

func (t *tool) personAdd(c *cli.Context) error {
	requests, err := readRequests(c.Args().Slice())
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	plan, err := d.PlanPeople(c.Context, admin.AddPeople{Zone: c.String("zone"), Requests: requests})
	if err != nil {
		return err
	}
	if err := t.comparePeople(plan, c.StringSlice("fingerprint")); err != nil {
		return err
	}
	added, err := d.AddPlannedPeople(c.Context, plan)
	if err != nil {
		return err
	}
	return t.show(added, func() {
		for _, e := range added.People {
			t.sayf("%s/%s %s, fingerprint %s", e.Zone, e.Name, t.enrolled(e.Already), e.Fingerprint)
		}
		t.posted(added.Posted)
	})
}

func (t *tool) enrolled(already bool) string {
	switch {
	case already:
		return "was enrolled before"
	case t.dryRun:
		return "would be enrolled"
	}
	return "enrolled"
}

// comparePeople has fingerprints compared: a request came over some channel, and
// the fingerprint is what the person was shown.
func (t *tool) comparePeople(plan []admin.PersonEnrolment, expected []string) error {
	if len(expected) > 0 {
		return admin.ExpectPeople(plan, expected)
	}
	var fresh []string
	for _, e := range plan {
		if !e.Already {
			t.notef("%s/%s  fingerprint %s  login key %s", e.Zone, e.Name, e.Fingerprint, orDash(e.LoginKey))
			fresh = append(fresh, e.Name)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return t.confirm("Was "+strings.Join(fresh, ", ")+" shown the same fingerprint?", "compare it with what dpki identity request printed there and give --fingerprint, or --yes")
}

func (t *tool) personList(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	list, err := d.People(c.Context, c.String("zone"), c.Bool("all") && !c.Bool("ready"))
	if err != nil {
		return err
	}
	if c.Bool("ready") {
		return t.personReadiness(c, d, list)
	}
	return t.show(list, func() {
		var rows [][]string
		for _, p := range list {
			standing := "enrolled"
			if p.Retired {
				standing = "retired"
			}
			rows = append(rows, []string{p.Zone + "/" + p.Name, standing, p.ID[:12], orDash(p.LoginKey)})
		}
		t.table([]string{"PERSON", "STANDING", "ID", "LOGIN KEY"}, rows, nobodyEnrolled)
	})
}

func (t *tool) personShow(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	p, err := d.Person(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return t.show(p, func() {
		retired := ""
		if p.Retired {
			retired = "yes"
		}
		t.pairs("person", p.Zone+"/"+p.Name, "id", p.ID, "login key", p.LoginKey, "fingerprint", p.Fingerprint, "retired", retired)
		for _, g := range p.Grants {
			t.sayf("%s", grantLine(g))
		}
		for _, v := range p.Deliveries {
			t.sayf("%s %s (%s), until %v", v.Purpose, v.Name, v.ID[:12], v.Until)
		}
	})
}

func grantLine(g *admin.Grant) string {
	return fmt.Sprintf("grant %s: %s on %s, until %v", g.ID[:12], g.Account, firstOf(g.Device, "every device of zone "+g.Zone), g.Until)
}

func (t *tool) personRetire(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	p, err := d.Person(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	if !p.Retired {
		if err := t.confirm(fmt.Sprintf("Retire %s/%s for ever? This identity is given nothing any more.", p.Zone, p.Name), "give --yes"); err != nil {
			return err
		}
	}
	r, err := d.RetirePerson(c.Context, p.ID, c.Bool("grants"))
	if err != nil {
		return err
	}
	return t.show(r, func() {
		what := "retired"
		switch {
		case t.dryRun:
			what = "would retire"
		case r.Already:
			what = "was retired before:"
		}
		t.sayf("%s %s/%s", what, r.Zone, r.Name)
		for _, g := range r.GrantsRevoked {
			t.sayf("revoked %s", grantLine(g))
		}
		for _, g := range r.Grants {
			t.sayf("goes on: %s", grantLine(g))
		}
		t.posted(r.Posted)
		if len(r.Grants) > 0 {
			t.notef("a key that was kept gets in until its grant ends: dpki person retire %s --grants revokes them", r.Name)
		}
	})
}

func (t *tool) personReplace(c *cli.Context) error {
	request, err := readRequest(c.Args().Get(1))
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	r, err := d.PlanReplacement(c.Context, c.Args().First(), request)
	if err != nil {
		return err
	}
	if err := t.comparePeople([]admin.PersonEnrolment{r.New}, c.StringSlice("fingerprint")); err != nil {
		return err
	}
	var waits *admin.WatchedError
	done := d.ReplacePerson(c.Context, r)
	if done != nil && !errors.As(done, &waits) {
		return done
	}
	shown := t.show(r, func() {
		t.sayf("%s/%s %s, fingerprint %s, in the place of %s", r.New.Zone, r.New.Name, t.enrolled(r.New.Already), r.New.Fingerprint, r.Old.ID[:12])
		for _, v := range r.Delivered {
			if v.Waits() {
				t.sayf("%s %s waits for watchdogs", v.Purpose, v.Name)
				continue
			}
			t.sayf("%s %s %s", map[bool]string{false: "delivered", true: "would deliver"}[t.dryRun], v.Purpose, v.Name)
		}
		for _, text := range r.ByHand {
			t.sayf("by hand: %s", text)
		}
		t.posted(r.Posted)
	})
	return cmp.Or(done, shown)
}
