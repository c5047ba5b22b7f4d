package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/bundle/store/pinning"
)

func (t *tool) storeCommand() *cli.Command {
	return noun("store", "where encrypted content lies",
		verb("check", "", "fetch all content that the log announces from every store; name what nobody serves", 0, 0, t.storeCheck,
			&cli.BoolFlag{Name: "repair", Usage: "put again what one store has, or was kept here, and another store lacks"},
			&cli.StringFlag{Name: "wait", Value: "10s", Usage: "how long a store may take for one block: `DURATION`"}),
		verb("gc", "", "let stores go of content that is superseded, expired or revoked", 0, 0, t.storeGC,
			&cli.BoolFlag{Name: "unacknowledged", Usage: "also what is superseded where no receipt says that its successor was applied"},
			&cli.BoolFlag{Name: "all", Usage: "also what other administrators announced"}),
		verb("token", "URL FILE", "use a pinning service of the network file with the token in a file of mode 0600", 2, 2, t.storeToken),
	)
}

// every is how many steps pass between two lines of progress.
const every = 100

func (t *tool) progress(what string) func(done, all int) {
	return func(done, all int) {
		if done < all && done%every == 0 {
			t.notef("%s: %d of %d", what, done, all)
		}
	}
}

func (t *tool) storeCheck(c *cli.Context) error {
	wait, err := admin.ParseDuration(c.String("wait"))
	if err != nil {
		return err
	}
	d, err := t.open()
	if err != nil {
		return err
	}
	r, err := d.StoreCheck(c.Context, admin.StoreChecking{Repair: c.Bool("repair"), Wait: wait, Progress: t.progress("checked")})
	if err != nil {
		return err
	}
	err = t.show(r, func() {
		t.sayf("%s announced, %s", plural(r.Blocks, "block"), plural(len(r.Stores), "store"))
		var rows [][]string
		for _, b := range r.Missing {
			rows = append(rows, []string{"served by nobody", b.CID, b.What})
		}
		for _, b := range r.Partial {
			rows = append(rows, []string{standing(b, len(r.Stores)), b.CID, b.What})
		}
		for _, b := range r.Repaired {
			rows = append(rows, []string{"put into " + strings.Join(b.By, ", "), b.CID, b.What})
		}
		if len(rows) > 0 {
			t.table([]string{"STANDING", "CID", "WHAT"}, rows, "")
		}
		for _, s := range r.Strange {
			t.sayf("not known here, and not checked: %s", s)
		}
	})
	if err == nil && len(r.Missing)+r.Unknown > 0 {
		return &admin.Problem{Class: admin.No, Text: fmt.Sprintf("%s served by nobody", plural(len(r.Missing), "block")),
			Hint: "start the store that has them, then dpki store check --repair; a device that was not told yet waits for them"}
	}
	return err
}

// standing says how a block stands that some stores serve.
func standing(b admin.BlockReport, stores int) string {
	if len(b.By) == stores {
		return "served by all, not kept by all"
	}
	return "only by " + strings.Join(b.By, ", ")
}

func (t *tool) storeGC(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	g, err := d.StoreGarbage(c.Context, admin.StoreCollecting{Unacknowledged: c.Bool("unacknowledged"), All: c.Bool("all")})
	if err != nil {
		return err
	}
	err = t.show(g, func() {
		t.sayf("%s needed, %s to be let go of, %s kept although idle", plural(g.Needed, "block"), plural(len(g.LetGo), "block"), plural(len(g.Kept), "block"))
		var rows [][]string
		for _, b := range g.LetGo {
			rows = append(rows, []string{"let go", b.CID, b.What, b.Why, strings.Join(b.In, ", ")})
		}
		for _, b := range g.Kept {
			rows = append(rows, []string{"kept", b.CID, b.What, b.Why + "; " + b.Keep, strings.Join(b.In, ", ")})
		}
		if len(rows) > 0 {
			t.table([]string{"", "CID", "WHAT", "WHY", "IN"}, rows, "")
		}
	})
	if err != nil || t.dryRun || len(g.LetGo) == 0 {
		return err
	}
	if err := t.confirm(fmt.Sprintf("let %s go of %s?", strings.Join(g.Stores, ", "), plural(len(g.LetGo), "block")), "give --yes, or --dry-run to look only"); err != nil {
		return err
	}
	done, err := d.LetGo(c.Context, g, t.progress("let go"))
	t.notef("%s let go of", plural(done, "block"))
	return err
}

func (t *tool) storeToken(c *cli.Context) error {
	url, path := c.Args().Get(0), c.Args().Get(1)
	h, config, err := t.config()
	if err != nil {
		return err
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return err
	}
	config.Pinning = append(slices.DeleteFunc(config.Pinning, func(p home.Pinning) bool { return p.URL == url }), home.Pinning{URL: url, TokenFile: path})
	token, err := pinningToken(config, url)
	if err == nil {
		_, err = pinning.New(url, token, nil)
	}
	if err != nil {
		return &admin.Problem{Class: admin.Usage, Text: "this service cannot be used", Hint: "the file holds the token alone, belongs to you and has mode 0600", Err: err}
	}
	if t.dryRun {
		return nil
	}
	if err := h.Save(config); err != nil {
		return err
	}
	t.sayf("%s is used with the token in %s; name it in the network file: [[store]] type = \"pinning\"", url, path)
	return nil
}
