package main

import (
	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
)

func (t *tool) identityCommand() *cli.Command {
	return noun("identity", "this administrator's own keys",
		verb("create", "", "make the chain key and the identity; print the account to fund", 0, 0, t.identityCreate,
			&cli.StringFlag{Name: "chain-key", Usage: "take over the chain key in `FILE`: keystore V3, or 64 hex digits"}),
		verb("show", "", "print the public halves", 0, 0, t.identityShow),
	)
}

func (t *tool) identityCreate(c *cli.Context) error {
	h, err := home.New(t.home, t.getenv)
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: "there is no place for keys", Hint: "give --home DIR", Err: err}
	}
	n := admin.NewIdentity{Passphrase: func() ([]byte, error) {
		s, err := t.secretsOnce()
		if err != nil {
			return nil, err
		}
		return s.newChain()
	}}
	if path := c.String("chain-key"); path != "" {
		if n.ChainKey, err = home.Read(path, 64<<10); err != nil {
			return &admin.Problem{Class: admin.Usage, Text: "the chain key cannot be read", Hint: "give a keystore V3 file or a file with 64 hex digits", Err: err}
		}
	}
	if t.dryRun {
		t.notef("would make keys in %s; nothing was made", h.Config())
		return nil
	}
	id, err := admin.CreateIdentity(h, n)
	if err != nil {
		return err
	}
	return t.show(id, func() {
		t.printIdentity(id)
		t.notef("keep copies of %s and %s: they cannot be made again", h.Identity(), h.ChainKey())
	})
}

func (t *tool) identityShow(*cli.Context) error {
	h, err := t.folders()
	if err != nil {
		return err
	}
	id, err := admin.ShowIdentity(h)
	if err != nil {
		return err
	}
	return t.show(id, func() { t.printIdentity(id) })
}

func (t *tool) printIdentity(id *admin.Identity) {
	t.pairs("account", id.Account, "signing key", id.SigningKey, "recipient", id.Recipient[:24]+"...", "folder", id.Folder)
}
