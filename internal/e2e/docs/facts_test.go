package docs

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"dpki/contracts"
	"dpki/device"
	"dpki/device/answer"
	"dpki/internal/harness"
	"dpki/internal/network"
)

// Every block of the operator's document runs, or is read here, or says why not.
func TestEveryBlockIsChecked(t *testing.T) {
	found, err := blocks(document(t, operations))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range found {
		switch b.lang {
		case "sh":
		case "text":
			if !strings.HasPrefix(b.before, "(not run: ") {
				t.Errorf("line %d: a block that does not run, and %q does not say why", b.line, b.before)
			}
		case "toml":
			n, err := network.Parse([]byte(b.text))
			if err != nil {
				t.Errorf("line %d: %v", b.line, err)
			} else if n.Contract != contracts.Deterministic().Contract {
				t.Errorf("line %d: the contract would stand at %s", b.line, contracts.Deterministic().Contract)
			}
		default:
			t.Errorf("line %d: nobody checks a block of %q", b.line, b.lang)
		}
	}
}

func TestDeploymentIsTheOneThatIsDescribed(t *testing.T) {
	text, d := document(t, operations), contracts.Deterministic()
	for _, want := range []string{d.To.String(), d.Contract.String()} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s", want)
		}
	}
}

// A field that is not explained is one that nobody watches.
func TestFieldsAreExplained(t *testing.T) {
	text := document(t, operations)
	for _, v := range []any{device.Status{}, answer.Record{}} {
		for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || !strings.Contains(text, "`"+name+"`") {
				t.Errorf("%T.%s: %q is not explained", v, f.Name, name)
			}
		}
	}
}

// What the document calls a log line is one that the daemon writes.
func TestLogLinesExist(t *testing.T) {
	_, rest, ok := strings.Cut(document(t, operations), "| line | means |\n")
	if !ok {
		t.Fatal("no table of log lines")
	}
	table, _, _ := strings.Cut(rest, "\n\n")
	source := sources(t, "device", "device/answer", "cmd/dpkid", "cmd/dpki-authkeys")
	lines := 0
	for row := range strings.Lines(table) {
		cell := strings.SplitN(row, "|", 3)[1]
		for _, m := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(cell, -1) {
			lines++
			words, _, _ := strings.Cut(m[1], ":")
			if !strings.Contains(source, words) {
				t.Errorf("nothing logs %q", m[1])
			}
		}
	}
	if lines < 10 {
		t.Errorf("%d lines in the table", lines)
	}
}

func sources(t *testing.T, folders ...string) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range folders {
		paths, err := filepath.Glob(filepath.Join(harness.RepoRoot(), dir, "*.go"))
		if err != nil || len(paths) == 0 {
			t.Fatalf("%s: %v", dir, err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(text)
		}
	}
	return b.String()
}

// The documents' links to each other and into the tree lead somewhere.
func TestLinks(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)
	docs, err := filepath.Glob(filepath.Join(harness.RepoRoot(), "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(docs, filepath.Join(harness.RepoRoot(), "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: %v", filepath.Base(path), err)
			}
		}
	}
}
