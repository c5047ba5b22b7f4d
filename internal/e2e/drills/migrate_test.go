package drills

import (
	"crypto/rand"
	"testing"
	"time"

	"dpki/state"
)

// TestMigration: an organisation goes on as another when both say so and the
// delay is over, and not before.
func TestMigration(t *testing.T) {
	d := newDrill(t)
	old := d.org
	var salt state.Word
	rand.Read(salt[:])
	next := *d
	next.org.Org = d.chain.Registry().OrganisationID(d.chain.AdminAddress(), salt)
	there := next.person(d.chain.Admin)
	_, err := there.desk().CreateOrganisation(t.Context(), "acme2", "root", salt)
	d.must(err)

	_, err = d.root.desk().Point(t.Context(), state.Successor, next.org)
	d.must(err)
	if p, err := d.root.desk().Pointers(t.Context()); err != nil || p.Successor != "" || p.Waits != next.org.String() {
		t.Fatalf("before the delay is over: %+v, %v", p, err)
	}
	_, err = there.desk().Point(t.Context(), state.Predecessor, old)
	d.must(err)
	d.pass(2 * time.Hour)
	if p, err := d.root.desk().Pointers(t.Context()); err != nil || p.Successor != next.org.String() || p.Waits != "" {
		t.Errorf("after it: %+v, %v", p, err)
	}
	if p, err := there.desk().Pointers(t.Context()); err != nil || p.Predecessor != old.String() {
		t.Errorf("the successor: %+v, %v", p, err)
	}
}
