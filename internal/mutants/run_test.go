package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/internal/harness"
)

// verdictRow is a mutant of the toy and what is to come of it.
type verdictRow struct {
	name, test, patch string
	want              verdict
	says              string // in what is printed
}

// try runs mutants of one toy by what the command runs.
func try(t *testing.T, tools bool, limit time.Duration, rows []verdictRow) {
	t.Helper()
	root := writeToy(t, tools)
	dir := filepath.Join(root, "patches")
	want := map[string]verdictRow{}
	for _, row := range rows {
		name := strings.ReplaceAll(row.name, " ", "-")
		write(t, filepath.Join(dir, "decision", name+".patch"), "guard: g\ngain: h\ntest: "+row.test+"\n"+row.patch)
		want["decision/"+name] = row
	}
	mutants, err := readMutants(dir)
	if err != nil || len(mutants) != len(rows) {
		t.Fatal(mutants, err)
	}
	b := &bench{root: root, tmp: t.TempDir(), limit: limit, at: 2}
	b.all(t.Context(), mutants, func(r result) {
		var out strings.Builder
		p := &report{w: &out}
		p.tell(r)
		code, row := p.close(true), want[r.name]
		if r.verdict != row.want || !strings.Contains(out.String(), row.says) || (code == 0) != (row.want == killed) {
			t.Errorf("%s: verdict %d, exit code %d, want %d and %q in\n%s", row.name, r.verdict, code, row.want, row.says, out.String())
		}
		delete(want, r.name)
	})
	if len(want) > 0 {
		t.Errorf("nothing is said of %v", want)
	}
	for _, name := range []string{"guard/guard.go", "contracts/src/Guard.sol"} {
		if text, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(text) != toy[name] {
			t.Errorf("%s was changed: %v", name, err)
		}
	}
	if left, err := os.ReadDir(b.tmp); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestGoMutants(t *testing.T) {
	t.Parallel()
	try(t, false, time.Minute, []verdictRow{
		{"killed", "guard.TestNegative", goPatch, killed, "killed by guard.TestNegative: minus one was let in\n"},
		{"killed by a subtest", "guard.TestRows/minus_one", goPatch, killed, "let in by its row"},
		{"killed by some subtest", "guard.TestRows", goPatch, killed, "let in by its row"},
		{"survives", "guard.TestPositive", goPatch, survived, "hint:  write a test"},
		{"survives a subtest", "guard.TestRows/one", goPatch, survived, "survived"},
		{"does not apply", "guard.TestNegative", goStale, stale, "-renew decision/does-not-apply guard/guard.go"},
		{"does not compile", "guard.TestNegative", goUnbuilt, unbuilt, "undefined: m"},
		{"no such test", "guard.TestNothing", goPatch, missing, "name a test that exists"},
		{"no such subtest", "guard.TestRows/two", goPatch, missing, "name a test that exists"},
		{"no such package", "gourd.TestNegative", goPatch, unsound, "directory not found"},
		{"skips itself", "guard.TestSkips", goPatch, missing, "it is Monday"},
		{"fails anyway", "guard.TestFailsAnyway", goPatch, unsound, "a bad day"},
		{"panics", "guard.TestPanics", goPatch, lost, "panic: minus one was let in"},
	})
	try(t, false, time.Second, []verdictRow{{"hangs", "guard.TestHangs", goPatch, lost, "test timed out"}})
}

func TestForgeMutants(t *testing.T) {
	t.Parallel()
	harness.Need(t, harness.Forge)
	const file = "contracts/test/Guard.t.sol."
	try(t, true, time.Minute, []verdictRow{
		{"killed", file + "test_negative", forgePatch, killed, "test_negative: minus one was let in\n"},
		{"survives", file + "test_positive", forgePatch, survived, "hint:  write a test"},
		{"does not apply", file + "test_negative", forgeStale, stale, "-renew decision/does-not-apply contracts/src/Guard.sol"},
		{"does not compile", file + "test_negative", forgeUnbuilt, unbuilt, "Undeclared identifier"},
		{"no such test", file + "test_nothing", forgePatch, missing, "name a test that exists"},
		{"fails anyway", file + "test_fails_anyway", forgePatch, unsound, "a bad day"},
	})
}

// Without forge nothing is said of the contract, and CI is told so.
func TestWithoutForge(t *testing.T) {
	try(t, false, time.Minute, []verdictRow{{"it", "contracts/test/Guard.t.sol.test_negative", forgePatch, unneeded, "skip decision/it"}})
}

// An interrupt is no verdict.
func TestInterrupted(t *testing.T) {
	root := writeToy(t, false)
	write(t, filepath.Join(root, "patches/decision/it.patch"), "guard: g\ngain: h\ntest: guard.TestNegative\n"+goPatch)
	mutants, err := readMutants(filepath.Join(root, "patches"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	b := &bench{root: root, tmp: t.TempDir(), limit: time.Minute, at: 1}
	b.all(ctx, mutants, func(r result) {
		if r.verdict == killed || r.verdict == survived {
			t.Errorf("verdict %d", r.verdict)
		}
	})
}
