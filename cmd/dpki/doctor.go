package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"dpki/admin"
)

func (t *tool) doctorCommand() *cli.Command {
	return verb("doctor", "", "look for what will go wrong: keys, clock, network, trust, stores, CAs, policy", 0, 0, t.doctor)
}

func (t *tool) doctor(c *cli.Context) error {
	h, conf, err := t.config()
	if err != nil {
		return err
	}
	checks := admin.CheckHome(h)
	d, err := t.open()
	switch {
	case err == nil:
		checks = append(checks, d.CheckUp(c.Context)...)
		signed, err := t.witnessChecks(c.Context, d.Network)
		if err != nil {
			return err
		}
		checks = append(checks, signed...)
	case len(conf.Organisations) > 0:
		checks = append(checks, admin.CheckOf("organisation", err))
	default:
		if conf.Network == "" && t.network == "" {
			checks = append(checks, admin.Check{What: "network", Standing: admin.Warn, Text: "no network is configured", Hint: "dpki network use FILE"})
		}
		checks = append(checks, admin.Check{What: "organisation", Standing: admin.Warn, Text: "there is none yet", Hint: "dpki org create NAME, or dpki org join ANCHOR"})
	}
	err = t.show(checks, func() {
		var rows [][]string
		for _, k := range checks {
			rows = append(rows, []string{string(k.Standing), k.What, k.Text})
			if k.Hint != "" {
				rows = append(rows, []string{"", "", "-> " + k.Hint})
			}
		}
		t.table([]string{"", "WHAT", "FOUND"}, rows, "nothing to look at")
	})
	bad := 0
	for _, k := range checks {
		if k.Standing == admin.Bad {
			bad++
		}
	}
	if err == nil && bad > 0 {
		return &admin.Problem{Class: admin.No, Text: fmt.Sprintf("%s found", plural(bad, "problem"))}
	}
	return err
}
