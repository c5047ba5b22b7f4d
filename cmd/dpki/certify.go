package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"dpki/admin"
)

// caCertify is for a CA's holder who enters no grants: who enters them has not the
// CA's key then, and neither of the two lets anybody in alone.
func (t *tool) caCertify(c *cli.Context) error {
	if err := checkOut(c.String("out")); err != nil {
		return err
	}
	var key ssh.PublicKey // none: that of the request which the grant answers
	path, err := c.String("key"), error(nil)
	if path != "" {
		if key, err = admin.ReadPublicKey(path); err != nil {
			return err
		}
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	g, err := d.Certifiable(c.Context, c.Args().First(), key)
	if err != nil {
		return err
	}
	if path == "" {
		path = "request"
	}
	t.notef("%s, allows %s, until %s, entered by %s", certifies(g), strings.Join(g.Allows, ", "), g.Until, d.Shown(g.Author))
	if err := t.confirm("Certify "+certifies(g)+"?", "read it, and give --yes"); err != nil {
		return err
	}
	if !t.dryRun {
		if g, err = d.Certify(c.Context, g.ID, key); err != nil {
			return err
		}
		if err := t.keepCertificates(c, &admin.Granted{Grants: []*admin.Grant{g}}, path); err != nil {
			return err
		}
	}
	return t.show(g, func() {
		if t.dryRun {
			return
		}
		t.pairs("certified", certifies(g), "grant", g.ID, "until", g.Until.String(), "certificate", g.Certificate, "log in", loginLine(g, path))
	})
}

func certifies(g *admin.Grant) string {
	line := g.Account
	if g.Privileged {
		line += " (privileged)"
	}
	return fmt.Sprintf("%s on %s for key %s", line, firstOf(g.Device, "every device of zone "+g.Zone), g.Key)
}

// uncertified is what stands in the place of a certificate that was not made. A
// request has brought the key into the log.
func uncertified(c *cli.Context, g *admin.Grant) string {
	if !g.Uncertified {
		return ""
	}
	line := "by the CA's holder: dpki ca certify " + g.ID[:12]
	if c.Command.Name != "request" {
		line += " --key FILE"
	}
	return line
}
