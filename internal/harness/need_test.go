package harness

import (
	"fmt"
	"testing"
)

// recorder stands in for a test so that Need's verdict can be seen.
type recorder struct {
	testing.TB
	verdict string
}

// The first verdict ends a real test; here the call returns, and a second one would be a mistake.
func (r *recorder) Helper()           {}
func (r *recorder) Fatal(args ...any) { r.verdict += "failed: " + fmt.Sprint(args...) }
func (r *recorder) Skip(args ...any)  { r.verdict += "skipped: " + fmt.Sprint(args...) }

func TestNeedSkipsOnALaptopAndFailsUnderCI(t *testing.T) {
	absent := Part{"a unicorn", func() string { return "none seen" }}
	present := Part{"air", func() string { return "" }}
	for _, c := range []struct {
		ci   string
		part Part
		want string
	}{
		{"", absent, "skipped: needs a unicorn: none seen"},
		{"true", absent, "failed: needs a unicorn: none seen"},
		{"", present, ""},
		{"true", present, ""},
	} {
		t.Setenv("CI", c.ci)
		r := &recorder{TB: t}
		Need(r, c.part)
		if r.verdict != c.want {
			t.Errorf("CI=%q, %s: %q, want %q", c.ci, c.part.name, r.verdict, c.want)
		}
	}
}
