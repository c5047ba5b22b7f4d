package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
)

// The help puts every command below a heading, in the order that the program has them in.
func TestHelpIsGrouped(t *testing.T) {
	var out, problems bytes.Buffer
	if code := run(context.Background(), []string{"dpki", "--help"}, nil, &out, &problems); code != 0 {
		t.Fatalf("exit %d\n%s", code, &problems)
	}
	_, rest, _ := strings.Cut(out.String(), "\nCOMMANDS:\n")
	list, _, _ := strings.Cut(rest, "\n\n")
	var shown, want, headings []string
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "     ") {
			shown = append(shown, strings.Fields(line)[0])
		}
	}
	for _, c := range (&tool{}).app().Commands {
		want = append(want, c.Name)
		if headings = append(headings, c.Category); c.Category == "" {
			t.Errorf("%s has no heading", c.Name)
		}
	}
	if headings = slices.Compact(headings); len(want) < 20 || !slices.Equal(shown, want) || !slices.IsSorted(headings) {
		t.Errorf("headings %q; shown are\n%q, not\n%q", headings, shown, want)
	}
}
