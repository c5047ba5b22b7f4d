package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/state"
)

func (t *tool) zoneCommand() *cli.Command {
	return noun("zone", "groups of devices that share keys and rules",
		verb("create", "NAME", "make a zone", 1, 1, t.zoneCreate),
		verb("list", "", "list the zones", 0, 0, t.zoneList),
		verb("show", "NAME", "print a zone", 1, 1, t.zoneShow),
		verb("rekey", "NAME", "give a zone another key: devices that were retired read nothing new", 1, 1, t.zoneRekey),
		verb("policy", "NAME", "print a zone's policy, or write a new one that replaces the last", 1, 1, t.zonePolicy, watchdogFlags(
			&cli.StringSliceFlag{Name: "mode", Usage: "let in by `MODE`: certificate-and-grant (default), granted-key, certificate-only"},
			&cli.StringFlag{Name: "offline", Usage: "unprivileged logins go on for `DURATION` without news (default 1d)"},
			&cli.StringFlag{Name: "fresh", Usage: "privileged logins need news younger than `DURATION` (default 1m)"},
			&cli.StringSliceFlag{Name: "privileged", Usage: "`ACCOUNT`s beside root that only a privileged grant opens"},
			&cli.StringFlag{Name: "for", Usage: "valid for `DURATION`; renew in time", Value: "399d"})...),
	)
}

func (t *tool) zoneCreate(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	z, err := d.CreateZone(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return t.show(z, func() {
		if !t.dryRun {
			t.printZone(z)
		}
		t.posted(z.Posted)
	})
}

func (t *tool) zoneList(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	list, err := d.Zones(c.Context)
	if err != nil {
		return err
	}
	if list == nil {
		list = []admin.Zone{}
	}
	return t.show(list, func() {
		var rows [][]string
		for _, z := range list {
			rows = append(rows, []string{z.Name, fmt.Sprint(z.Devices), fmt.Sprint(z.CAs), z.ID[:12]})
		}
		t.table([]string{"ZONE", "DEVICES", "CAS", "ID"}, rows, "there is no zone; dpki zone create NAME")
	})
}

func (t *tool) zoneShow(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	z, err := d.Zone(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return t.show(z, func() { t.printZone(z) })
}

func (t *tool) zoneRekey(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	r, err := d.RekeyZone(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return t.show(r, func() {
		if !t.dryRun {
			t.sayf("zone %s has key %d now, handed to %s", r.Zone, r.Key, plural(r.Devices, "device"))
		}
		t.posted(r.Posted)
	})
}

func (t *tool) zonePolicy(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	if !slices.ContainsFunc([]string{"mode", "offline", "fresh", "privileged", "watchdog", "cosigners", "cosigned"}, c.IsSet) {
		z, err := d.Zone(c.Context, c.Args().First())
		if err != nil {
			return err
		}
		return t.show(z.Policy, func() { t.printPolicy(z.Policy) })
	}
	p, length, err := policyFlags(c)
	if err != nil {
		return err
	}
	before, err := d.Zone(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	z, err := d.SetPolicy(c.Context, c.Args().First(), p, length)
	if err != nil {
		return err
	}
	t.noteDefaults(c, before.Policy, z.Policy)
	return t.show(z, func() {
		if !t.dryRun {
			t.printPolicy(z.Policy)
		}
		t.posted(z.Posted)
	})
}

// noteDefaults names what a new policy has taken back because no flag repeated it.
func (t *tool) noteDefaults(c *cli.Context, before, after admin.Policy) {
	for _, p := range []struct{ flag, name, was, is string }{
		{"mode", "login by", strings.Join(before.Modes, ", "), strings.Join(after.Modes, ", ")},
		{"offline", "offline", before.Offline, after.Offline}, {"fresh", "fresh", before.Fresh, after.Fresh},
		{"privileged", "privileged", strings.Join(before.Privileged, ", "), strings.Join(after.Privileged, ", ")},
		{"watchdog", "co-signed", cosigned(before), cosigned(after)},
	} {
		if p.is == "" {
			p.is = "nothing"
		}
		if !c.IsSet(p.flag) && p.was != p.is && p.was != "" {
			t.notef("%s is %s again, it was %s: each writing replaces the whole policy", p.name, p.is, p.was)
		}
	}
}

func policyFlags(c *cli.Context) (p state.Policy, length time.Duration, err error) {
	if p.Modes, err = admin.ParseModes(c.StringSlice("mode")); err != nil {
		return p, 0, err
	}
	for _, f := range []struct {
		name string
		to   *uint32
	}{{"offline", &p.Offline}, {"fresh", &p.Fresh}} {
		if !c.IsSet(f.name) {
			continue
		}
		v, err := admin.ParseDuration(c.String(f.name))
		if err != nil {
			return p, 0, err
		}
		if v/time.Second > 1<<31 {
			return p, 0, usage("--"+f.name+" is too long", "a week is 1w")
		}
		*f.to = uint32(v / time.Second)
	}
	p.Privileged = slices.Clone(c.StringSlice("privileged"))
	slices.Sort(p.Privileged)
	p.Privileged = slices.Compact(p.Privileged)
	if p.Watchdogs, err = admin.ParseWatchdogs(c.Int("cosigners"), c.StringSlice("watchdog"), c.StringSlice("cosigned")); err != nil {
		return p, 0, err
	}
	length, err = admin.ParseDuration(c.String("for"))
	return p, length, err
}

func (t *tool) printZone(z *admin.Zone) {
	t.pairs(append([]string{"zone", z.Name, "id", z.ID, "devices", fmt.Sprint(z.Devices), "live CAs", fmt.Sprint(z.CAs), "keys", fmt.Sprint(z.Keys)},
		policyLines(z.Policy)...)...)
}

func (t *tool) printPolicy(p admin.Policy) { t.pairs(policyLines(p)...) }

func policyLines(p admin.Policy) []string {
	return []string{"login by", strings.Join(p.Modes, ", "), "offline", p.Offline, "fresh", p.Fresh, "privileged", strings.Join(p.Privileged, ", "), "co-signed", cosigned(p)}
}

// cosigned says which deliveries watchdogs must sign, in one line.
func cosigned(p admin.Policy) string {
	var lines []string
	for _, d := range p.Cosigned {
		lines = append(lines, d.String())
	}
	return strings.Join(lines, "; and ")
}
