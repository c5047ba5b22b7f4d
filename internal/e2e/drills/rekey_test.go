package drills

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"dpki/admin"
	"dpki/internal/harness/sshkey"
)

// TestZoneAdministratorsGetTheNextKey: a zone has another key, and its administrators
// have it at once, whoever of them made it; whose power was taken is told nothing more.
func TestZoneAdministratorsGetTheNextKey(t *testing.T) {
	d := newDrill(t)
	add := func(puts ...string) *person {
		p := d.person(nil)
		_, err := d.root.desk().AddAdmin(t.Context(), admin.NewAdmin{Account: p.account, Zone: "plant", Puts: puts, Member: d.member(p)})
		d.must(err)
		return p
	}
	keys := func(p *person) int {
		z, err := p.desk().Zone(t.Context(), "plant")
		d.must(err)
		return z.Keys
	}
	rekey := func(by *person) {
		_, err := by.desk().RekeyZone(t.Context(), "plant")
		d.must(err)
	}
	grant := func(by *person) error {
		_, err := by.desk().Grant(t.Context(), admin.GrantRequest{Targets: []string{"zone:plant"}, Account: "deploy", For: time.Hour, Key: sshkey.New(t).PublicKey()})
		return err
	}
	carol, dan := add("GRANT", "REQUEST"), add("GRANT", "BATCH")
	for _, p := range []*person{carol, dan} {
		d.must(os.CopyFS(p.home.CAs(), os.DirFS(d.root.home.CAs())))
		d.must(os.Chmod(p.home.CAs(), 0o700))
		d.must(os.Chmod(filepath.Join(p.home.CAs(), "users"), 0o600))
	}
	rekey(d.root)
	for _, p := range []*person{carol, dan} {
		if n := keys(p); n != 2 {
			t.Errorf("an administrator of the zone has %d keys of 2", n)
		}
		if err := grant(p); err != nil {
			t.Errorf("after the rekey: %v", err)
		}
	}
	rekey(dan)
	if a, b := keys(carol), keys(d.root); a != 3 || b != 3 {
		t.Errorf("the other has %d keys, the root %d, of 3", a, b)
	}
	// A second administrator of the whole organisation, too, as long as he is one.
	erin := d.person(nil)
	_, err := d.root.desk().AddAdmin(t.Context(), admin.NewAdmin{Account: erin.account, Puts: []string{"GRANT"}, Member: d.member(erin)})
	d.must(err)
	rekey(d.root)
	if n := keys(erin); n != 4 {
		t.Errorf("the organisation's other administrator has %d keys of 4", n)
	}
	for _, p := range []*person{carol, erin} {
		_, _, err := d.root.desk().RevokeAdmin(t.Context(), p.account.String())
		d.must(err)
	}
	rekey(d.root)
	if a, b, c := keys(carol), keys(dan), keys(erin); a != 4 || b != 5 || c != 4 {
		t.Errorf("of 5 keys the revoked ones have %d and %d, and who was not %d", a, c, b)
	}
}
