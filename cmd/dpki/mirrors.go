package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"dpki/admin"
	"dpki/internal/network"
	"dpki/registry/source"
	"dpki/registry/verify"
)

// dialMirrors prepares the mirrors of a network file, in its order.
func dialMirrors(n network.File) ([]*source.Mirror, error) {
	var all []*source.Mirror
	for _, url := range n.Mirrors {
		m, err := source.DialMirror(url)
		if err != nil {
			return nil, &admin.Problem{Class: admin.Usage, Text: "the network file names a mirror that cannot be used", Hint: "dpki network show", Err: err}
		}
		all = append(all, m)
	}
	return all, nil
}

// mirrorName is for alarms. Two may stand at one host.
func mirrorName(n network.File, i int) string {
	return fmt.Sprintf("mirror %d at %s", i+1, source.Name(n.Mirrors[i]))
}

// archives are where old entries are looked for that endpoints do not serve.
func archives(n network.File, mirrors []*source.Mirror) []verify.Archive {
	var all []verify.Archive
	for i, m := range mirrors {
		all = append(all, verify.Archive{Name: mirrorName(n, i), Source: m})
	}
	for _, s := range n.Stores {
		if s.Type == network.Folder {
			all = append(all, verify.Archive{Name: "folder " + s.Path, Source: source.Folder{Path: s.Path}})
		}
	}
	return all
}

func receipts(mirrors []*source.Mirror) []admin.ReceiptSource {
	var all []admin.ReceiptSource
	for _, m := range mirrors {
		all = append(all, m)
	}
	return all
}

// shownReadiness is the JSON of `device list --ready`, shownReadyPerson that of
// `person list --ready`.
type (
	shownReadiness struct {
		admin.Device
		Readiness admin.Readiness `json:"readiness"`
	}
	shownReadyPerson struct {
		admin.Person
		Readiness admin.Readiness `json:"readiness"`
	}
)

func (t *tool) deviceReadiness(c *cli.Context, d *admin.Desk, list []admin.Device) error {
	ready, err := d.Readiness(c.Context, list)
	if err != nil {
		return err
	}
	shown, lines := []shownReadiness{}, []readyLine{}
	for _, v := range list {
		shown, lines = append(shown, shownReadiness{v, ready[v.ID]}), append(lines, readyLine{v.Zone + "/" + v.Name, ready[v.ID]})
	}
	return t.showReady("device", shown, lines, "no device is enrolled; on the device: dpkid enroll, here: dpki device add REQUEST",
		"see dpkid status there; a device says how far it has come to the network's mirrors only")
}

func (t *tool) personReadiness(c *cli.Context, d *admin.Desk, list []admin.Person) error {
	ready, err := d.PeopleReadiness(c.Context, list)
	if err != nil {
		return err
	}
	shown, lines := []shownReadyPerson{}, []readyLine{}
	for _, v := range list {
		shown, lines = append(shown, shownReadyPerson{v, ready[v.ID]}), append(lines, readyLine{v.Zone + "/" + v.Name, ready[v.ID]})
	}
	return t.showReady("person", shown, lines, nobodyEnrolled, "dpki receive there says so to the network's mirrors, if it runs")
}

// readyLine is how far one of them has come.
type readyLine struct {
	name string
	admin.Readiness
}

func (t *tool) showReady(what string, shown any, lines []readyLine, none, hint string) error {
	behind := 0
	var rows [][]string
	for _, l := range lines {
		heard := "-"
		if l.Time != 0 {
			heard = l.Time.String()
		}
		if !l.Ready {
			behind++
		}
		rows = append(rows, []string{l.name, l.Text, heard})
	}
	err := t.show(shown, func() { t.table([]string{strings.ToUpper(what), "READY", "HEARD OF"}, rows, none) })
	if err == nil && behind > 0 {
		return &admin.Problem{Class: admin.No, Text: fmt.Sprintf("%s not ready, or not heard of", plural(behind, what)), Hint: hint}
	}
	return err
}
