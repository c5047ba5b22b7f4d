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

func (t *tool) deliverCommand() *cli.Command {
	missing := &cli.BoolFlag{Name: "missing", Usage: "only to those who have none in force: goes on where a run was interrupted"}
	length := func(def string) cli.Flag {
		return &cli.StringFlag{Name: "for", Value: def, Usage: "how long it may be fetched and used: `DURATION`"}
	}
	return noun("deliver", "keys, certificates and files to devices and people, encrypted to each",
		verb("user-key", "RECIPIENT...", "a login elsewhere: a grant, and the certificate for it", 1, -1, t.deliverUserKey, slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: "on", Usage: "`DEVICE` to log in to, or zone:ZONE"},
			&cli.StringFlag{Name: "account", Aliases: []string{"a"}, Usage: "`ACCOUNT` there"},
			length(""),
			&cli.StringFlag{Name: "key", Usage: "the recipient's own public key `FILE`, of which only a certificate travels (default: the one that a person was enrolled with)"},
			&cli.StringFlag{Name: "cert", Usage: "deliver the certificate that dpki ca certify wrote to `FILE`, for a grant that stands: with --name alone"},
			&cli.BoolFlag{Name: "make-key", Usage: "make a pair here for each; it is kept nowhere but with the recipient"},
			&cli.StringFlag{Name: "name", Usage: "call the key `NAME` (default: DEVICE-ACCOUNT)"},
			&cli.StringFlag{Name: "command", Usage: "only to run `CMD`"}, missing,
		}, allowFlags())...),
		verb("host-cert", "DEVICE...", "host certificates for the key that the device has", 1, -1, t.deliverHost,
			&cli.StringFlag{Name: "each", Value: "30d", Usage: "how long one certificate is valid: `DURATION`"},
			&cli.IntFlag{Name: "ahead", Value: 6, Usage: "certify `N` windows ahead; each begins before the last one ends"},
			&cli.BoolFlag{Name: "new-key", Usage: "make a new host key here; it is kept nowhere but on the device"}, missing),
		verb("ca", "RECIPIENT...", "the live CAs of the recipient's zone, for programs beside sshd", 1, -1, t.deliverCA,
			&cli.StringFlag{Name: "use", Value: "host", Usage: "CAs for `USE`: user or host"},
			&cli.StringFlag{Name: "name", Value: admin.HostCAs, Usage: "call the file `NAME`"}, length("365d"), missing),
		verb("files", "RECIPIENT...", "a set of files, which replaces the last of its name", 1, -1, t.deliverFiles,
			&cli.StringFlag{Name: "name", Usage: "call the set `NAME`: the device's deliveries.toml says where it goes"},
			&cli.StringSliceFlag{Name: "path", Usage: "a file, or a folder with all in it: `PATH`"},
			&cli.BoolFlag{Name: "comparable", Usage: "watchdogs can compare the files with their own (dpki watch show --compare); who sees their file can then guess at short contents"},
			length("365d"), missing),
		verb("list", "[RECIPIENT...]", "what was delivered", 0, -1, t.deliverList),
	)
}

// delivering reads what every deliver command takes.
func (t *tool) delivering(c *cli.Context, length time.Duration) admin.Delivering {
	return admin.Delivering{To: c.Args().Slice(), For: length, Missing: c.Bool("missing"), Comparable: c.Bool("comparable"), Progress: func(done, all int) {
		if done < all {
			t.notef("%d of %d", done, all)
		}
	}}
}

func (t *tool) deliverUserKey(c *cli.Context) error {
	if c.IsSet("cert") {
		return t.deliverCertificate(c)
	}
	switch {
	case c.String("on") == "" || c.String("account") == "" || c.String("for") == "":
		return usage("to log in where, as whom, for how long?", "give --on DEVICE --account ACCOUNT --for DURATION")
	case c.String("key") != "" && c.Bool("make-key"):
		return usage("whose key?", "give --key FILE with the recipient's public key, or --make-key to make a pair here")
	}
	length, err := admin.ParseDuration(c.String("for"))
	if err != nil {
		return err
	}
	r := admin.DeliverUserKey{Delivering: t.delivering(c, length), Name: c.String("name"), MakeKey: c.Bool("make-key"), Grant: admin.GrantRequest{
		Targets: []string{c.String("on")}, Account: c.String("account"), From: strings.Join(c.StringSlice("from"), ","),
		Command: c.String("command"), Flags: admin.GrantFlags(c.Bool), Label: c.String("label"),
	}}
	if path := c.String("key"); path != "" {
		if r.Grant.Key, err = admin.ReadPublicKey(path); err != nil {
			return err
		}
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	return t.showDeliveries(d.DeliverUserKey(c.Context, r))
}

// deliverCertificate takes all but the key's name from the certificate's grant.
func (t *tool) deliverCertificate(c *cli.Context) error {
	for _, f := range c.Command.Flags {
		if name := f.Names()[0]; c.IsSet(name) && !slices.Contains([]string{"cert", "name", "missing"}, name) {
			return usage("--cert says what was granted, and --"+name+" cannot change it", "grant anew: dpki grant --uncertified")
		}
	}
	cert, err := admin.ReadCertificate(c.String("cert"))
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	return t.showDeliveries(d.DeliverCertificate(c.Context, admin.DeliverCertificate{Delivering: t.delivering(c, 0), Name: c.String("name"), Cert: cert}))
}

func (t *tool) deliverHost(c *cli.Context) error {
	each, err := admin.ParseDuration(c.String("each"))
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	return t.showDeliveries(d.DeliverHostCertificate(c.Context, admin.DeliverHostCertificate{
		Delivering: t.delivering(c, 0), Windows: c.Int("ahead"), Each: each, NewKey: c.Bool("new-key"),
	}))
}

func (t *tool) deliverCA(c *cli.Context) error {
	length, err := admin.ParseDuration(c.String("for"))
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	return t.showDeliveries(d.DeliverCA(c.Context, admin.DeliverCA{Delivering: t.delivering(c, length), Name: c.String("name"), Use: c.String("use")}))
}

func (t *tool) deliverFiles(c *cli.Context) error {
	length, err := admin.ParseDuration(c.String("for"))
	if err != nil {
		return err
	}
	if !state.ValidName(c.String("name")) || len(c.StringSlice("path")) == 0 {
		return usage("which files, under which name?", "give --name NAME and --path PATH, once or more often")
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	return t.showDeliveries(d.DeliverFiles(c.Context, admin.DeliverFiles{Delivering: t.delivering(c, length), Name: c.String("name"), Paths: c.StringSlice("path")}))
}

// showDeliveries also shows what was done before an error.
func (t *tool) showDeliveries(out *admin.Deliveries, err error) error {
	if out == nil {
		return err
	}
	shown := t.show(out, func() {
		for _, v := range out.Deliveries {
			switch {
			case v.Skipped:
				t.sayf("%s has %s %s already", v.To, v.Purpose, v.Name)
			case v.Waits():
				t.sayf("%s %s for %s waits for watchdogs", v.Purpose, v.Name, v.To)
			case t.dryRun:
				t.sayf("would deliver %s %s to %s", v.Purpose, v.Name, v.To)
			default:
				t.sayf("delivered %s %s to %s (%s), until %v", v.Purpose, v.Name, v.To, v.ID[:12], v.Until)
			}
		}
		for _, p := range out.Posted {
			t.posted(p)
		}
	})
	if err == nil {
		err = shown
	}
	return err
}

func (t *tool) deliverList(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	list, err := d.ListDeliveries(c.Context, c.Args().Slice())
	if err != nil {
		return err
	}
	return t.show(list, func() {
		var rows [][]string
		for _, v := range list {
			rows = append(rows, []string{v.To, v.Purpose, orDash(v.Name), v.Standing, fmt.Sprint(v.Until), v.ID[:12]})
		}
		t.table([]string{"TO", "WHAT", "NAME", "STANDING", "UNTIL", "ID"}, rows, "nothing was delivered")
	})
}
