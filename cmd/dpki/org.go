package main

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/user"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/state"
)

func (t *tool) orgCommand() *cli.Command {
	adminName := &cli.StringFlag{Name: "as", Usage: "call this administrator `NAME` in the roster (default: the login name)"}
	local := &cli.StringFlag{Name: "name", Usage: "call the organisation `NAME` on this machine (default: as it is called here, or org- and the beginning of its id)"}
	return noun("org", "the organisation",
		verb("create", "NAME", "make an organisation on the chain, with this account as its root administrator", 1, 1, t.orgCreate, adminName),
		verb("join", "ANCHOR", "use an organisation that exists: everything is read from chain and stores", 1, 1, t.orgJoin, local),
		t.adoptVerb(),
		verb("show", "", "print the organisation's anchor, administrators and size", 0, 0, t.orgShow),
	)
}

func (t *tool) orgCreate(c *cli.Context) error {
	name := c.Args().First()
	if !state.ValidName(name) {
		return usage(fmt.Sprintf("%.80q cannot be an organisation's name", name), "names have 1 to 63 of a-z 0-9 . _ -, the first a letter or digit")
	}
	h, conf, err := t.config()
	if err != nil {
		return err
	}
	o, known := conf.Organisations[name]
	if known && o.Salt.IsZero() {
		return &admin.Problem{Class: admin.Failed, Text: "there is an organisation " + name + " here already", Hint: "dpki org show --org " + name}
	}
	n, err := t.networkFile(h, firstOf(o.Network, conf.Network))
	if err != nil {
		return err
	}
	account, err := admin.Account(h)
	if err != nil {
		return err
	}
	if !known {
		// The salt is kept before anything is sent, so that an interrupted run
		// goes on with the same organisation.
		rand.Read(o.Salt[:])
		o.Anchor = anchor.Anchor{Registry: n.Registry(), Org: n.Registry().OrganisationID(account, o.Salt)}
		if !t.dryRun {
			if err := t.remember(h, conf, name, o, n); err != nil {
				return err
			}
		}
	}
	d, err := t.openDesk(h, n, o.Anchor)
	if err != nil {
		return err
	}
	shown, err := d.CreateOrganisation(c.Context, name, firstOf(c.String("as"), loginName()), o.Salt)
	if err != nil {
		return err
	}
	if used := conf.Default; used != name && used != "" && !t.dryRun {
		t.notef("commands are about %s unless you give --org %s", used, name)
	}
	return t.show(shown, func() {
		if !t.dryRun {
			t.printOrganisation(shown)
		}
		for _, p := range shown.Created {
			t.posted(p)
		}
		if t.dryRun && len(shown.Created) > 0 && !known {
			t.notef("this is the first of two transactions; the second, with the organisation's first keys, costs less than half as much again")
		}
	})
}

// remember writes the organisation into config.toml, and its network under the
// network's own name.
func (t *tool) remember(h home.Home, conf home.Config, name string, o home.Organisation, n network.File) error {
	if err := unusedName(conf, n); err != nil {
		return err
	}
	text, err := n.Marshal()
	if err != nil {
		return err
	}
	o.Network = n.Name
	if err := h.SaveNetwork(n.Name, text); err != nil {
		return err
	}
	if conf.Organisations == nil {
		conf.Organisations = map[string]home.Organisation{}
	}
	conf.Organisations[name] = o
	if conf.Default == "" {
		conf.Default = name
	}
	if conf.Network == "" {
		conf.Network = n.Name
	}
	return h.Save(conf)
}

func (t *tool) orgJoin(c *cli.Context) error {
	a, err := admin.ParseAnchor(c.Args().First())
	if err != nil {
		return err
	}
	h, conf, err := t.config()
	if err != nil {
		return err
	}
	name, o, err := organisationHere(conf, a, c.String("name"))
	if err != nil {
		return err
	}
	n, err := t.networkFile(h, firstOf(o.Network, conf.Network))
	if err != nil {
		return err
	}
	d, err := t.openDesk(h, n, a)
	if err != nil {
		return err
	}
	shown, err := d.Join(c.Context, name)
	if err != nil {
		return err
	}
	o.Anchor = a
	if made := madeUpName(a); conf.Default == made && conf.Organisations[made].Anchor == a && !exists(h.Received(made)) {
		conf.Default = name // what was received lies under the name of then, where ssh looks for it
	}
	if !t.dryRun {
		if err := t.remember(h, conf, name, o, n); err != nil {
			return err
		}
	}
	return t.show(shown, func() {
		t.printOrganisation(shown)
		if name == madeUpName(a) {
			t.notef("an organisation has no name on the chain; to call it otherwise here: dpki org join %s --name NAME", a)
		}
	})
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// madeUpName is what an organisation is called where nobody says how.
func madeUpName(a anchor.Anchor) string { return "org-" + a.Org.String()[:8] }

// organisationHere is what an organisation is called on this machine, or will be.
func organisationHere(conf home.Config, a anchor.Anchor, name string) (string, home.Organisation, error) {
	for known, o := range conf.Organisations {
		if o.Anchor == a && (name == "" || name == known) {
			name = known
		}
	}
	if name == "" {
		name = madeUpName(a)
	}
	o := conf.Organisations[name]
	switch {
	case !state.ValidName(name):
		return "", o, usage(fmt.Sprintf("%.80q cannot be an organisation's name", name), "names have 1 to 63 of a-z 0-9 . _ -, the first a letter or digit")
	case !o.Anchor.Org.IsZero() && o.Anchor != a:
		return "", o, &admin.Problem{Class: admin.Failed, Text: "another organisation is called " + name + " here", Hint: "give it another name"}
	}
	return name, o, nil
}

func (t *tool) orgShow(c *cli.Context) error {
	name, d, err := t.openNamed()
	if err != nil {
		return err
	}
	o, err := d.Organisation(c.Context, name)
	if err != nil {
		return err
	}
	return t.show(o, func() { t.printOrganisation(o) })
}

func (t *tool) printOrganisation(o *admin.Organisation) {
	member := ""
	if !o.Member {
		member = "no: this identity holds none of the organisation's own keys; a zone's administrator and a guardian need none"
	}
	lines := []string{"organisation", o.Name, "anchor", o.Anchor, "network", o.Network, "zones", fmt.Sprint(o.Zones), "devices", fmt.Sprint(o.Devices), "member", member}
	for _, a := range o.Admins {
		what := "may put " + strings.Join(a.Puts, ", ")
		if a.Root {
			what = "root"
		}
		if a.Self {
			what += ", this account"
		}
		lines = append(lines, "administrator", admin.Beside(a.Account, a.Name)+" "+what)
	}
	t.pairs(lines...)
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// loginName is the login name as far as it can be a name in the roster.
func loginName() string {
	u, err := user.Current()
	if err == nil && state.ValidName(strings.ToLower(u.Username)) {
		return strings.ToLower(u.Username)
	}
	return "admin"
}
