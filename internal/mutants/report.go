package main

import (
	"fmt"
	"io"
	"strings"
)

// report prints results and counts them.
type report struct {
	w                       io.Writer
	passed, failed, skipped int
	reason                  string // of those that were skipped
}

// tell prints a line for a mutant, and what is to be done where it was not killed.
func (p *report) tell(r result) {
	mark := "FAIL"
	switch r.verdict {
	case killed:
		mark, p.passed = "ok  ", p.passed+1
	case unneeded:
		mark, p.skipped, p.reason = "skip", p.skipped+1, r.said
	default:
		p.failed++
	}
	fmt.Fprintf(p.w, "%s %-42s %6.1fs  %s\n", mark, r.name, r.took.Seconds(), r.words())
	if mark != "FAIL" {
		return
	}
	fmt.Fprintf(p.w, "     guard: %s\n     gain:  %s\n     test:  %s\n     hint:  %s\n", r.guard, r.gain, r.test, r.hint())
	for line := range strings.Lines(r.said) {
		fmt.Fprintf(p.w, "     | %s\n", strings.TrimRight(line, "\n"))
	}
}

// words are the verdict in words.
func (r result) words() string {
	switch r.verdict {
	case killed:
		return fmt.Sprintf("killed by %s: %.100s", r.test, r.said)
	case survived:
		return "survived: the test passes without the guard"
	case stale:
		return "the patch does not apply to " + r.file
	case unbuilt:
		return "what the patch makes does not compile"
	case missing:
		return "the test did not run"
	case lost:
		return "no assertion failed: the process died, or took too long"
	case unsound:
		return "the test does not pass without the patch either"
	case unneeded:
		return r.said
	}
	return "not tried"
}

func (r result) hint() string {
	switch r.verdict {
	case survived:
		return "write a test that fails without the guard, or name the one that does"
	case stale, unbuilt, lost:
		return fmt.Sprintf("cp %s /tmp/mutant, take the guard out there, then go run ./internal/mutants -renew %s %s /tmp/mutant", r.file, r.name, r.file)
	case missing:
		return "name a test that exists and that runs anywhere, in internal/mutants/patches/" + r.name + ".patch"
	}
	return "make the test pass first"
}

// close prints the closing lines, which internal/suite counts, and returns the
// exit code.
func (p *report) close(ci bool) int {
	why := ""
	if p.skipped > 0 {
		why = fmt.Sprintf(" (%d x %s)", p.skipped, p.reason)
	}
	fmt.Fprintf(p.w, "ran %d, skipped %d%s\n%d passed, %d failed, %d skipped\n", p.passed+p.failed, p.skipped, why, p.passed, p.failed, p.skipped)
	if p.failed > 0 || p.passed == 0 || ci && p.skipped > 0 {
		return 1
	}
	return 0
}
