package main

import (
	"cmp"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"dpki/admin"
)

func (t *tool) caCommand() *cli.Command {
	zone := &cli.StringFlag{Name: "zone", Usage: "`ZONE` (default: the only one)"}
	length := &cli.StringFlag{Name: "for", Usage: "valid for `DURATION`", Value: "365d"}
	host := &cli.BoolFlag{Name: "host", Usage: "it certifies hosts, not users"}
	return noun("ca", "certificate authorities of a zone",
		verb("create", "LABEL", "make a CA's key, encrypted, and announce it in the zone", 1, 1, t.caCreate, zone, length, host),
		verb("import", "LABEL FILE", "announce a key that exists: a private key file, or a .pub file whose private half is in an ssh-agent", 2, 2, t.caImport, zone, length, host,
			&cli.BoolFlag{Name: "elsewhere", Usage: "somebody else holds the private half: he certifies what is granted here (dpki ca certify)"}),
		verb("prepare", "LABEL", "make a CA that is trusted at once and signs only when it is activated", 1, 1, t.caPrepare, zone, length, host),
		verb("activate", "LABEL", "have a prepared CA sign, once every device has said that it trusts it", 1, 1, t.caActivate, zone,
			&cli.BoolFlag{Name: "anyway", Usage: "also if devices have not said so"}),
		verb("certify", "GRANT", "make the certificate of a grant that somebody else has entered; needs the CA's key and no power", 1, 1, t.caCertify,
			&cli.StringFlag{Name: "key", Usage: "public key `FILE` of who may log in"},
			&cli.StringFlag{Name: "out", Usage: "write the certificate to `FILE` (default: beside the key)"}),
		verb("list", "", "list CAs", 0, 0, t.caList, zone),
		verb("retire", "LABEL", "revoke a CA that has a successor, once no certificate of it can be in use", 1, 1, t.caRetire, zone),
		verb("revoke", "LABEL", "revoke a CA now", 1, 1, t.caRevoke, zone, length,
			&cli.StringFlag{Name: "replace", Usage: "make CA `LABEL` in the same transaction, to sign instead"}),
	)
}

func (t *tool) newCA(c *cli.Context) (*admin.Desk, admin.NewCA, error) {
	length, err := admin.ParseDuration(c.String("for"))
	if err != nil {
		return nil, admin.NewCA{}, err
	}
	d, err := t.open()
	label := cmp.Or(c.String("replace"), c.Args().First())
	return d, admin.NewCA{Label: label, Zone: c.String("zone"), For: length, Host: c.Bool("host"), Passphrase: func() ([]byte, error) {
		s, err := t.secretsOnce()
		if err != nil {
			return nil, err
		}
		return s.newCA(label)
	}}, err
}

func (t *tool) caCreate(c *cli.Context) error {
	d, n, err := t.newCA(c)
	if err != nil {
		return err
	}
	ca, err := d.CreateCA(c.Context, n)
	if err != nil {
		return err
	}
	return t.showCA(ca)
}

func (t *tool) caPrepare(c *cli.Context) error {
	d, n, err := t.newCA(c)
	if err != nil {
		return err
	}
	n.Prepare = true
	ca, err := d.CreateCA(c.Context, n)
	if err != nil {
		return err
	}
	return t.showCA(ca)
}

func (t *tool) caActivate(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	ca, err := d.ActivateCA(c.Context, c.Args().First(), c.String("zone"), c.Bool("anyway"))
	if err != nil {
		return err
	}
	return t.show(ca, func() {
		if t.dryRun {
			t.sayf("ca %s/%s would sign from now on", ca.Zone, ca.Label)
			return
		}
		t.sayf("ca %s/%s signs from now on", ca.Zone, ca.Label)
	})
}

func (t *tool) caImport(c *cli.Context) error {
	d, n, err := t.newCA(c)
	if err != nil {
		return err
	}
	if n.Elsewhere = c.Bool("elsewhere"); n.Elsewhere {
		key, err := admin.ReadPublicKey(c.Args().Get(1))
		if err != nil {
			return err
		}
		if err := t.confirm("Does its holder say that the key is "+ssh.FingerprintSHA256(key)+"?", "compare it with ssh-keygen -l where the key is, and give --yes"); err != nil {
			return err
		}
	}
	ca, err := d.ImportCA(c.Context, n, c.Args().Get(1))
	if err != nil {
		return err
	}
	return t.showCA(ca)
}

func (t *tool) showCA(ca *admin.CA) error {
	return t.show(ca, func() {
		if !t.dryRun {
			t.pairs("ca", ca.Zone+"/"+ca.Label, "fingerprint", ca.Fingerprint, "key", ca.Key, "stage", ca.Stage, "until", ca.Until.String(), "id", ca.ID)
		}
		t.posted(ca.Posted)
	})
}

func (t *tool) caList(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	list, err := d.CAs(c.Context, c.String("zone"))
	if err != nil {
		return err
	}
	return t.show(list, func() {
		var rows [][]string
		for _, ca := range list {
			rows = append(rows, []string{ca.Zone + "/" + ca.Label, ca.Use, ca.Standing, orDash(ca.Stage), ca.Until.String(), ca.Fingerprint, orDash(ca.Key)})
		}
		t.table([]string{"CA", "USE", "STANDING", "STAGE", "UNTIL", "FINGERPRINT", "KEY"}, rows, "there is no CA; dpki ca create LABEL")
	})
}

func (t *tool) caRetire(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	r, err := d.RetireCA(c.Context, c.Args().First(), c.String("zone"))
	if err != nil {
		return err
	}
	return t.showRevoked(r)
}

func (t *tool) caRevoke(c *cli.Context) error {
	d, n, err := t.newCA(c)
	if err != nil {
		return err
	}
	old := c.Args().First()
	if err := d.CheckCA(c.Context, old, n.Zone); err != nil {
		return err // rather than ask whether to revoke what there is not
	}
	if err := t.confirm("Revoke CA "+old+"? Certificates that it signed let nobody in any more.", "give --yes"); err != nil {
		return err
	}
	if !c.IsSet("replace") {
		r, err := d.RevokeCA(c.Context, old, n.Zone)
		if err != nil {
			return err
		}
		return t.showRevoked(r)
	}
	r, made, err := d.ReplaceCA(c.Context, old, n)
	if err != nil {
		return err
	}
	return t.show(map[string]any{"revoked": r, "made": made}, func() {
		if !t.dryRun {
			t.sayf("revoked ca %s, made %s/%s, fingerprint %s", r.Name, made.Zone, made.Label, made.Fingerprint)
			t.notef("grant again to those who need it: dpki grant extend GRANT; hosts: dpki rotate --due")
		}
		t.posted(made.Posted)
	})
}
