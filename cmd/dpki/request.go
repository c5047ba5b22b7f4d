package main

import (
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/bundle"
)

func (t *tool) requestCommand() *cli.Command {
	c := verb("request", "DEVICE", "ask for a grant: as an entry that those who may grant see, or as a sealed file for one of them", 1, 2, t.request,
		&cli.StringFlag{Name: "account", Aliases: []string{"a"}, Usage: "`ACCOUNT` on the device"},
		&cli.StringFlag{Name: "for", Usage: "how long: `DURATION` as 15m, 8h; with approve: less than was asked for"},
		&cli.StringFlag{Name: "reason", Usage: "`TEXT` for who decides; it is sealed"},
		&cli.StringFlag{Name: "key", Usage: "public key `FILE` of who may log in (default: your own in ~/.ssh)"},
		&cli.StringFlag{Name: "expires", Usage: "nobody should grant it after `DURATION`", Value: "8h"},
		&cli.StringFlag{Name: "to", Usage: "seal it to the administrator whose recipient, age1pq1..., stands in `FILE`, and write it to --out; this needs no account and no network"},
		&cli.StringFlag{Name: "anchor", Usage: "with --to: the organisation's `ANCHOR` (default: the configured one)"},
		&cli.StringFlag{Name: "out", Usage: "`FILE` for the sealed request; with approve: for the certificate"},
		&cli.BoolFlag{Name: "pty", Usage: "ask for a terminal", Value: true},
		&cli.BoolFlag{Name: "sudo", Usage: "ask for sudo"},
		&cli.BoolFlag{Name: "port-forwarding", Usage: "ask for port forwarding"},
		&cli.StringSliceFlag{Name: "from", Usage: "with approve: only from these networks: `CIDR`"},
		&cli.BoolFlag{Name: "uncertified", Usage: "with approve: make no certificate: who holds the CA's key does it, by dpki ca certify"},
		&cli.BoolFlag{Name: "all", Usage: "with list: also those that are answered or expired"},
	)
	c.ArgsUsage = "DEVICE | zone:ZONE | list | show ID|FILE | approve ID|FILE | refuse ID"
	c.Description = "A request grants nothing. An entry takes an account that may enter REQUEST; a file takes an identity only."
	return c
}

// request is also the noun of list, show, approve and refuse: whoever has a
// device of that name writes ZONE/list.
func (t *tool) request(c *cli.Context) error {
	switch first, n := c.Args().First(), c.NArg(); {
	case first == "list" && n == 1:
		return t.requestList(c)
	case first == "show" && n == 2:
		return t.requestShow(c)
	case first == "approve" && n == 2:
		return t.requestApprove(c)
	case first == "refuse" && n == 2:
		return t.requestRefuse(c)
	case n == 2 || first == "list" || first == "show" || first == "approve" || first == "refuse":
		return usage("an argument is missing or too many", "dpki request DEVICE, dpki request list, dpki request show|approve ID|FILE, dpki request refuse ID")
	}
	a, err := t.ask(c)
	if err != nil {
		return err
	}
	if c.IsSet("to") {
		return t.requestFile(c, a)
	}
	if c.IsSet("out") || c.IsSet("anchor") {
		return usage("--out and --anchor go with --to RECIPIENT-FILE", "see dpki request --help")
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	r, err := d.RequestAccess(c.Context, a)
	if err != nil {
		return err
	}
	return t.show(r, func() {
		if !t.dryRun {
			t.printRequest(r)
		}
		t.posted(r.Posted)
	})
}

func (t *tool) ask(c *cli.Context) (a admin.Ask, err error) {
	if c.String("account") == "" || c.String("for") == "" {
		return a, usage("as which account, for how long?", "dpki request DEVICE --account ACCOUNT --for DURATION --reason TEXT")
	}
	if a.For, err = admin.ParseDuration(c.String("for")); err != nil {
		return a, err
	}
	if a.Expires, err = admin.ParseDuration(c.String("expires")); err != nil {
		return a, err
	}
	if a.Key, _, err = t.key(c.String("key")); err != nil {
		return a, err
	}
	a.Device, a.Account, a.Reason, a.Flags = c.Args().First(), c.String("account"), c.String("reason"), admin.GrantFlags(c.Bool)
	return a, nil
}

// requestFile needs an identity and an anchor: no account, no network.
func (t *tool) requestFile(c *cli.Context, a admin.Ask) error {
	if c.String("out") == "" {
		return usage("where to?", "give --out FILE")
	}
	text, err := home.Read(c.String("to"), 4<<10)
	var to bundle.Recipient
	if err == nil {
		to, err = bundle.ParseRecipient(strings.TrimSpace(string(text)))
	}
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: "the administrator's recipient cannot be read", Hint: "he writes it by dpki identity show --recipient > FILE", Err: err}
	}
	h, conf, err := t.config()
	if err != nil {
		return err
	}
	org, err := t.anchor(c, conf)
	if err != nil {
		return err
	}
	id, err := admin.LoadIdentity(h)
	if err != nil {
		return err
	}
	b, err := admin.SealRequest(id, org, to, a, time.Now())
	if err != nil {
		return err
	}
	if err := overOwn(c.String("out"), "age-encryption.org/"); err != nil {
		return err
	}
	if t.dryRun {
		return t.would("would write %s, %d bytes", c.String("out"), len(b))
	}
	if err := home.Publish(c.String("out"), b); err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the request could not be written", Hint: "name another FILE with --out", Err: err}
	}
	return t.show(map[string]any{"file": c.String("out"), "bytes": len(b)}, func() {
		t.sayf("%s asks for %s on %s for %s", c.String("out"), a.Account, a.Device, admin.Length(a.For))
		t.notef("send it by any way: it opens for that administrator alone, who answers by dpki request approve FILE")
	})
}

func (t *tool) printRequest(r *admin.Request) {
	since := ""
	if r.Since != 0 {
		since = r.Since.String()
	}
	t.pairs("request", r.ID, "on", r.Device, "account", r.Account, "for", r.For, "reason", r.Reason, "key", r.Key, "allows", strings.Join(r.Allows, ", "),
		"by", r.Asker(), "known as", r.Known, "since", since, "expires", r.Expires.String(), "standing", r.Standing)
}

func (t *tool) requestList(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	list, err := d.Requests(c.Context, c.Bool("all"))
	if err != nil {
		return err
	}
	return t.show(list, func() {
		var rows [][]string
		for _, r := range list {
			rows = append(rows, []string{r.ID[:12], r.Device, r.Account, r.For, r.Standing, r.Expires.String(), shortAuthors(r.By, r.ByNames), orDash(r.Reason)})
		}
		t.table([]string{"REQUEST", "ON", "ACCOUNT", "FOR", "STANDING", "EXPIRES", "BY", "REASON"}, rows, "nothing is asked for; --all shows what was answered")
	})
}

// named is the request of an identifier or a file.
func (t *tool) named(c *cli.Context) (*admin.Desk, *admin.Request, error) {
	d, err := t.open()
	if err != nil {
		return nil, nil, err
	}
	name := c.Args().Get(1)
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		b, err := home.Read(name, bundle.MaxBlock)
		if err != nil {
			return nil, nil, &admin.Problem{Class: admin.Usage, Text: "the request cannot be read", Hint: "name a file of dpki request --to", Err: err}
		}
		r, err := d.OpenRequest(c.Context, b)
		return d, r, err
	}
	r, err := d.FindRequest(c.Context, name)
	return d, r, err
}

func (t *tool) requestShow(c *cli.Context) error {
	_, r, err := t.named(c)
	if err != nil {
		return err
	}
	return t.show(r, func() { t.printRequest(r) })
}

func (t *tool) requestApprove(c *cli.Context) error {
	var a admin.Approval
	var err error
	if text := c.String("for"); text != "" {
		if a.For, err = admin.ParseDuration(text); err != nil {
			return err
		}
	}
	a.From, a.Uncertified = strings.Join(c.StringSlice("from"), ","), c.Bool("uncertified")
	if err := checkOut(c.String("out")); err != nil {
		return err
	}
	d, r, err := t.named(c)
	if err != nil {
		return err
	}
	if r.Standing == "open" {
		question, err := r.Question(a)
		if err != nil {
			return err
		}
		if err := t.confirm("Grant "+question+"?", "give --yes"); err != nil {
			return err
		}
	}
	granted, err := d.ApproveRequest(c.Context, r, a)
	return t.showGrantedOr(c, granted, err, "request-"+r.ID[:8])
}

func (t *tool) requestRefuse(c *cli.Context) error {
	d, r, err := t.named(c)
	if err != nil {
		return err
	}
	posted, err := d.RefuseRequest(c.Context, r)
	if err != nil {
		return err
	}
	return t.show(map[string]any{"id": r.ID, "transaction": posted}, func() {
		if !t.dryRun {
			t.sayf("refused request %s: %s on %s", r.ID[:12], r.Account, r.Device)
		}
		t.posted(posted)
	})
}
