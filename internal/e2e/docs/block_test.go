package docs

import (
	"os/exec"
	"strings"
	"testing"
)

const sample = "# Sample\n\n```sh\nN=1\ntrue\n```\n(not run: it is text)\n```text\nfalse\n```\n\n```sh exit=3\n(exit 3)\n```\n```toml\nversion = 1\n```\n"

func TestBlocks(t *testing.T) {
	got, err := blocks(sample)
	if err != nil || len(got) != 4 {
		t.Fatalf("%d blocks, %v; want 4", len(got), err)
	}
	if b := got[0]; b.line != 4 || b.lang != "sh" || b.text != "N=1\ntrue\n" || b.before != "# Sample" {
		t.Errorf("%+v", b)
	}
	if b := got[1]; b.lang != "text" || b.before != "(not run: it is text)" {
		t.Errorf("%+v", b)
	}
	if b := got[2]; b.exit != 3 || b.line != 13 {
		t.Errorf("%+v", b)
	}
	for name, bad := range map[string]string{
		"no end": "```sh\ntrue\n", "within": "```sh\n```sh\n```\n", "word": "```sh exits=3\n```\n", "status": "```sh exit=0\n```\n", "not run": "```text exit=3\n```\n",
	} {
		if _, err := blocks(bad); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// A test of documents that could not fail would be none.
func TestScriptFailsWhereTheDocumentDoes(t *testing.T) {
	for _, row := range []struct{ name, document, says string }{
		{"as it is", sample, ""},
		{"a command fails", strings.Replace(sample, "\ntrue", "\nfalse", 1), "doc:5: status 1: false"},
		{"in a pipe", strings.Replace(sample, "\ntrue", "\nfalse | cat", 1), "doc:5: status 1"},
		{"variable", strings.Replace(sample, "\ntrue", "\necho $M", 1), "M: unbound variable"},
		{"another status", strings.Replace(sample, "exit 3", "exit 4", 1), "doc:13: status 4, want 3"},
		{"succeeds", strings.Replace(sample, "(exit 3)", "true", 1), "doc:13: status 0, want 3"},
		{"after an expected failure", sample + "```sh\nfalse\n```\n", "doc:19: status 1: false"},
	} {
		t.Run(row.name, func(t *testing.T) {
			found, err := blocks(row.document)
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("bash", "-s")
			cmd.Stdin = strings.NewReader(script(found, "doc"))
			out, err := cmd.CombinedOutput()
			if (err == nil) != (row.says == "") || !strings.Contains(string(out), row.says) {
				t.Errorf("%v, %q; want %q", err, out, row.says)
			}
		})
	}
}
