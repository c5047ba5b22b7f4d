package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"dpki/admin"
)

func (t *tool) revokeCommand() *cli.Command {
	return verb("revoke", "ID|NAME", "revoke a grant or a delivery by the beginning of its id, a device by its name, a CA by its label, a denial by its key", 1, 1, t.revoke)
}

func (t *tool) revoke(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	found, err := d.FindRevocable(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	// A grant may have to go in a hurry and is made again in a minute; the
	// others are final for more than one person.
	if found.What != "grant" {
		if err := t.confirm(fmt.Sprintf("Revoke %s %s for ever?", found.What, found.Name), "give --yes"); err != nil {
			return err
		}
	}
	r, err := d.Revoke(c.Context, found)
	if err != nil {
		return err
	}
	if found.What == "delivery" {
		t.notef("the recipient takes away keys, certificates and CAs that it brought, and leaves files; a grant that belongs to it goes on: dpki grant list")
	}
	return t.showRevoked(r)
}

func (t *tool) showRevoked(r *admin.Revoked) error {
	return t.show(r, func() {
		switch {
		case r.Already:
			t.sayf("%s %s was revoked before", r.What, r.Name)
		case !t.dryRun:
			t.sayf("revoked %s %s (%s)", r.What, r.Name, r.ID[:12])
		}
		t.posted(r.Posted)
	})
}
