package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/contracts"
	"dpki/internal/network"
	"dpki/registry/witness"
)

func (t *tool) networkCommand() *cli.Command {
	return noun("network", "which chain, contract, endpoints and stores",
		t.migrateVerb(),
		verb("show", "", "print the network file", 0, 0, t.networkShow),
		verb("check", "", "ask each endpoint: does it answer, is it the chain, is the contract there and ours", 0, 0, t.networkCheck),
		verb("announce", "", "tell the devices that are enrolled what the network file says now", 0, 0, t.networkAnnounce,
			&cli.StringFlag{Name: "zone", Usage: "only those of zone `NAME`"},
			&cli.StringFlag{Name: "successor", Usage: "and `FILE`, the network file of another chain on which the organisation goes on"}),
		verb("deploy", "", "put the registry contract on a chain that does not have it yet", 0, 0, t.networkDeploy),
		verb("use", "FILE|NAME", "keep a network file and use it from now on", 1, 1, t.networkUse),
	)
}

// currentNetwork is --network, else the organisation's, else the configured one.
func (t *tool) currentNetwork() (network.File, error) {
	h, c, err := t.config()
	if err != nil {
		return network.File{}, err
	}
	configured := c.Network
	if len(c.Organisations) > 0 {
		_, o, err := t.organisation(c)
		if err != nil {
			return network.File{}, err
		}
		configured = firstOf(o.Network, c.Network)
	}
	return t.networkFile(h, configured)
}

// networkShown is the JSON of `network show`.
type networkShown struct {
	Name        string          `json:"name"`
	ChainID     uint64          `json:"chain_id"`
	Contract    string          `json:"contract"`
	DeployBlock uint64          `json:"deploy_block"`
	Agree       int             `json:"agree"`
	FeeModel    string          `json:"fee_model"`
	Endpoints   []string        `json:"endpoints"`
	Mirrors     []string        `json:"mirrors"`
	Stores      []network.Store `json:"stores"`
	Trusted     string          `json:"trusted"`

	Witnesses        []string `json:"witnesses"`
	WitnessesAgree   int      `json:"witnesses_agree"`
	WitnessesVersion uint32   `json:"witnesses_version"`
}

func (t *tool) networkShow(*cli.Context) error {
	n, err := t.currentNetwork()
	if err != nil {
		return err
	}
	shown := networkShown{
		Name: n.Name, ChainID: n.ChainID, Contract: n.Contract.String(), DeployBlock: n.DeployBlock, Agree: n.Agree, FeeModel: string(n.FeeModel),
		Endpoints: append([]string{}, n.Endpoints...), Mirrors: append([]string{}, n.Mirrors...), Stores: append([]network.Store{}, n.Stores...),
		Trusted:   admin.TrustText(n),
		Witnesses: []string{}, WitnessesAgree: n.WitnessAgree, WitnessesVersion: n.WitnessVersion,
	}
	for _, w := range n.Witnesses {
		shown.Witnesses = append(shown.Witnesses, w.Name+" "+w.Key.String())
	}
	text, err := n.Marshal()
	if err != nil {
		return err
	}
	return t.show(shown, func() { fmt.Fprint(t.stdout, string(text)) })
}

func (t *tool) networkCheck(c *cli.Context) error {
	n, err := t.currentNetwork()
	if err != nil {
		return err
	}
	ends, err := endpoints(n)
	if err != nil {
		return err
	}
	r := admin.CheckNetwork(c.Context, n, ends)
	err = t.show(r, func() {
		t.pairs("network", fmt.Sprintf("%s, chain %d, contract %s", r.Name, r.ChainID, r.Contract), "trust", r.Trusted)
		var rows [][]string
		for _, e := range r.Endpoints {
			answer := fmt.Sprintf("ok, block %d of %s, final %d", e.Block, e.Time, e.Final)
			if !e.OK {
				answer = e.Error
			}
			rows = append(rows, []string{e.URL, e.Latency, answer})
		}
		t.table([]string{"ENDPOINT", "TOOK", "ANSWER"}, rows, "the network has no endpoint")
	})
	switch {
	case err != nil || r.OK:
		return err
	case r.Unavailable():
		return &admin.Problem{Class: admin.Later, Text: "too few endpoints answer", Hint: "is the endpoint running? for a sandbox: dpki-sandbox"}
	}
	return &admin.Problem{Class: admin.Failed, Text: "too few endpoints can be used", Hint: "correct the network file, then dpki network use FILE"}
}

func (t *tool) networkUse(c *cli.Context) error {
	path := c.Args().First()
	n, err := network.Load(path)
	if preset, ok, presetErr := network.Preset(path, contracts.Deterministic().Contract); ok && errors.Is(err, fs.ErrNotExist) {
		n, err = preset, presetErr
	}
	if err != nil {
		hint := "correct the file; NETWORK FILE in dpki(1) has the form"
		if errors.Is(err, fs.ErrNotExist) {
			hint = "name the file that describes the chain; a sandbox writes one, network.toml in its folder"
		}
		return &admin.Problem{Class: admin.Usage, Text: "the network file cannot be used", Hint: hint, Err: err}
	}
	h, conf, err := t.config()
	if err != nil {
		return err
	}
	if err := unusedName(conf, n); err != nil {
		return err
	}
	if err := sameWitnesses(h, conf, n); err != nil {
		return err
	}
	text, err := n.Marshal()
	if err != nil {
		return err
	}
	if t.dryRun {
		return t.would("would use network %s; nothing was changed", n.Name)
	}
	if err := h.SaveNetwork(n.Name, text); err != nil {
		return err
	}
	conf.Network = n.Name
	if err := h.Save(conf); err != nil {
		return err
	}
	known, err := h.Networks()
	if err != nil {
		return err
	}
	slices.Sort(known)
	return t.show(map[string]any{"network": n.Name, "networks": known}, func() {
		t.sayf("network %s, chain %d", n.Name, n.ChainID)
		t.notef("%s", admin.TrustText(n))
	})
}

// sameWitnesses refuses a network file that takes an organisation's witnesses
// away, or names others, unless the old ones have signed that: an administrator
// is shown a chain as easily as a device is.
func sameWitnesses(h home.Home, conf home.Config, n network.File) error {
	kept, err := network.Load(h.Network(n.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return &admin.Problem{Class: admin.Failed, Text: fmt.Sprintf("the kept network %s cannot be read", n.Name), Hint: "correct " + h.Network(n.Name) + ", or move it away", Err: err}
	}
	for name, o := range conf.Organisations {
		if o.Network != n.Name {
			continue
		}
		next, err := kept.WitnessSet().Follow(n.WitnessSet(), n.Rotations, o.Anchor.String())
		if err == nil && !next.Equal(n.WitnessSet()) {
			err = fmt.Errorf("%w: the file is an older one, or names none", witness.ErrRotation)
		}
		if err != nil {
			return &admin.Problem{Class: admin.No, Text: "organisation " + name + " has other witnesses", Err: err,
				Hint: "as many of the old witnesses as must agree sign the new file: dpki witness rotate OLD-FILE NEW-FILE --key FILE"}
		}
	}
	return nil
}

// unusedName refuses a network whose name stands for another one already.
func unusedName(conf home.Config, n network.File) error {
	for name, o := range conf.Organisations {
		if o.Network == n.Name && o.Anchor.Registry != n.Registry() {
			return &admin.Problem{Class: admin.Failed, Text: fmt.Sprintf("organisation %s uses another network called %s", name, n.Name), Hint: "give the network another name in its file"}
		}
	}
	return nil
}

func (t *tool) networkAnnounce(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	successor, err := successorFile(c.String("successor"))
	if err != nil {
		return err
	}
	all, err := d.AnnounceNetwork(c.Context, c.String("zone"), successor)
	if err != nil {
		return err
	}
	return t.show(all, func() {
		for _, a := range all {
			t.sayf("%s of zone %s", plural(a.Devices, "device"), a.Zone)
			t.posted(a.Posted)
		}
		if len(all) == 0 {
			t.notef("there is no zone")
		}
	})
}

// successorFile is the text of a network file; no name, no text.
func successorFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	n, err := network.Load(path)
	if err == nil {
		text, err := n.Marshal()
		return string(text), err
	}
	return "", &admin.Problem{Class: admin.Usage, Text: "the successor's network file cannot be used", Hint: "correct the file; NETWORK FILE in dpki(1) has the form", Err: err}
}
