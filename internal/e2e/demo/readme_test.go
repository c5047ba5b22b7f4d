package demo

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dpki/internal/harness"
)

// TestReadmeIsWhatHappens: the README's transcript consists of lines that the
// demonstration printed, in their order, but for identifiers, ports and names of
// this run.
func TestReadmeIsWhatHappens(t *testing.T) {
	readme := file(t, "README.md")
	_, rest, ok := strings.Cut(readme, "```\n$ ")
	shown, _, end := strings.Cut(rest, "```")
	if !ok || !end {
		t.Fatal("the README has no transcript")
	}
	shown = "$ " + shown
	if missing := absent(shown, transcript(t)); missing != "" {
		t.Errorf("the demonstration does not print, at this place, %q", missing)
	}
	// The check can fail: in the order, and in each line.
	lines := strings.Split(strings.TrimSpace(shown), "\n")
	if len(lines) < 8 {
		t.Errorf("%d lines of transcript", len(lines))
	}
	for _, wrong := range []string{strings.Replace(shown, "granted", "given", 1), lines[len(lines)-1] + "\n" + shown, strings.Replace(shown, "gate-7", "gate-8", 1)} {
		if absent(wrong, transcript(t)) == "" {
			t.Errorf("a transcript that never happened was not noticed:\n%s", wrong)
		}
	}
}

// absent is the first line of a transcript that the story lacks at its place.
func absent(shown, story string) string {
	rest := strings.Split(story, "\n")
next:
	for line := range strings.Lines(shown) {
		want := general(line)
		for i, got := range rest {
			if general(got) == want {
				rest = rest[i+1:]
				continue next
			}
		}
		return strings.TrimSpace(line)
	}
	return ""
}

var particular = regexp.MustCompile(`\b[0-9a-f]{12}\b|\b127\.0\.0\.1 [0-9]{2,5} `)

// general is a line without what differs from run to run.
func general(line string) string {
	return strings.TrimSpace(particular.ReplaceAllString(line, "..."))
}

// TestReadmeNamesTargets: what the README has people type exists.
func TestReadmeNamesTargets(t *testing.T) {
	makefile := "\n" + file(t, "Makefile")
	found := regexp.MustCompile("(?m)(?:^|`)make ([a-z-]+)").FindAllStringSubmatch(file(t, "README.md"), -1)
	for _, m := range found {
		if !strings.Contains(makefile, "\n"+m[1]+":") {
			t.Errorf("make %s is no target", m[1])
		}
	}
	if len(found) < 3 {
		t.Errorf("%d targets found", len(found))
	}
}

func file(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(harness.RepoRoot(), path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
