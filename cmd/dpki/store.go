package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
)

func (t *tool) storeCommand() *cli.Command {
	return noun("store", "where encrypted content lies",
		verb("check", "", "fetch all content that the log announces from every store; name what nobody serves", 0, 0, t.storeCheck))
}

func (t *tool) storeCheck(c *cli.Context) error {
	d, err := t.open()
	if err != nil {
		return err
	}
	r, err := d.StoreCheck(c.Context)
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
			rows = append(rows, []string{"only by " + strings.Join(b.By, ", "), b.CID, b.What})
		}
		if len(rows) > 0 {
			t.table([]string{"STANDING", "CID", "WHAT"}, rows, "")
		}
	})
	if err == nil && len(r.Missing)+r.Unknown > 0 {
		return &admin.Problem{Class: admin.No, Text: fmt.Sprintf("%s served by nobody", plural(len(r.Missing), "block")),
			Hint: "start the store that has them; a device that was not told yet waits for them"}
	}
	return err
}
