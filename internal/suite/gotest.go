package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// goTest runs `go test -json` with the arguments, in the folder; empty means the current one.
func goTest(dir string, args []string, w io.Writer) (tally, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return tally{}, err
	}
	if err := cmd.Start(); err != nil {
		return tally{}, err
	}
	r := newReport(w)
	if err := r.read(out); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return tally{}, err
	}
	exit := cmd.Wait()
	t := r.sum()
	if exit != nil && t.Failed == 0 && len(t.Broken) == 0 {
		t.Broken = append(t.Broken, "go test: "+exit.Error())
	}
	return t, nil
}

// event is one line of `go test -json` (cmd/test2json, and `go help buildjson` for the build- actions).
type event struct {
	Action, Package, Test, Output, ImportPath string
	Elapsed                                   float64
}

// report follows the events of one run and shows a package when it ends.
type report struct {
	w        io.Writer
	packages map[string]*pkg
	total    tally
}

type pkg struct {
	output strings.Builder // of the package itself, not of a test
	tests  map[string]*test
	order  []string
}

type test struct {
	output  strings.Builder
	outcome string // "pass", "fail", "skip"; empty while it runs, and for ever if the process died under it
	parent  bool   // has subtests
	broken  bool   // a subtest failed
}

func newReport(w io.Writer) *report { return &report{w: w, packages: map[string]*pkg{}} }

func (r *report) read(in io.Reader) error {
	for s := bufio.NewReader(in); ; {
		line, err := s.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		// A test binary that writes to the terminal by itself, or go itself: show it, it may explain a failure.
		r.w.Write(line)
		return
	}
	switch {
	case e.Action == "build-output":
		fmt.Fprint(r.w, e.Output)
	case e.Action == "build-fail":
	case e.Package == "":
	case e.Test != "":
		r.pkg(e.Package).event(e)
	default:
		r.packageEvent(e)
	}
}

func (r *report) pkg(name string) *pkg {
	p := r.packages[name]
	if p == nil {
		p = &pkg{tests: map[string]*test{}}
		r.packages[name] = p
	}
	return p
}

func (p *pkg) test(name string) *test {
	t := p.tests[name]
	if t == nil {
		t = new(test)
		p.tests[name] = t
		p.order = append(p.order, name)
	}
	return t
}

// parent finds the test that a subtest belongs to, nil for a test of the top. A subtest's own name may hold slashes.
func (p *pkg) parent(name string) *test {
	for i := strings.LastIndexByte(name, '/'); i > 0; i = strings.LastIndexByte(name[:i], '/') {
		if t := p.tests[name[:i]]; t != nil {
			return t
		}
	}
	return nil
}

func (p *pkg) event(e event) {
	t := p.test(e.Test)
	switch e.Action {
	case "run":
		// -count and -cpu run a test again: one that failed has failed, whatever comes after.
		if t.outcome != "fail" {
			t.outcome = ""
		}
		if parent := p.parent(e.Test); parent != nil {
			parent.parent = true
		}
	case "output":
		t.output.WriteString(e.Output)
	case "pass", "skip":
		if t.outcome != "fail" {
			t.outcome = e.Action
		}
	case "fail":
		t.outcome = "fail"
		if parent := p.parent(e.Test); parent != nil {
			parent.broken = true
		}
	}
}

func (r *report) packageEvent(e event) {
	p := r.pkg(e.Package)
	switch e.Action {
	case "output":
		p.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		t := p.tally(e.Package, e.Action == "fail")
		r.show(e, p, t)
		r.total.add(t)
		delete(r.packages, e.Package)
	}
}

// tally counts what a package came to once it has ended.
func (p *pkg) tally(name string, failed bool) (t tally) {
	for _, n := range p.order {
		c := p.tests[n]
		switch {
		case c.outcome == "":
			c.outcome = "fail" // the process died under it
			t.Failed++
		case c.outcome == "fail" && !c.broken:
			t.Failed++
		case c.parent:
		case c.outcome == "skip":
			t.skip(why(c.output.String()))
		case c.outcome == "pass" && seedless(n):
			t.Broken = append(t.Broken, fmt.Sprintf("%s: %s has no seeds (f.Add, or testdata/fuzz/%s)", name, n, n))
		case c.outcome == "pass":
			t.Passed++
		}
	}
	if failed && t.Failed == 0 {
		t.Broken = append(t.Broken, name+" failed outside of its tests")
	}
	return t
}

// seedless: a fuzz target runs each of its seeds as a subtest, so one that has none had no input at all.
func seedless(name string) bool {
	return strings.HasPrefix(name, "Fuzz") && !strings.Contains(name, "/")
}

// show prints a line for the package, and everything that explains a failure.
func (r *report) show(e event, p *pkg, t tally) {
	verdict := "ok  "
	switch {
	case e.Action == "fail" || t.Failed > 0 || len(t.Broken) > 0:
		verdict = "FAIL"
	case t.Passed+t.Skipped == 0:
		return // no test files, or none that was asked for
	}
	fmt.Fprintf(r.w, "%s %-40s %7.2fs  %d passed, %d failed, %d skipped\n", verdict, e.Package, e.Elapsed, t.Passed, t.Failed, t.Skipped)
	fmt.Fprint(r.w, p.measured())
	if verdict == "ok  " {
		return
	}
	for _, n := range p.order {
		c := p.tests[n]
		if c.outcome != "fail" {
			continue
		}
		text := c.output.String()
		if !strings.Contains(text, "--- FAIL") {
			text += "--- FAIL: " + n + ": the process ended under it\n"
		}
		fmt.Fprint(r.w, indent(text))
	}
	fmt.Fprint(r.w, indent(p.output.String()))
}

// figure begins what a test logs to be read also when it passes.
const figure = "measured: "

// measured are the figures of a package's tests, a line each.
func (p *pkg) measured() string {
	var b strings.Builder
	for _, n := range p.order {
		for line := range strings.Lines(p.tests[n].output.String()) {
			if _, text, ok := strings.Cut(line, ".go:"); ok {
				if _, text, ok = strings.Cut(text, ": "+figure); ok {
					fmt.Fprintf(&b, "     %s: %s", n, text)
				}
			}
		}
	}
	return b.String()
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "=== ") {
			b.WriteString("    " + line)
		}
	}
	return b.String()
}

// why finds the reason in a skipped test's output: the last line that the test itself wrote, as "file.go:12: reason".
func why(output string) string {
	reason := "no reason given"
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") {
			continue
		}
		if _, text, ok := strings.Cut(line, ".go:"); ok {
			if _, text, ok = strings.Cut(text, ": "); ok {
				reason = text
			}
		}
	}
	return reason
}

// sum closes the report. A package that never ended is one whose process was lost.
func (r *report) sum() tally {
	for name, p := range r.packages {
		t := p.tally(name, true)
		r.show(event{Action: "fail", Package: name}, p, t)
		r.total.add(t)
	}
	return r.total
}
