package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

// A tally is what a run came to. The zero value is a run of nothing, which fails.
type tally struct {
	Passed, Failed, Skipped int
	Reasons                 map[string]int // why tests were skipped, and how many for that reason
	Broken                  []string       // what is wrong with the run itself
}

func (t *tally) skip(reason string) {
	if t.Reasons == nil {
		t.Reasons = map[string]int{}
	}
	t.Skipped++
	t.Reasons[reason]++
}

func (t *tally) add(o tally) {
	t.Passed += o.Passed
	t.Failed += o.Failed
	t.Skipped += o.Skipped
	for r, n := range o.Reasons {
		if t.Reasons == nil {
			t.Reasons = map[string]int{}
		}
		t.Reasons[r] += n
	}
	t.Broken = append(t.Broken, o.Broken...)
}

// close prints the closing lines and returns the exit code.
func (t tally) close(w io.Writer, ci bool) int {
	ran := t.Passed + t.Failed
	if ran == 0 {
		t.Broken = append(t.Broken, "no tests ran")
	}
	if ci && t.Skipped > 0 {
		t.Broken = append(t.Broken, "CI=true and tests were skipped")
	}
	for _, b := range t.Broken {
		fmt.Fprintf(w, "FAIL: %s\n", b)
	}
	// A broken run never closes with a line that a reader could take for a pass.
	failed := t.Failed + len(t.Broken)
	fmt.Fprintf(w, "ran %d, skipped %d%s\n", ran, t.Skipped, t.reasons())
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", t.Passed, failed, t.Skipped)
	if failed > 0 {
		return 1
	}
	return 0
}

func (t tally) reasons() string {
	var parts []string
	for _, r := range slices.Sorted(maps.Keys(t.Reasons)) {
		parts = append(parts, fmt.Sprintf("%d x %s", t.Reasons[r], r))
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, "; ") + ")"
}

// The tally file is one JSON object a line.
func appendTally(path string, t tally) error {
	line, err := json.Marshal(t)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

func readTally(path string) (sum tally, err error) {
	f, err := os.Open(path)
	if err != nil {
		return tally{}, err
	}
	defer f.Close()
	for d := json.NewDecoder(f); ; {
		var t tally
		if err := d.Decode(&t); errors.Is(err, io.EOF) {
			return sum, nil
		} else if err != nil {
			return tally{}, fmt.Errorf("%s: %w", path, err)
		}
		sum.add(t)
	}
}
