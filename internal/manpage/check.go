package manpage

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"dpki/internal/harness"
)

// update is the only flag of the generated files' tests: `make man` gives it.
var update = flag.Bool("update", false, "write generated files instead of comparing them")

// Check compares packaging/man/NAME with its template and the parts.
func Check(t *testing.T, name string, parts map[string]string) {
	t.Helper()
	path := filepath.Join("packaging/man", name)
	template, err := os.ReadFile(filepath.Join(harness.RepoRoot(), path+".in"))
	if err != nil {
		t.Fatal(err)
	}
	page, err := Fill(string(template), parts)
	if err != nil {
		t.Fatal(err)
	}
	CheckFile(t, path, page)
}

// CheckFile compares a file of the repository with what it should hold, or
// writes it.
func CheckFile(t *testing.T, path, want string) {
	t.Helper()
	path = filepath.Join(harness.RepoRoot(), path)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s is not what the program's own definitions say (%v): run `make man`", path, err)
	}
}
