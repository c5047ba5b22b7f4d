package admin

import (
	"testing"

	"dpki/state"
)

func TestWhen(t *testing.T) {
	for _, c := range []struct {
		from, until uint64
		want        string
	}{
		{0, 1, "until 1970-01-01T00:00:01Z"},
		{0, state.Never, "until never"},
		{1, 60, "1970-01-01T00:00:01Z to 1970-01-01T00:01:00Z"},
		{1, state.Never, "1970-01-01T00:00:01Z to never"},
	} {
		if got := window(c.from, c.until); got != c.want {
			t.Errorf("%d, %d: %q, want %q", c.from, c.until, got, c.want)
		}
	}
}
