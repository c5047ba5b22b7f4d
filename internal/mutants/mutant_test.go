package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"dpki/internal/harness"
)

// What is committed is in order: every patch applies to the checkout as it is, and
// its test is there. Whether the test fails without the guard, `make mutants` says.
func TestPatches(t *testing.T) {
	root := harness.RepoRoot()
	mutants, err := readMutants("patches")
	if err != nil {
		t.Fatal(err)
	}
	count, patches := map[string]int{}, map[string]string{}
	for _, m := range mutants {
		part, _, _ := strings.Cut(m.name, "/")
		count[part]++
		if _, err := m.apply(t.Context(), root, t.TempDir()); err != nil {
			t.Errorf("%s does not apply to %s: %v\nhint: %s", m.name, m.file, err, result{mutant: m, verdict: stale}.hint())
		}
		if !written(t, root, m.test) {
			t.Errorf("%s: there is no %s", m.name, m.test)
		}
		if (part == "contract") != m.test.contract() || (part == "contract") != strings.HasPrefix(m.file, "contracts/src/") {
			t.Errorf("%s changes %s and is killed by %s", m.name, m.file, m.test)
		}
		if other := patches[string(m.patch)]; other != "" {
			t.Errorf("%s and %s are the same patch", m.name, other)
		}
		patches[string(m.patch)] = m.name
	}
	for _, part := range parts {
		if count[part] < 12 {
			t.Errorf("%d mutants of the %s", count[part], part)
		}
	}
}

// written looks for the test in its source. Subtests have no place there.
func written(t *testing.T, root string, test testName) bool {
	t.Helper()
	if test.contract() {
		text, err := os.ReadFile(filepath.Join(root, test.folder))
		return err == nil && strings.Contains(string(text), "function "+test.test+"(")
	}
	files, err := filepath.Glob(filepath.Join(root, test.folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test.top()+"(t *testing.T) {") {
			return true
		}
	}
	return false
}

func TestParseMutant(t *testing.T) {
	const head = "guard: g\ngain: h\ntest: state.TestX/a_row\n"
	m, err := parseMutant("decision/it", []byte(head+goPatch))
	if err != nil || m.guard != "g" || m.gain != "h" || m.test.folder != "state" || m.test.top() != "TestX" || m.test.exactly() != "^TestX$/^a_row$" ||
		m.file != "guard/guard.go" || string(m.patch) != goPatch || m.head() != head {
		t.Fatalf("%+v, %v", m, err)
	}
	for name, text := range map[string]string{
		"empty":                   "",
		"no guard":                strings.TrimPrefix(head, "guard: g\n") + goPatch,
		"an empty gain":           strings.Replace(head, "gain: h", "gain: ", 1) + goPatch,
		"another order":           "gain: h\nguard: g\ntest: state.TestX\n" + goPatch,
		"a line more":             head + "note: n\n" + goPatch,
		"no test":                 strings.Replace(head, "state.TestX/a_row", "every", 1) + goPatch,
		"a test of no folder":     strings.Replace(head, "state.TestX", "TestX", 1) + goPatch,
		"a test outside":          strings.Replace(head, "state.TestX", "../state.TestX", 1) + goPatch,
		"a fuzz target":           strings.Replace(head, "state.TestX/a_row", "state.FuzzX", 1) + goPatch,
		"two files":               head + goPatch + forgePatch,
		"a file outside":          head + strings.ReplaceAll(goPatch, "guard/guard.go", "../guard.go"),
		"a patch of another tool": head + strings.TrimPrefix(goPatch, "diff --git a/guard/guard.go b/guard/guard.go\n"),
	} {
		if m, err := parseMutant("decision/it", []byte(text)); err == nil {
			t.Errorf("%s: %+v", name, m)
		}
	}
	// Not yet one, but a head to be renewed; readMutants refuses it.
	dir := t.TempDir()
	write(t, filepath.Join(dir, "decision/it.patch"), head)
	if m, err := readMutants(dir); err == nil {
		t.Errorf("without a patch: %+v", m)
	}
}

func TestRenew(t *testing.T) {
	root := writeToy(t, false)
	dir, copied := filepath.Join(root, "patches"), filepath.Join(t.TempDir(), "guard.go")
	path := filepath.Join(dir, "replay/it.patch")
	const head = "guard: g\ngain: h\ntest: guard.TestNegative\n"
	write(t, copied, strings.Replace(toy["guard/guard.go"], "n < 0", "n == 7", 1))
	if err := renew(root, dir, "replay/it", "guard/guard.go", copied); err == nil || !strings.Contains(err.Error(), "write its three lines first") {
		t.Errorf("without a head: %v", err)
	}
	for _, before := range []string{head, head + goStale} {
		write(t, path, before)
		if err := renew(root, dir, "replay/it", "guard/guard.go", copied); err != nil {
			t.Fatal(err)
		}
		mutants, err := readMutants(dir)
		if err != nil || len(mutants) != 1 || mutants[0].head() != head {
			t.Fatalf("%+v, %v", mutants, err)
		}
		got, err := mutants[0].apply(t.Context(), root, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(got)
		want, _ := os.ReadFile(copied)
		if err != nil || string(text) != string(want) {
			t.Errorf("applied:\n%s", text)
		}
	}
	// A patch stands where lines before it have come and gone.
	write(t, filepath.Join(root, "guard/guard.go"), strings.Replace(toy["guard/guard.go"], "package guard\n", "package guard\n\n// Three\n// lines\n// more.\n", 1))
	mutants, err := readMutants(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mutants[0].apply(t.Context(), root, t.TempDir()); err != nil {
		t.Errorf("after lines have moved: %v", err)
	}
	before, _ := os.ReadFile(path)
	if err := renew(root, dir, "replay/it", "guard/guard.go", filepath.Join(root, "guard/guard.go")); err == nil {
		t.Error("no difference is a patch")
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("a refused renewal has written")
	}
}

func TestChoose(t *testing.T) {
	all := []*mutant{{name: "contract/a"}, {name: "decision/a"}, {name: "decision/b"}}
	for patterns, want := range map[string]int{"": 3, "decision/*": 2, "*/a": 2, "decision/a decision/*": 2} {
		if got, err := choose(all, strings.Fields(patterns)); err != nil || len(got) != want {
			t.Errorf("%q: %d, %v", patterns, len(got), err)
		}
	}
	for _, patterns := range []string{"replay/*", "decision/* nothing", "["} {
		if got, err := choose(all, strings.Fields(patterns)); err == nil {
			t.Errorf("%q: %v", patterns, got)
		}
	}
}

func TestMistypedCallsDoNothing(t *testing.T) {
	for _, args := range [][]string{{"-frob"}, {"-j", "0"}, {"-renew", "decision/a"}, {"-renew", "decision/a", "one"}} {
		var out, errs strings.Builder
		if code := run(t.Context(), t.TempDir(), args, &out, &errs); code != 2 || out.Len() > 0 || errs.Len() == 0 {
			t.Errorf("%q: exit code %d, %q, %q", args, code, out.String(), errs.String())
		}
	}
}
