package nearest

import (
	"slices"
	"testing"
)

func TestNames(t *testing.T) {
	names := []string{"status", "setup", "sessions", "ca", "zone", "gate-7", "gate-9", "gate-7"}
	for _, c := range []struct {
		word string
		want []string
	}{
		{"statsu", []string{"status"}},
		{"gate-8", []string{"gate-7", "gate-9"}},
		{"gate-9", []string{"gate-9", "gate-7"}},
		{"zoen", []string{"zone"}},
		{"", nil},
		{"x", nil},
		{"xy", nil},
		{"cs", []string{"ca"}},
		{"something else", nil},
	} {
		if got := Names(c.word, names); !slices.Equal(got, c.want) {
			t.Errorf("Names(%q) = %q, want %q", c.word, got, c.want)
		}
	}
	if got := Names("zone", nil); got != nil {
		t.Errorf("of no names: %q", got)
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"grant", "grnat", 2}, {"a", "a", 0},
	} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}
