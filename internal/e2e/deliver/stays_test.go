package deliver

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/admin"
	"dpki/admin/home"
	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/internal/devchain"
	"dpki/internal/harness/desk"
	"dpki/state"
)

// TestStays: as long as an earlier command's transaction comes into no block, the
// next command ends with "try later" and what to do, and sends nothing. Its twin,
// with blocks again, knows what the first one wrote.
func TestStays(t *testing.T) {
	t.Parallel()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	chain := devchain.New(t, devchain.Options{MaxDrift: -1})
	var salt state.Word
	rand.Read(salt[:])
	id, err := bundle.GenerateIdentity()
	must(err)
	h, err := home.New(filepath.Join(t.TempDir(), "home"), func(string) string { return "" })
	must(err)
	must(home.Make(h.Config()))
	a := desk.Administrator{Chain: chain, Home: h, Identity: id, Key: chain.Admin, Org: anchor.Anchor{
		Registry: chain.Registry(), Org: chain.Registry().OrganisationID(chain.AdminAddress(), salt),
	}}
	_, err = a.Desk(t).CreateOrganisation(t.Context(), "acme", "alice", salt)
	must(err)

	a.Wait = 200 * time.Millisecond
	create := func() error { _, err := a.Desk(t).CreateZone(t.Context(), "plant"); return err }
	later := func(words string) {
		t.Helper()
		var p *admin.Problem
		if err := create(); !errors.As(err, &p) || p.Class != admin.Later || !strings.Contains(p.Text+"; "+p.Hint, words) {
			t.Errorf("got %+v, want to be told %q, and to try later", err, words)
		}
	}
	chain.Hold(true)
	later("it was sent and is not in a block")
	later("replace it: any transaction of account " + a.Account().String() + " with nonce")

	chain.Hold(false)
	a.Wait = 0
	for err = create(); errors.Is(err, admin.ErrOvertaken); err = create() {
	}
	if err == nil {
		t.Error("the zone was made twice")
	}
	zones, err := a.Desk(t).Zones(t.Context())
	if err != nil || len(zones) != 1 || zones[0].Name != "plant" {
		t.Errorf("%+v, %v", zones, err)
	}
}
