package main

import (
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"text/tabwriter"
)

// report is the table of what was measured.
type report struct {
	out  io.Writer
	rows []row
}

// row is one figure. An empty bar is one that the design does not set.
type row struct {
	what, figure, bar, spread string
	held                      bool
}

// add adds a figure with its bar.
func (t *report) add(what, figure, bar string, held bool, spread string) {
	t.rows = append(t.rows, row{what, figure, bar, spread, held})
}

// note adds a figure without one.
func (t *report) note(what, figure, spread string) {
	t.rows = append(t.rows, row{what: what, figure: figure, spread: spread})
}

func (t *report) print() {
	fmt.Fprintf(t.out, "\n%s, %d cores, %s\n\n", runtime.Version(), runtime.NumCPU(), opensshVersion())
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "what\tmeasured\tbar\t\tspread")
	missed := 0
	for _, r := range t.rows {
		mark := ""
		switch {
		case r.bar == "":
		case r.held:
			mark = "held"
		default:
			mark = "MISSED"
			missed++
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", r.what, r.figure, r.bar, mark, r.spread)
	}
	w.Flush()
	fmt.Fprintf(t.out, "\n%d figures, %d bars missed\n", len(t.rows), missed)
}

func opensshVersion() string {
	out, err := exec.Command("ssh", "-V").CombinedOutput()
	if err != nil {
		return "no ssh"
	}
	version, _, _ := strings.Cut(string(out), ",")
	return version
}
