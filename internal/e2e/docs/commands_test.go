package docs

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"dpki/internal/harness"
)

// inline is a command within a sentence or a table: `dpki revoke ID --yes`.
var inline = regexp.MustCompile("`((?:dpki|dpkid) [^`]+)`")

// TestCommandsInSentencesExist: whatever command a document or a hint names, the
// program knows, and its flags.
func TestCommandsInSentencesExist(t *testing.T) {
	help := map[string]string{} // command line -> what --help prints; empty = no such command
	ask := func(words ...string) string {
		line := strings.Join(words, " ")
		if text, ok := help[line]; ok {
			return text
		}
		out, err := exec.Command(harness.Bin(t, words[0]), append(slices.Clone(words[1:]), "--help")...).Output()
		if err != nil {
			out = nil
		}
		help[line] = string(out)
		return help[line]
	}
	seen := 0
	for _, path := range []string{operations, "docs/messages.md", "docs/architecture.md", "docs/threat-model.md", "docs/formats.md", "README.md"} {
		for _, m := range inline.FindAllStringSubmatch(document(t, path), -1) {
			seen++
			if wrong := unknown(m[1], ask); wrong != "" {
				t.Errorf("%s: `%s`: %s", path, m[1], wrong)
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d commands found", seen)
	}
	for _, bad := range []string{"dpki frobnicate", "dpki zone burn", "dpki revoke ID --harder", "dpkid halt", "dpkid status --xml"} {
		if unknown(bad, ask) == "" {
			t.Errorf("`%s` was not noticed", bad)
		}
	}
	for _, good := range []string{"dpki zone policy plant --offline 8h", "dpki --dry-run grant gate-7 --for 5m", "dpki ssh gate-7 -- ls --color", "dpkid setup --undo"} {
		if wrong := unknown(good, ask); wrong != "" {
			t.Errorf("`%s`: %s", good, wrong)
		}
	}
}

// unknown is what a command line names that its program does not have.
func unknown(line string, ask func(...string) string) string {
	words := strings.Fields(line)
	command, flags := words[:1:1], []string(nil)
	for _, w := range words[1:] {
		if w == "--" {
			break
		}
		if name, ok := strings.CutPrefix(w, "--"); ok {
			name, _, _ = strings.Cut(strings.Trim(name, "[]"), "=")
			flags = append(flags, "--"+name)
		} else if len(flags) == 0 || len(command) == 1 {
			// Arguments among them do no harm: --help comes first.
			command = append(command, w)
		}
	}
	text := ask(command...)
	if text == "" {
		return "there is no such command"
	}
	for _, f := range flags {
		known := regexp.MustCompile(regexp.QuoteMeta(f) + `\b`)
		if !known.MatchString(text) && !known.MatchString(ask(command[0])) {
			return "it has no " + f
		}
	}
	return ""
}
