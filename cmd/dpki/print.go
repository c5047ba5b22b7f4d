package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"

	"dpki/admin"
)

// show prints v as JSON, or calls text.
func (t *tool) show(v any, text func()) error {
	if !t.json {
		text()
		return nil
	}
	e := json.NewEncoder(t.stdout)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// sayf prints a line of data.
func (t *tool) sayf(format string, args ...any) { fmt.Fprintf(t.stdout, format+"\n", args...) }

// notef prints a line for people, which is not the answer.
func (t *tool) notef(format string, args ...any) {
	if !t.quiet {
		fmt.Fprintf(t.stderr, "dpki: "+format+"\n", args...)
	}
}

// would says what was not done for --dry-run, where nothing can be told of what it
// would cost.
func (t *tool) would(format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	return t.show(map[string]any{"dry_run": true, "text": text}, func() { t.notef("%s", text) })
}

// table prints rows under a head, unless there are none.
func (t *tool) table(head []string, rows [][]string, none string) {
	if len(rows) == 0 {
		t.notef("%s", none)
		return
	}
	w := tabwriter.NewWriter(t.stdout, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(head, "\t"))
	for _, r := range rows {
		fmt.Fprintln(w, strings.Join(r, "\t"))
	}
	w.Flush()
}

// pairs prints names and values in two columns; those without a value are left out.
func (t *tool) pairs(list ...string) {
	w := tabwriter.NewWriter(t.stdout, 0, 8, 2, ' ', 0)
	for i := 0; i+1 < len(list); i += 2 {
		if list[i+1] != "" {
			fmt.Fprintf(w, "%s\t%s\n", list[i], list[i+1])
		}
	}
	w.Flush()
}

// posted prints what a transaction cost, or would.
func (t *tool) posted(p *admin.Posted) {
	switch {
	case p == nil:
	case p.DryRun:
		t.sayf("would cost %d gas, %s ETH (at most %s) from %s; nothing was sent", p.Gas, p.Fee, p.MaxFee, p.Account)
	default:
		t.sayf("block %d, %d gas, %s ETH", p.Block, p.Gas, p.Fee)
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// plural is "1 device", "2 devices".
func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
