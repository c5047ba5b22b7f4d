package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"dpki/admin"
	"dpki/admin/home"
)

func (t *tool) explainCommand() *cli.Command {
	return verb("explain", "DEVICE", "say what a device would answer to a key or certificate, and why", 1, 1, t.explain,
		&cli.StringFlag{Name: "account", Aliases: []string{"a"}, Usage: "`ACCOUNT` on the device"},
		&cli.StringFlag{Name: "cert", Usage: "certificate `FILE`"},
		&cli.StringFlag{Name: "key", Usage: "public key `FILE`"})
}

func (t *tool) explain(c *cli.Context) error {
	if c.String("account") == "" {
		return usage("as which account?", "give --account")
	}
	path := c.String("cert")
	if (path == "") == (c.String("key") == "") {
		return usage("which key?", "give either --cert FILE or --key FILE")
	}
	key, err := func() (ssh.PublicKey, error) {
		if path == "" {
			return admin.ReadPublicKey(c.String("key"))
		}
		b, err := home.Read(path, 64<<10)
		if err != nil {
			return nil, err
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey(b)
		return key, err
	}()
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: "the certificate cannot be read", Hint: "name the file that dpki grant wrote", Err: err}
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	e, err := d.Explain(c.Context, c.Args().First(), c.String("account"), key)
	if err != nil {
		return err
	}
	err = t.show(e, func() {
		answer := "would be let in"
		if !e.Allow {
			answer = "would be refused: " + e.Reason
		}
		t.pairs("answer", fmt.Sprintf("%s on %s %s", e.Account, e.Device, answer), "next", e.Hint, "key", e.Key, "ca", e.CA, "grant", e.Grant,
			"until", untilText(e), "judged", fmt.Sprintf("block %d, %s", e.Block, e.At))
	})
	if err == nil && !e.Allow {
		t.status = int(admin.No)
	}
	return err
}

func untilText(e *admin.Explanation) string {
	if !e.Allow {
		return ""
	}
	return e.Until.String()
}
