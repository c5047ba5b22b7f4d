package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Real `go test` runs over a small module: what the suite must tell apart is how go itself reports it.
var module = map[string]string{
	"go.mod":                         "module m\n\ngo 1.24\n",
	"good/a_test.go":                 "package a\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Run(\"x\", func(t *testing.T) {}); t.Run(\"y/z\", func(t *testing.T) {}) }\nfunc TestB(t *testing.T) {}\n",
	"bad/a_test.go":                  "package a\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Run(\"x\", func(t *testing.T) { t.Error(\"got 1, want 2\") }) }\nfunc TestB(t *testing.T) {}\n",
	"once/a_test.go":                 "package a\nimport \"testing\"\nvar again bool\nfunc TestA(t *testing.T) { if !again { again = true; t.Error(\"got 1, want 2\") } }\nfunc TestB(t *testing.T) {}\n",
	"skips/a_test.go":                "package a\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Skip(\"needs sshd: not found\") }\nfunc TestB(t *testing.T) {}\n",
	"dies/a_test.go":                 "package a\nimport (\"os\"; \"testing\")\nfunc TestA(t *testing.T) {}\nfunc TestB(t *testing.T) { os.Exit(3) }\n",
	"quits/a_test.go":                "package a\nimport (\"os\"; \"testing\")\nfunc TestMain(m *testing.M) { os.Exit(1) }\nfunc TestA(t *testing.T) {}\n",
	"broken/a_test.go":               "package a\nimport \"testing\"\nfunc TestA(t *testing.T) { undefined() }\n",
	"empty/a.go":                     "package a\n",
	"measures/a_test.go":             "package a\nimport \"testing\"\nfunc TestA(t *testing.T) { t.Log(\"measured: p99 7 ms\"); t.Log(\"chatter\") }\n",
	"seedless/a_test.go":             "package a\nimport \"testing\"\nfunc FuzzA(f *testing.F) { f.Fuzz(func(t *testing.T, b []byte) {}) }\nfunc TestB(t *testing.T) {}\n",
	"seeded/a_test.go":               "package a\nimport \"testing\"\nfunc FuzzA(f *testing.F) { f.Add([]byte(\"x\")); f.Fuzz(func(t *testing.T, b []byte) {}) }\n",
	"seedfile/a_test.go":             "package a\nimport \"testing\"\nfunc FuzzA(f *testing.F) { f.Fuzz(func(t *testing.T, b []byte) {}) }\n",
	"seedfile/testdata/fuzz/FuzzA/1": "go test fuzz v1\n[]byte(\"x\")\n",
}

func writeModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range module {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestGo(t *testing.T) {
	dir := writeModule(t)
	for _, c := range []struct {
		packages string
		ci       bool
		code     int
		closing  string   // the last two lines
		says     []string // in what comes before them
	}{
		{"./good", true, 0, "ran 3, skipped 0\n3 passed, 0 failed, 0 skipped\n", nil},
		{"./bad", false, 1, "ran 2, skipped 0\n1 passed, 1 failed, 0 skipped\n", []string{"FAIL m/bad", "got 1, want 2"}},
		{"-count=3 ./once", false, 1, "ran 2, skipped 0\n1 passed, 1 failed, 0 skipped\n", []string{"FAIL m/once", "got 1, want 2"}},
		{"-count=3 ./good", true, 0, "ran 3, skipped 0\n3 passed, 0 failed, 0 skipped\n", nil},
		{"./skips", false, 0, "ran 1, skipped 1 (1 x needs sshd: not found)\n1 passed, 0 failed, 1 skipped\n", nil},
		{"./skips", true, 1, "ran 1, skipped 1 (1 x needs sshd: not found)\n1 passed, 1 failed, 1 skipped\n", []string{"CI=true and tests were skipped"}},
		{"./dies", false, 1, "ran 2, skipped 0\n1 passed, 1 failed, 0 skipped\n", []string{"TestB: the process ended under it"}},
		{"./quits ./good", false, 1, "ran 3, skipped 0\n3 passed, 1 failed, 0 skipped\n", []string{"m/quits failed outside of its tests"}},
		{"./broken ./good", false, 1, "ran 3, skipped 0\n3 passed, 1 failed, 0 skipped\n", []string{"undefined: undefined"}},
		{"./empty", false, 1, "ran 0, skipped 0\n0 passed, 1 failed, 0 skipped\n", []string{"no tests ran"}},
		{"-run TestNothing ./good", false, 1, "ran 0, skipped 0\n0 passed, 1 failed, 0 skipped\n", []string{"no tests ran"}},
		{"./nowhere", false, 1, "ran 0, skipped 0\n0 passed, 2 failed, 0 skipped\n", nil},
		{"./measures", true, 0, "ran 1, skipped 0\n1 passed, 0 failed, 0 skipped\n", []string{"TestA: p99 7 ms"}},
		{"./seedless", false, 1, "ran 1, skipped 0\n1 passed, 1 failed, 0 skipped\n", []string{"FuzzA has no seeds"}},
		{"./seeded ./seedfile", true, 0, "ran 2, skipped 0\n2 passed, 0 failed, 0 skipped\n", nil},
	} {
		t.Run(strings.NewReplacer("./", "", " ", "+").Replace(c.packages), func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			got, err := goTest(dir, strings.Fields(c.packages), &out)
			if err != nil {
				t.Fatal(err)
			}
			if code := got.close(&out, c.ci); code != c.code {
				t.Errorf("exit code = %d, want %d", code, c.code)
			}
			if !strings.HasSuffix(out.String(), c.closing) {
				t.Errorf("want at the end:\n%s", c.closing)
			}
			for _, want := range c.says {
				if !strings.Contains(out.String(), want) {
					t.Errorf("want %q in the output", want)
				}
			}
			if t.Failed() {
				t.Logf("output:\n%s", out.String())
			}
		})
	}
}

func TestFuzzRunsEveryTarget(t *testing.T) {
	t.Chdir(writeModule(t))
	var out, errs bytes.Buffer
	// A count, not a time: a busy machine needs longer than any short time to begin.
	code := run([]string{"fuzz", "10x", "./good", "./seeded", "./seedfile"}, &out, &errs)
	if code != 0 || !strings.Contains(out.String(), "ok   m/seeded FuzzA") || !strings.HasSuffix(out.String(), "2 passed, 0 failed, 0 skipped\n") {
		t.Errorf("exit code = %d, output:\n%s%s", code, out.String(), errs.String())
	}
}

func TestStep(t *testing.T) {
	for _, c := range []struct {
		script string
		code   int
		says   string
		silent bool
	}{
		{"echo chatter", 0, "ok   look", true},
		{"echo chatter; exit 1", 1, "FAIL look", false},
	} {
		var out, errs bytes.Buffer
		if code := run([]string{"step", "look", "sh", "-c", c.script}, &out, &errs); code != c.code {
			t.Errorf("%q: exit code = %d, want %d", c.script, code, c.code)
		}
		if !strings.Contains(out.String(), c.says) || strings.Contains(out.String(), "chatter") == c.silent {
			t.Errorf("%q: output:\n%s", c.script, out.String())
		}
	}
}

func TestForgeCountsItsTests(t *testing.T) {
	for _, c := range []struct {
		script, closing string
		code            int
	}{
		{`echo "Ran 2 test suites in 1.20s (2.00s CPU time): 41 tests passed, 0 failed, 0 skipped (41 total tests)"`, "41 passed, 0 failed, 0 skipped\n", 0},
		{`echo "Ran 1 test suite in 1.20s (2.00s CPU time): 3 tests passed, 1 failed, 0 skipped (4 total tests)"; exit 1`, "3 passed, 1 failed, 0 skipped\n", 1},
		{`echo "Compiler run failed"; exit 1`, "0 passed, 2 failed, 0 skipped\n", 1},
		{`echo "No tests found"`, "0 passed, 1 failed, 0 skipped\n", 1},
	} {
		var out bytes.Buffer
		if code := run([]string{"forge", "sh", "-c", c.script}, &out, &out); code != c.code || !strings.HasSuffix(out.String(), c.closing) {
			t.Errorf("%q: exit code %d, want %d; output:\n%s", c.script, code, c.code, out.String())
		}
	}
}

func TestCountsWhatACommandHasCounted(t *testing.T) {
	t.Setenv("CI", "")
	for _, c := range []struct {
		script, out string
		code        int
	}{
		{`echo a line; echo "ran 2, skipped 0"; echo "2 passed, 0 failed, 0 skipped"`, "a line\nran 2, skipped 0\n2 passed, 0 failed, 0 skipped\n", 0},
		{`echo "ran 2, skipped 1 (1 x needs forge)"; echo "2 passed, 0 failed, 1 skipped"`, "ran 2, skipped 1 (1 x needs forge)\n2 passed, 0 failed, 1 skipped\n", 0},
		{`echo "ran 3, skipped 0"; echo "2 passed, 1 failed, 0 skipped"; exit 1`, "ran 3, skipped 0\n2 passed, 1 failed, 0 skipped\n", 1},
		{`echo "ran 3, skipped 0"; echo "2 passed, 1 failed, 0 skipped"`, "ran 3, skipped 0\n2 passed, 1 failed, 0 skipped\n", 1},
		{`echo "ran 2, skipped 0"; echo "2 passed, 0 failed, 0 skipped"; exit 1`, "FAIL: sh: exit status 1\nran 2, skipped 0\n2 passed, 1 failed, 0 skipped\n", 1},
		{`echo a line`, "a line\nFAIL: no tests ran\nran 0, skipped 0\n0 passed, 1 failed, 0 skipped\n", 1},
	} {
		var out bytes.Buffer
		if code := run([]string{"counted", "sh", "-c", c.script}, &out, &out); code != c.code || out.String() != c.out {
			t.Errorf("%q: exit code %d, want %d; output:\n%s", c.script, code, c.code, out.String())
		}
	}
}

func TestTotalSumsTheCalls(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tally")
	var out bytes.Buffer
	run([]string{"-tally", file, "step", "one", "true"}, &out, &out)
	run([]string{"-tally", file, "step", "two", "true"}, &out, &out)
	out.Reset()
	if code := run([]string{"-tally", file, "total"}, &out, &out); code != 0 || out.String() != "ran 2, skipped 0\n2 passed, 0 failed, 0 skipped\n" {
		t.Errorf("total: %d\n%s", code, out.String())
	}
	run([]string{"-tally", file, "step", "three", "false"}, &out, &out)
	out.Reset()
	if code := run([]string{"-tally", file, "total"}, &out, &out); code != 1 || !strings.HasSuffix(out.String(), "2 passed, 1 failed, 0 skipped\n") {
		t.Errorf("total after a failure: %d\n%s", code, out.String())
	}
}

func TestMistypedCallsDoNothing(t *testing.T) {
	for _, args := range [][]string{nil, {"go"}, {"total"}, {"step", "name"}, {"frob", "x"}, {"-frob"}, {"fuzz", "1s"}, {"fuzz", "soon", "."}} {
		var out, errs bytes.Buffer
		if code := run(args, &out, &errs); code != 2 || out.Len() > 0 {
			t.Errorf("%q: exit code = %d, stdout %q; want 2 and nothing", args, code, out.String())
		}
	}
}

// Whatever a test binary writes into the stream, a run is never counted as more than it was.
func FuzzReport(f *testing.F) {
	f.Add([]byte(`{"Action":"run","Package":"m","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"m","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"m"}`))
	f.Add([]byte("{\"Action\":\"fail\",\"Package\":\"m\"}\nnot json\n"))
	f.Add([]byte(`{"Action":"pass","Package":"m","Test":"FuzzA"}`))
	f.Fuzz(func(t *testing.T, stream []byte) {
		r := newReport(io.Discard)
		if err := r.read(bytes.NewReader(stream)); err != nil {
			t.Fatal(err)
		}
		if got, most := r.sum().Passed, bytes.Count(stream, []byte("pass")); got > most && bytes.IndexByte(stream, '\\') < 0 {
			t.Errorf("%d passed, the stream has %d", got, most)
		}
	})
}
