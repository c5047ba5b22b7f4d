package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/contracts"
	"dpki/registry/post"
)

func (t *tool) networkDeploy(c *cli.Context) error {
	h, err := t.folders()
	if err != nil {
		return err
	}
	n, err := t.currentNetwork()
	if err != nil {
		return err
	}
	d := contracts.Deterministic()
	if n.Contract != d.Contract {
		return usage(fmt.Sprintf("network %s names contract %s, and this program's stands at %s on every chain", n.Name, n.Contract, d.Contract),
			"correct contract in the network file: dpki network show")
	}
	if t.dryRun {
		return t.would("would put the contract at %s of chain %d, unless it stands there; nothing was sent", d.Contract, n.ChainID)
	}
	account, err := admin.Account(h)
	if err != nil {
		return err
	}
	poster, unlock, err := t.poster(h, n, account)
	if err != nil {
		return err
	}
	client, ok := poster.(*post.Client)
	if !ok {
		return errors.New("this poster cannot deploy")
	}
	r, err := admin.Deploy(c.Context, client, unlock)
	if err != nil {
		return err
	}
	return t.show(r, func() {
		if !r.Sent {
			t.sayf("the contract stands at %s already", r.Contract)
			return
		}
		t.sayf("the contract stands at %s since block %d: that is deploy_block in the network file", r.Contract, r.Block)
	})
}
