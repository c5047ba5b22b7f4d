package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/bundle"
	"dpki/state"
)

func (t *tool) adminCommand() *cli.Command {
	return noun("admin", "who may write what, for how long",
		verb("add", "ACCOUNT", "give an account power, and its owner the keys that go with it", 1, 1, t.adminAdd,
			&cli.BoolFlag{Name: "root", Usage: "all power, without an end"},
			&cli.StringSliceFlag{Name: "put", Usage: "may enter these `KIND`s: GRANT, GRANT_PRIV, DENY, DEVICE, BATCH, ..."},
			&cli.StringSliceFlag{Name: "revoke", Usage: "may revoke these `KIND`s (default: those of --put)"},
			&cli.StringFlag{Name: "zone", Usage: "reaches only this `ZONE` and its devices"},
			&cli.StringFlag{Name: "for", Usage: "the power ends after `DURATION`"},
			&cli.StringFlag{Name: "member", Usage: "hand him the keys too: `FILE` of his dpki admin request"},
			&cli.StringFlag{Name: "fingerprint", Usage: "expect this `FINGERPRINT` of --member, as he is shown it, instead of asking"}),
		verb("list", "", "list administrators: power, scope, end", 0, 0, t.adminList,
			&cli.BoolFlag{Name: "all", Usage: "also those that are revoked, expired or replaced"}),
		verb("revoke", "ACCOUNT|ID", "take an administrator's power away; what he entered stays", 1, 1, t.adminRevoke),
		verb("request", "NAME", "ask to be handed the organisation's keys: a file for dpki admin add --member", 1, 1, t.adminRequest,
			&cli.StringFlag{Name: "anchor", Usage: "the organisation's `ANCHOR` (default: the configured one)"},
			&cli.StringFlag{Name: "account", Usage: "`ACCOUNT` that is to have the power (default: the one of this chain key)"},
			&cli.StringFlag{Name: "out", Usage: "write to `FILE`", Value: "member.request"}),
	)
}

func (t *tool) adminAdd(c *cli.Context) error {
	account, err := parseAccount(c.Args().First())
	if err != nil {
		return err
	}
	n := admin.NewAdmin{Account: account, Root: c.Bool("root"), Zone: c.String("zone"), Puts: c.StringSlice("put"), Revokes: c.StringSlice("revoke")}
	if text := c.String("for"); text != "" {
		if n.For, err = admin.ParseDuration(text); err != nil {
			return err
		}
	}
	if file := c.String("member"); file != "" {
		if n.Member, err = t.memberRequest(file, c.String("fingerprint")); err != nil {
			return err
		}
	}
	if n.Member != nil && n.Member.Account == "" {
		t.notef("the request of %s names no account (an older dpki made it): ask %s whether %s is the right one", n.Member.Name, n.Member.Name, account)
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	posted, err := d.AddAdmin(c.Context, n)
	if err != nil {
		return err
	}
	return t.show(map[string]any{"account": account, "transaction": posted}, func() {
		if !t.dryRun {
			t.sayf("administrator %s", account)
			t.notef("where that account is, once: dpki org join %s", d.Anchor)
		}
		t.posted(posted)
	})
}

func parseAccount(text string) (state.Address, error) {
	a, err := state.ParseAddress(text)
	if err != nil {
		return a, &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("%.60q is no account", text), Hint: "write 0x and 40 hex digits, as dpki identity show prints it", Err: err}
	}
	return a, nil
}

// memberRequest has the fingerprint compared: the file came over some channel.
func (t *tool) memberRequest(file, expected string) (*bundle.Request, error) {
	text, err := home.Read(file, bundle.MaxBlock)
	var r *bundle.Request
	if err == nil {
		r, err = bundle.ParseRequest(text)
	}
	if err != nil {
		return nil, &admin.Problem{Class: admin.Usage, Text: "the member's request cannot be read", Hint: "he makes it with dpki admin request NAME", Err: err}
	}
	switch {
	case expected == "":
		return r, t.confirm(fmt.Sprintf("Is %s shown the fingerprint %s?", r.Name, r.Fingerprint()), "compare it with what dpki admin request printed there and give --fingerprint, or --yes")
	case !strings.EqualFold(expected, r.Fingerprint()):
		return nil, &admin.Problem{Class: admin.No, Text: fmt.Sprintf("the request of %s has fingerprint %s", r.Name, r.Fingerprint()), Hint: "somebody may have changed it on its way: have it sent again"}
	}
	return r, nil
}

func (t *tool) adminList(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	list, err := d.Admins(c.Context, c.Bool("all"))
	if err != nil {
		return err
	}
	return t.show(list, func() {
		var rows [][]string
		for _, a := range list {
			may := "root"
			if !a.Root {
				may = "puts " + orDash(strings.Join(a.Puts, ",")) + " revokes " + orDash(strings.Join(a.Revokes, ","))
			}
			rows = append(rows, []string{a.ID[:12], admin.Beside(a.Account, a.Name), a.Scope, a.Standing, a.Until.String(), may})
		}
		t.table([]string{"ID", "ACCOUNT", "SCOPE", "STANDING", "UNTIL", "MAY"}, rows, "nobody; --all shows those of before")
	})
}

func (t *tool) adminRevoke(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	posted, gone, err := d.RevokeAdmin(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return t.show(map[string]any{"revoked": gone, "transaction": posted}, func() {
		for _, a := range gone {
			if !t.dryRun {
				t.sayf("revoked administrator %s, %s", admin.Beside(a.Account, a.Name), a.ID[:12])
			}
		}
		t.posted(posted)
		t.notef("what this account entered stays: dpki distrust ACCOUNT --from TIME voids what it permitted")
		t.notef("what is sealed with the keys that were handed over can still be read: dpki zone rekey ZONE, of each; the new ones go to who has power")
	})
}

// adminRequest needs an identity, an account and an anchor: no network.
func (t *tool) adminRequest(c *cli.Context) error {
	h, conf, err := t.config()
	if err != nil {
		return err
	}
	a, err := t.anchor(c, conf)
	if err != nil {
		return err
	}
	id, err := admin.LoadIdentity(h)
	if err != nil {
		return err
	}
	account, err := requestAccount(c, h)
	if err != nil {
		return err
	}
	r, err := id.NewAdminRequest(a, c.Args().First(), account)
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: "the request cannot be made", Hint: "names have 1 to 63 of a-z 0-9 . _ -", Err: err}
	}
	text, err := r.Marshal()
	if err != nil {
		return err
	}
	if err := overOwn(c.String("out"), string(text[:len(`{"version":1,"anchor":`)])); err != nil {
		return err
	}
	if !t.dryRun {
		err = home.Replace(c.String("out"), text) // it holds the mailbox's secret
	}
	if err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the request could not be written", Hint: "name another FILE with --out", Err: err}
	}
	return t.show(map[string]any{"file": c.String("out"), "fingerprint": r.Fingerprint(), "account": r.Account}, func() {
		t.sayf("%s, fingerprint %s", c.String("out"), r.Fingerprint())
		t.notef("send it to an administrator by a way that others cannot read, and the fingerprint by another")
	})
}

// requestAccount is the account that a request says is its author's.
func requestAccount(c *cli.Context, h home.Home) (state.Address, error) {
	if text := c.String("account"); text != "" {
		return parseAccount(text)
	}
	return admin.Account(h)
}

// past reads a time: RFC 3339, or how long ago.
func past(text string) (uint64, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil && at.Unix() >= 0 {
		return uint64(at.Unix()), nil
	}
	ago, err := admin.ParseDuration(text)
	if err != nil {
		return 0, usage(fmt.Sprintf("%.40q is no time", text), "write 2026-11-22T10:00:00Z, or how long ago: 3h, 2d")
	}
	return uint64(max(time.Now().Add(-ago).Unix(), 0)), nil
}
