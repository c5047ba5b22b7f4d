package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/admin/ledger"
	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

// folders is the administrator's home, checked.
func (t *tool) folders() (home.Home, error) {
	h, err := home.New(t.home, t.getenv)
	if err != nil {
		return h, &admin.Problem{Class: admin.Usage, Text: "there is no place for keys and configuration", Hint: "give --home DIR", Err: err}
	}
	if err := h.Check(); err != nil {
		return h, &admin.Problem{Class: admin.Failed, Text: "the configuration folder is not safe", Hint: "chmod 700 it if nobody else has used it", Err: err}
	}
	return h, nil
}

func (t *tool) config() (home.Home, home.Config, error) {
	h, err := t.folders()
	if err != nil {
		return h, home.Config{}, err
	}
	c, err := h.Load()
	if err != nil {
		err = &admin.Problem{Class: admin.Usage, Text: "the configuration cannot be used", Hint: "correct it or move it away; dpki org join ANCHOR makes a new one", Err: err}
	}
	return h, c, err
}

// organisation is the one that --org or the configuration names.
func (t *tool) organisation(c home.Config) (string, home.Organisation, error) {
	name := t.org
	if name == "" {
		name = c.Default
	}
	o, ok := c.Organisations[name]
	if ok {
		return name, o, nil
	}
	var names []string
	for n := range c.Organisations {
		names = append(names, n)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "", o, usage("there is no organisation yet", "dpki org create NAME, or dpki org join ANCHOR")
	}
	if name == "" {
		return "", o, usage("which organisation?", "give --org: "+strings.Join(names, ", "))
	}
	return "", o, usage(fmt.Sprintf("no organisation is called %.80q here", name), "there is "+strings.Join(names, ", "))
}

// anchor is what --anchor says, else that of the organisation in use.
func (t *tool) anchor(c *cli.Context, conf home.Config) (anchor.Anchor, error) {
	if c.IsSet("anchor") {
		return admin.ParseAnchor(c.String("anchor"))
	}
	_, o, err := t.organisation(conf)
	return o.Anchor, err
}

// networkFile finds the network: --network, else what is configured.
func (t *tool) networkFile(h home.Home, configured string) (network.File, error) {
	name := t.network
	if name == "" {
		name = configured
	}
	if name == "" {
		return network.File{}, usage("no network is configured", "dpki network use FILE, or give --network FILE")
	}
	n, err := loadNetwork(h, name)
	if err == nil {
		return n, nil
	}
	hint := "dpki network use FILE"
	if errors.Is(err, network.ErrInvalid) {
		hint = "correct the file; NETWORK FILE in dpki(1) has the form"
	}
	return n, &admin.Problem{Class: admin.Usage, Text: fmt.Sprintf("network %q cannot be used", name), Hint: hint, Err: err}
}

func loadNetwork(h home.Home, name string) (network.File, error) {
	if strings.ContainsRune(name, filepath.Separator) || strings.HasSuffix(name, ".toml") {
		return network.Load(name)
	}
	if !state.ValidName(name) {
		return network.File{}, fmt.Errorf("%w: name %.80q", network.ErrInvalid, name)
	}
	n, err := network.Load(h.Network(name))
	if errors.Is(err, fs.ErrNotExist) {
		if preset, ok, err := network.Preset(name, contracts.Deterministic().Contract); ok {
			return preset, err
		}
		return n, fmt.Errorf("no network is kept under the name %s, and this release knows %s", name, strings.Join(network.Presets(), ", "))
	}
	return n, err
}

// open makes the Desk of the configured organisation.
func (t *tool) open() (*admin.Desk, error) {
	_, d, err := t.openNamed()
	return d, err
}

func (t *tool) openNamed() (name string, d *admin.Desk, err error) {
	h, c, err := t.config()
	if err != nil {
		return "", nil, err
	}
	name, o, err := t.organisation(c)
	if err != nil {
		return "", nil, err
	}
	n, err := t.networkFile(h, o.Network)
	if err != nil {
		return "", nil, err
	}
	d, err = t.openDesk(h, n, o.Anchor)
	return name, d, err
}

// openDesk puts the parts together. Nothing is asked of the network yet, and no
// key is opened.
func (t *tool) openDesk(h home.Home, n network.File, a anchor.Anchor) (*admin.Desk, error) {
	if err := sameNetwork(n, a); err != nil {
		return nil, err
	}
	id, err := admin.LoadIdentity(h)
	if err != nil {
		return nil, err
	}
	account, err := admin.Account(h)
	if err != nil {
		return nil, err
	}
	mirrors, err := dialMirrors(n)
	if err != nil {
		return nil, err
	}
	log, err := openLedger(n, a, mirrors, filepath.Join(h.State(a.Org), "ledger.json"))
	if err != nil {
		return nil, err
	}
	stores, err := openStores(h, n)
	if err != nil {
		return nil, err
	}
	poster, unlock, err := t.poster(h, n, account)
	if err != nil {
		return nil, err
	}
	t.desk = admin.New(admin.Config{
		Receipts: receipts(mirrors), Waiting: t.waiting,
		Home: h, Anchor: a, Network: n, Identity: id, Ledger: log, Stores: stores, Account: account, Poster: poster, Unlock: unlock,
		Passphrase: func(what string) ([]byte, error) {
			s, err := t.secretsOnce()
			if err != nil {
				return nil, err
			}
			return s.ca(what)
		},
		AgentSocket: t.getenv("SSH_AUTH_SOCK"), DryRun: t.dryRun, Propose: t.propose,
	})
	return t.desk, nil
}

// sameNetwork refuses a network that an organisation is not on.
func sameNetwork(n network.File, a anchor.Anchor) error {
	if a.Registry == n.Registry() {
		return nil
	}
	return usage(fmt.Sprintf("network %s is chain %d and contract %s, the organisation is on chain %d, contract %s",
		n.Name, n.ChainID, n.Contract, a.Registry.ChainID, a.Registry.Contract), "name the organisation's network: --network FILE")
}

// openLedger prepares the reading of an organisation's log. Nothing is asked yet.
func openLedger(n network.File, a anchor.Anchor, mirrors []*source.Mirror, cache string) (*ledger.Ledger, error) {
	ends, err := endpoints(n)
	if err != nil {
		return nil, err
	}
	for i, m := range mirrors {
		ends = append(ends, verify.Endpoint{Name: mirrorName(n, i), Source: m, Voice: network.MirrorVoice})
	}
	signed, err := witnesses(n)
	if err != nil {
		return nil, err
	}
	log, err := ledger.Open(verify.Config{
		Registry: a.Registry, Org: a.Org, CodeHash: state.Word(code.Hash()), Deploy: n.DeployBlock, Policy: verify.Agreement{K: n.Agree}, Witnesses: signed, Archives: archives(n, mirrors),
	}, ends, cache)
	if err != nil {
		return nil, usage(err.Error(), "dpki network show")
	}
	return log, nil
}

// endpoints are named without what may hold an access key: names go into
// messages, which go into tickets.
func endpoints(n network.File) ([]verify.Endpoint, error) {
	var list []verify.Endpoint
	named := map[string]int{}
	for _, url := range n.Endpoints {
		c, err := source.Dial(url)
		if err != nil {
			return nil, &admin.Problem{Class: admin.Usage, Text: "the network file names an endpoint that cannot be used", Hint: "dpki network show", Err: err}
		}
		name := source.Name(url)
		if named[name]++; named[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, named[name]) // the reader tells them apart by it
		}
		list = append(list, verify.Endpoint{Name: name, Source: c, Voice: network.Voice(url)})
	}
	return list, nil
}
