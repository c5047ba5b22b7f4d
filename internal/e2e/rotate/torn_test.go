package rotate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"dpki/admin"
	"dpki/internal/harness"
	"dpki/state"
)

// TestRekeyedTwiceAtOnce: two administrators give a zone a key at the same moment, and
// both are number 2. Doctor says so, and another key mends it: a device takes it
// whichever of the two it has.
func TestRekeyedTwiceAtOnce(t *testing.T) {
	y := newYear(t)
	id := y.plant()
	e := y.engine(id)
	root := func() *admin.Desk { return y.desk(y.chain.Admin) }
	ctx := t.Context()
	said := func() string {
		for _, c := range root().CheckUp(ctx) {
			if strings.Contains(c.Text, "at the same moment") {
				return string(c.Standing)
			}
		}
		return ""
	}
	has := func(want ...uint32) {
		t.Helper()
		harness.Eventually(t, 20*time.Second, func() error {
			if s := e.Status("test"); !slices.Equal(s.ZoneKeys, want) {
				return fmt.Errorf("keys %v, want %v", s.ZoneKeys, want)
			}
			return nil
		})
	}
	zone, err := root().Zone(ctx, "plant")
	y.must(err)
	z, err := state.ParseWord(zone.ID)
	y.must(err)
	one, other := root(), y.desk(y.limited(z, state.KindBatch))
	for _, d := range []*admin.Desk{one, other} {
		_, err := d.Zones(ctx) // each has read before the other writes
		y.must(err)
	}
	if got := said(); got != "" {
		t.Fatalf("doctor says %s of a zone with one key", got)
	}
	for _, d := range []*admin.Desk{one, other} {
		r, err := d.RekeyZone(ctx, "plant")
		y.must(err)
		if r.Key != 2 {
			t.Fatalf("key %d", r.Key)
		}
	}
	has(1, 2)
	if got := said(); got != "bad" {
		t.Errorf("doctor says %q", got)
	}
	r, err := root().RekeyZone(ctx, "plant")
	y.must(err)
	if r.Key != 3 {
		t.Errorf("key %d", r.Key)
	}
	has(1, 2, 3)
	if got := said(); got != "" {
		t.Errorf("doctor says %q when it is mended", got)
	}
}
