package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// verdict is what came of a mutant. The zero value is none, and a failure like all
// others but killed and unneeded.
type verdict uint8

const (
	undecided verdict = iota
	killed            // by the named test
	survived          // the named test passes
	stale             // the patch does not apply
	unbuilt           // it applies, and does not compile
	missing           // the named test did not run, or skipped itself
	lost              // the process died, or took too long
	unsound           // the named test does not pass without the patch
	unneeded          // not tried: a tool is not there
)

// result is a mutant with its verdict.
type result struct {
	*mutant
	verdict verdict
	took    time.Duration
	said    string // the test, or why there is no verdict of it
}

// bench is where mutants are tried.
type bench struct {
	root  string        // of the checkout
	tmp   string        // a folder of its own
	limit time.Duration // for one test
	at    int           // how many at a time
}

// all tries all mutants, and the tests that they name without them. tell is called
// for each, in order.
func (b *bench) all(ctx context.Context, mutants []*mutant, tell func(result)) {
	hasForge := false
	if _, err := os.Stat(filepath.Join(b.root, "contracts", forgeTool)); err == nil {
		hasForge = true
	}
	turn := make(chan struct{}, b.at)
	sound := map[string]func() ran{}
	for g, tests := range grouped(mutants) {
		sound[g] = sync.OnceValue(func() ran {
			turn <- struct{}{}
			defer func() { <-turn }()
			return b.unpatched(ctx, g, tests)
		})
	}
	results := make([]chan result, len(mutants))
	for i := range results {
		results[i] = make(chan result, 1)
	}
	go func() {
		for i, m := range mutants {
			if m.test.contract() && !hasForge {
				results[i] <- result{mutant: m, verdict: unneeded, said: "needs forge: make contracts-tools"}
				continue
			}
			turn <- struct{}{}
			go func() {
				r := b.try(ctx, m)
				<-turn
				r.compare(sound[group(m.test)]())
				results[i] <- r
			}()
		}
	}()
	for i := range results {
		tell(<-results[i])
	}
}

// group is the folder of a Go test; all tests of the contract are run at once.
func group(t testName) string {
	if t.contract() {
		return "contracts"
	}
	return t.folder
}

// grouped are the tests that mutants name, by group.
func grouped(mutants []*mutant) map[string][]testName {
	groups := map[string][]testName{}
	for _, m := range mutants {
		groups[group(m.test)] = append(groups[group(m.test)], m.test)
	}
	return groups
}

// unpatched runs the tests of one group as they are, subtests with their tops.
func (b *bench) unpatched(ctx context.Context, group string, tests []testName) ran {
	names := either(tests, testName.top)
	if group != "contracts" {
		return goTest(ctx, b.root, group, "^("+strings.Join(names, "|")+")$", "", b.limit)
	}
	dir := filepath.Join(b.tmp, "unpatched")
	defer os.RemoveAll(dir)
	if err := copyContract(b.root, dir); err != nil {
		return ran{unbuilt: true, output: err.Error()}
	}
	files := "{" + strings.Join(either(tests, testName.file), ",") + "}"
	return forgeTest(ctx, filepath.Join(dir, "contracts"), files, "^("+strings.Join(names, "|")+`)\(`, b.limit)
}

// either is what tests have of one kind, once each.
func either(tests []testName, of func(testName) string) []string {
	var all []string
	for _, t := range tests {
		all = append(all, of(t))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// compare takes a verdict back whose test does not pass without the patch: nothing
// that it does with it is then of the patch.
func (r *result) compare(without ran) {
	o := without.what(r.test.test)
	switch {
	case r.verdict == stale || o == passed:
	case without.late || without.unbuilt || o == failed || o == died:
		r.verdict, r.said = unsound, without.said[r.test.test]+"\n"+without.output
	default:
		_, r.said = without.verdict(r.test.test)
		r.verdict = missing
	}
}

// try builds one mutant and runs its test.
func (b *bench) try(ctx context.Context, m *mutant) (r result) {
	start := time.Now()
	r.mutant = m
	defer func() { r.took = time.Since(start) }()
	dir, err := os.MkdirTemp(b.tmp, "mutant-")
	if err != nil {
		r.verdict, r.said = lost, err.Error()
		return r
	}
	defer os.RemoveAll(dir)
	if m.test.contract() {
		if err := copyContract(b.root, dir); err != nil {
			r.verdict, r.said = lost, err.Error()
			return r
		}
	}
	path, err := m.apply(ctx, b.root, dir)
	if err != nil {
		r.verdict, r.said = stale, err.Error()
		return r
	}
	with := b.with(ctx, m, dir, path)
	r.verdict, r.said = with.verdict(m.test.test)
	return r
}

// with runs the test on the patched file.
func (b *bench) with(ctx context.Context, m *mutant, dir, path string) ran {
	if m.test.contract() {
		return forgeTest(ctx, filepath.Join(dir, "contracts"), m.test.file(), "^"+m.test.test+`\(`, b.limit)
	}
	overlay := filepath.Join(dir, "overlay.json")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(b.root, m.file): path}})
	if err == nil {
		err = os.WriteFile(overlay, text, 0o644)
	}
	if err != nil {
		return ran{output: err.Error()}
	}
	return goTest(ctx, b.root, m.test.folder, m.test.exactly(), overlay, b.limit)
}

func (r ran) verdict(test string) (verdict, string) {
	switch {
	case r.late:
		return lost, "it took too long\n" + r.output
	case r.unbuilt:
		return unbuilt, r.output
	}
	switch r.what(test) {
	case passed:
		return survived, ""
	case failed:
		return killed, r.said[test]
	case died:
		return lost, r.output
	case skipped:
		return missing, fmt.Sprintf("it skipped itself: %s", r.said[test])
	}
	return missing, r.output
}
