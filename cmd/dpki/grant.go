package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
	"golang.org/x/crypto/ssh"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/sshca/profile"
	"dpki/state"
)

func (t *tool) grantCommand() *cli.Command {
	grant := verb("grant", "DEVICE...", "let a key log in as an account on a device, for a time", 1, -1, t.grant, slices.Concat([]cli.Flag{
		&cli.StringFlag{Name: "account", Aliases: []string{"a"}, Usage: "`ACCOUNT` on the device"},
		&cli.StringFlag{Name: "for", Usage: "how long: `DURATION` as 5m, 8h, 7d"},
		&cli.StringFlag{Name: "key", Usage: "public key `FILE` of who may log in (default: your own in ~/.ssh)"},
		&cli.StringFlag{Name: "out", Usage: "write the certificate to `FILE` (default: beside the key)"},
		&cli.StringFlag{Name: "command", Usage: "only to run `CMD`"},
		&cli.BoolFlag{Name: "uncertified", Usage: "make no certificate: who holds the CA's key does it, by dpki ca certify"},
	}, allowFlags(), []cli.Flag{
		&cli.StringFlag{Name: "device", Usage: "with list: only grants that reach this `DEVICE`"},
		&cli.BoolFlag{Name: "all", Usage: "with list: also grants that ended or were revoked"},
	})...)
	grant.ArgsUsage = "DEVICE... | zone:ZONE | list | show ID | extend ID"
	grant.Description = "One device: the grant is readable by that device alone. zone:ZONE: by all devices of the zone.\n" +
		"The key's owner needs the certificate and ssh, nothing else."
	return grant
}

// allowFlags say what a grant allows and from where, however it is made.
func allowFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "from", Usage: "only from these networks: `CIDR`"},
		&cli.BoolFlag{Name: "sudo", Usage: "allow sudo by the same key; makes the grant privileged"},
		&cli.BoolFlag{Name: "pty", Usage: "allow a terminal", Value: true},
		&cli.BoolFlag{Name: "port-forwarding", Usage: "allow port forwarding"},
		&cli.BoolFlag{Name: "agent-forwarding", Usage: "allow agent forwarding"},
		&cli.BoolFlag{Name: "x11-forwarding", Usage: "allow X11 forwarding"},
		&cli.StringFlag{Name: "label", Usage: "`TEXT` to find it again by: a ticket, a reason"},
	}
}

// grant is also the noun of list, show and extend: whoever has a device of that
// name writes ZONE/list.
func (t *tool) grant(c *cli.Context) error {
	switch first := c.Args().First(); {
	case first == "list" && c.NArg() == 1:
		return t.grantList(c)
	case first == "show" && c.NArg() == 2:
		return t.grantShow(c)
	case first == "extend" && c.NArg() == 2:
		return t.grantExtend(c)
	case first == "list" || first == "show" || first == "extend":
		return usage("an argument is missing or too many", "dpki grant list [--device DEVICE] [--all], dpki grant show ID, dpki grant extend ID --for DURATION")
	}
	if c.String("account") == "" {
		return usage("as which account?", "give --account")
	}
	r, path, err := t.grantRequest(c)
	if err != nil {
		return err
	}
	if err := checkOut(c.String("out")); err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	granted, err := d.Grant(c.Context, r)
	return t.showGrantedOr(c, granted, err, path)
}

// showGrantedOr is showGranted of what was granted. What waits for other
// administrators is an error, and its certificate can be handed on.
func (t *tool) showGrantedOr(c *cli.Context, granted *admin.Granted, err error, keyPath string) error {
	if granted != nil && err != nil {
		return errors.Join(err, t.keepCertificates(c, granted, keyPath))
	}
	if err != nil {
		return err
	}
	return t.showGranted(c, granted, keyPath)
}

func (t *tool) grantRequest(c *cli.Context) (r admin.GrantRequest, keyPath string, err error) {
	if c.String("for") == "" {
		return r, "", usage("for how long?", "give --for, as --for 5m")
	}
	length, err := admin.ParseDuration(c.String("for"))
	if err != nil {
		return r, "", err
	}
	key, keyPath, err := t.key(c.String("key"))
	if err != nil {
		return r, "", err
	}
	return admin.GrantRequest{
		Targets: c.Args().Slice(), Account: c.String("account"), For: length, Key: key, From: strings.Join(c.StringSlice("from"), ","),
		Command: c.String("command"), Flags: admin.GrantFlags(c.Bool), Label: c.String("label"), Uncertified: c.Bool("uncertified"),
	}, keyPath, nil
}

// ownKeys are where ssh itself looks for keys.
var ownKeys = []string{"id_ed25519.pub", "id_ecdsa.pub", "id_ed25519_sk.pub", "id_ecdsa_sk.pub", "id_rsa.pub"}

// key reads the key that is granted something: the one named, else the admin's own.
func (t *tool) key(path string) (ssh.PublicKey, string, error) {
	if path != "" {
		key, err := admin.ReadPublicKey(path)
		return key, path, err
	}
	dir := filepath.Join(t.getenv("HOME"), ".ssh")
	for _, name := range ownKeys {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err == nil {
			t.notef("for your own key %s", path)
			key, err := admin.ReadPublicKey(path)
			return key, path, err
		}
	}
	return nil, "", usage("whose key?", "give --key FILE; there is none in "+dir)
}

// keyFor finds the public key with this hash among the admin's own, unless one
// is named.
func (t *tool) keyFor(path string, want state.Word) (ssh.PublicKey, string, error) {
	if path != "" {
		return t.key(path)
	}
	for _, name := range ownKeys {
		path := filepath.Join(t.getenv("HOME"), ".ssh", name)
		if key, err := admin.ReadPublicKey(path); err == nil && profile.Hash(key) == want {
			return key, path, nil
		}
	}
	return nil, "", nil
}

func (t *tool) showGranted(c *cli.Context, granted *admin.Granted, keyPath string) error {
	if err := t.keepCertificates(c, granted, keyPath); err != nil {
		return err
	}
	return t.show(granted, func() {
		if t.dryRun {
			t.posted(granted.Posted)
			return
		}
		for i, g := range granted.Grants {
			if i > 0 {
				t.sayf("")
			}
			what := "granted"
			if g.Privileged {
				what = "granted (privileged)"
			}
			t.pairs(what, g.Account+" on "+firstOf(g.Device, "every device of zone "+g.Zone), "key", g.Key,
				"until", fmt.Sprintf("%s (%v)", g.Until, time.Until(time.Unix(int64(g.Until), 0)).Round(time.Second)),
				"grant", g.ID, "certificate", firstOf(g.Certificate, uncertified(c, g)), "log in", loginLine(g, keyPath))
		}
		t.posted(granted.Posted)
	})
}

// loginLine is what the key's owner types, on a machine without dpki too. KEY stands
// for a key that is not here: whoever asked has it; CERT for what is not made yet.
func loginLine(g *admin.Grant, keyPath string) string {
	key := "KEY"
	if _, err := os.Stat(keyPath); err == nil {
		key = quote(strings.TrimSuffix(keyPath, ".pub"))
	}
	line := "ssh -i " + key
	switch {
	case g.Uncertified:
		line = "as soon as that has made CERT: " + line + " -o CertificateFile=CERT"
	case g.Certificate != "":
		line += " -o CertificateFile=" + quote(g.Certificate)
	}
	host, port, err := net.SplitHostPort(g.Address)
	if err != nil {
		return line + " " + g.Account + "@HOST"
	}
	if port != "22" {
		line += " -p " + port
	}
	return line + " " + g.Account + "@" + host
}

// quote makes a path safe to paste into a shell.
func quote(s string) string {
	if strings.IndexFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+=@%,", r)
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// keepCertificates writes each certificate to a file: beside the key, named for
// the grant, so that ssh does not take it for the key's only one.
func (t *tool) keepCertificates(c *cli.Context, granted *admin.Granted, keyPath string) error {
	out := c.String("out")
	if out != "" && len(granted.Grants) > 1 {
		out = "" // several certificates cannot be one file
		t.notef("--out is for one grant; the certificates are beside the key")
	}
	for _, g := range granted.Grants {
		if g.Cert == nil {
			continue
		}
		text := ssh.MarshalAuthorizedKey(g.Cert)
		path := out
		if path == "" {
			path = strings.TrimSuffix(keyPath, ".pub") + "-" + g.ID[:8] + "-cert.pub"
		}
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		if err = home.Publish(path, text); err != nil && out == "" {
			// The key may lie where only its owner writes.
			if path, err = filepath.Abs(filepath.Base(path)); err == nil {
				err = home.Publish(path, text)
			}
		}
		if err != nil {
			return &admin.Problem{Class: admin.Failed, Text: "the grant stands, its certificate could not be written",
				Hint: fmt.Sprintf("dpki revoke %s, then grant again with --out FILE", g.ID[:12]), Err: err}
		}
		g.Certificate = path
	}
	return nil
}

func (t *tool) grantList(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	list, err := d.Grants(c.Context, admin.GrantFilter{Device: c.String("device"), All: c.Bool("all")})
	if err != nil {
		return err
	}
	return t.show(list, func() {
		var rows [][]string
		for _, g := range list {
			kind := g.Account
			if g.Privileged {
				kind += " (privileged)"
			}
			rows = append(rows, []string{g.ID[:12], firstOf(g.Device, "zone:"+g.Zone), kind, g.Standing, g.Until.String(), g.Key, orDash(g.Label)})
		}
		t.table([]string{"GRANT", "ON", "ACCOUNT", "STANDING", "UNTIL", "KEY", "LABEL"}, rows, "no grant lives; --all shows those that ended")
	})
}

func (t *tool) grantShow(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	g, err := d.GrantByID(c.Context, c.Args().Get(1))
	if err != nil {
		return err
	}
	return t.show(g, func() {
		t.pairs("grant", g.ID, "on", firstOf(g.Device, "zone:"+g.Zone), "account", g.Account, "privileged", yesNo(g.Privileged), "standing", g.Standing,
			"key", g.Key, "from", g.From, "command", g.Command, "allows", strings.Join(g.Allows, ", "), "label", g.Label,
			"since", g.Since.String(), "until", g.Until.String(), "block", fmt.Sprint(g.Block), "by", d.Shown(g.Author), "key ID", g.KeyID)
	})
}

func (t *tool) grantExtend(c *cli.Context) error {
	if c.String("for") == "" {
		return usage("for how long from now?", "give --for, as --for 5m")
	}
	length, err := admin.ParseDuration(c.String("for"))
	if err != nil {
		return err
	}
	if err := checkOut(c.String("out")); err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	want, err := d.KeyOf(c.Context, c.Args().Get(1))
	if err != nil {
		return err
	}
	key, path, err := t.keyFor(c.String("key"), want)
	if err != nil {
		return err
	}
	granted, err := d.ExtendGrant(c.Context, c.Args().Get(1), admin.GrantRequest{For: length, Key: key, Uncertified: c.Bool("uncertified")})
	return t.showGrantedOr(c, granted, err, path)
}
