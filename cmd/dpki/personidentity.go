package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/state"
)

// personCreate makes the keys of somebody who only receives.
func (t *tool) personCreate(c *cli.Context, h home.Home) error {
	if c.IsSet("chain-key") || c.IsSet("signer") || c.IsSet("account") {
		return usage("--person makes no chain key", "give it without --chain-key, --signer and --account")
	}
	if t.dryRun {
		return t.would("would make keys in %s; nothing was made", h.Config())
	}
	id, err := admin.CreatePerson(h, c.String("key"))
	if err != nil {
		return err
	}
	if !id.Created {
		return &admin.Problem{Class: admin.Failed, Text: "there is an identity in " + h.Config() + " already", Hint: "dpki identity show"}
	}
	return t.show(id, func() {
		t.printIdentity(id)
		t.notef("ask to be enrolled: dpki identity request ANCHOR. On another machine you have another identity: nothing here is worth a copy")
	})
}

// identityRequest needs no network; which one the organisation is on is noted for
// dpki receive.
func (t *tool) identityRequest(c *cli.Context) error {
	a, err := admin.ParseAnchor(c.Args().First())
	if err != nil {
		return err
	}
	name := firstOf(c.String("name"), loginName())
	if !state.ValidName(name) {
		return usage(fmt.Sprintf("nobody can be called %.80q", name), "names have 1 to 63 of a-z 0-9 . _ -, the first a letter or digit")
	}
	h, conf, err := t.config()
	if err != nil {
		return err
	}
	org, known, err := organisationHere(conf, a, c.String("as"))
	if err != nil {
		return err
	}
	n, err := t.networkFile(h, firstOf(known.Network, conf.Network))
	if err != nil {
		return err
	}
	if err := sameNetwork(n, a); err != nil {
		return err
	}
	if t.dryRun {
		return t.would("would write %s", c.String("out"))
	}
	if _, err := admin.CreatePerson(h, c.String("key")); err != nil {
		return err
	}
	r, err := admin.RequestEnrolment(h, a, name)
	if err != nil {
		return err
	}
	text, err := r.Marshal()
	if err == nil {
		if _, there := os.Lstat(c.String("out")); there == nil {
			return usage(c.String("out")+" is there already", "name another with --out")
		}
		err = home.Create(c.String("out"), text) // it holds the mailbox's secret
	}
	if err != nil {
		return &admin.Problem{Class: admin.Failed, Text: "the request could not be written", Hint: "name another FILE with --out", Err: err}
	}
	known.Anchor = a
	if err := t.remember(h, conf, org, known, n); err != nil {
		return err
	}
	return t.show(map[string]any{"file": c.String("out"), "name": name, "fingerprint": r.Fingerprint()}, func() {
		t.sayf("%s asks for %s, fingerprint %s", c.String("out"), name, r.Fingerprint())
		t.notef("send it to an administrator by a way that others cannot read, and the fingerprint by another; then: dpki receive")
	})
}

// personSSHConfig names the file that dpki receive writes, where somebody has no
// chain key and so no devices to list.
func (t *tool) personSSHConfig(c *cli.Context) (is bool, err error) {
	h, conf, err := t.config()
	if err != nil {
		return false, err
	}
	if _, err := admin.Account(h); !errors.Is(err, fs.ErrNotExist) {
		return false, nil // the Desk says what is wrong with it
	}
	if login, err := admin.LoginKey(h); err != nil || login == nil {
		return false, nil
	}
	name, _, err := t.organisation(conf)
	if err != nil {
		return true, err
	}
	if c.IsSet("out") {
		return true, usage("--out is an administrator's", "dpki receive writes "+h.Received(name)+"/ssh_config")
	}
	path := filepath.Join(h.Received(name), "ssh_config")
	if _, err := os.Stat(path); err != nil {
		return true, &admin.Problem{Class: admin.No, Text: "no login was received yet", Hint: "dpki receive", Err: err}
	}
	return true, t.show(map[string]any{"file": path}, func() {
		t.notef("above everything else in ~/.ssh/config:")
		t.sayf("Include %s", path)
	})
}
