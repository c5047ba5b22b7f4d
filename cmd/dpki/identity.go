package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/chainkey"
	"dpki/admin/home"
	"dpki/state"
)

func (t *tool) identityCommand() *cli.Command {
	loginKey := &cli.StringFlag{Name: "key", Usage: "log in elsewhere by the SSH key whose public half is in `FILE`, instead of one that is made here"}
	return noun("identity", "one's own keys: an administrator's, or a person's who receives",
		verb("create", "", "make the chain key and the identity; print the account to fund", 0, 0, t.identityCreate,
			&cli.BoolFlag{Name: "person", Usage: "only receive: an identity and an SSH key, no chain key"}, loginKey,
			&cli.StringFlag{Name: "chain-key", Usage: "take over the chain key in `FILE`: keystore V3, or 64 hex digits"},
			&cli.StringFlag{Name: "signer", Usage: "have a program at `URL` sign, that holds the chain key and speaks clef's protocol: unix:/PATH or http://127.0.0.1:PORT; or ledger: where this build can"},
			&cli.StringFlag{Name: "account", Usage: "with --signer: the `ADDRESS` that it signs for"}),
		verb("request", "ANCHOR", "ask an organisation to be enrolled as a person: a file for dpki person add; what lacks of keys is made", 1, 1, t.identityRequest, loginKey,
			&cli.StringFlag{Name: "name", Usage: "ask to be called `NAME` (default: the login name)"},
			&cli.StringFlag{Name: "as", Usage: "call the organisation `ORG` on this machine"},
			&cli.StringFlag{Name: "out", Usage: "write to `FILE`", Value: "person.request"}),
		verb("show", "", "print the public halves", 0, 0, t.identityShow,
			&cli.BoolFlag{Name: "recipient", Usage: "print only where bundles and requests are encrypted to, whole"}),
	)
}

func (t *tool) identityCreate(c *cli.Context) error {
	h, err := home.New(t.home, t.getenv)
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: "there is no place for keys", Hint: "give --home DIR", Err: err}
	}
	if c.Bool("person") {
		return t.personCreate(c, h)
	}
	if c.IsSet("key") {
		return usage("--key goes with --person", "an administrator's chain key: --chain-key FILE")
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
	if n.External, err = externalSigner(c); err != nil {
		return err
	}
	if t.dryRun {
		return t.would("would make keys in %s; nothing was made", h.Config())
	}
	id, err := admin.CreateIdentity(h, n)
	if err != nil {
		return err
	}
	return t.show(id, func() {
		t.printIdentity(id)
		if n.External != nil {
			t.notef("keep a copy of %s: it cannot be made again; the chain key is the signer's to keep", h.Identity())
			return
		}
		t.notef("keep copies of %s and %s: they cannot be made again", h.Identity(), h.ChainKey())
	})
}

// externalSigner is what --signer and --account name; nil without them.
func externalSigner(c *cli.Context) (*chainkey.External, error) {
	if !c.IsSet("signer") && !c.IsSet("account") {
		return nil, nil
	}
	if c.String("signer") == "" || c.String("account") == "" {
		return nil, usage("--signer and --account go together", "dpki identity create --signer unix:/PATH/clef.ipc --account 0x...")
	}
	if c.IsSet("chain-key") {
		return nil, usage("--signer and --chain-key exclude each other", "give one")
	}
	a, err := state.ParseAddress(strings.ToLower(c.String("account")))
	if err != nil || a.IsZero() {
		return nil, usage(fmt.Sprintf("--account %.80q is no account", c.String("account")), "give 0x and 40 hex digits")
	}
	return &chainkey.External{URL: c.String("signer"), Address: a}, nil
}

func (t *tool) identityShow(c *cli.Context) error {
	h, err := t.folders()
	if err != nil {
		return err
	}
	id, err := admin.ShowIdentity(h)
	if err != nil {
		return err
	}
	return t.show(id, func() {
		if c.Bool("recipient") {
			t.sayf("%s", id.Recipient)
			return
		}
		t.printIdentity(id)
	})
}

func (t *tool) printIdentity(id *admin.Identity) {
	t.pairs("account", id.Account, "signer", id.Signer, "login key", id.LoginKey, "signing key", id.SigningKey, "recipient", id.Recipient[:24]+"...", "folder", id.Folder)
}
