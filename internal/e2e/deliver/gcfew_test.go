package deliver

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dpki/internal/harness"
	"dpki/internal/harness/desk"
)

// few is a set of files that is delivered twice by a command of somebody's: the CIDs
// of the first, which the second supersedes, and of the second, when the device has
// said that it has applied it.
func (s *site) few(name string, dpki func(args ...string) desk.Result) (first, second string) {
	s.Helper()
	dir := filepath.Join(s.Dir, name)
	s.Must(os.MkdirAll(dir, 0o755))
	send := func(v string) string {
		s.Must(os.WriteFile(filepath.Join(dir, "version"), []byte(v), 0o644))
		var sent sentOut
		s.Decode(dpki("deliver", "--json", "files", "gate-7", "--name", name, "--path", dir+"/"), &sent)
		s.becomes(sent.Deliveries[0].ID)
		return sent.Deliveries[0].CID
	}
	first, second = send("1"), send("2")
	s.acknowledged()
	return first, second
}

// keeps looks at the node after a gc.
func (s *site) keeps(what string, want bool, cids ...string) {
	s.Helper()
	list := pins(s)
	for _, cid := range cids {
		if slices.Contains(list, cid) != want {
			s.Errorf("%s: the node keeps %s: %v, want %v", what, cid, !want, want)
		}
	}
}

// gcNotFinal: as long as what supersedes a delivery may be undone by a
// reorganisation, nothing is let go of, whatever is asked for.
func (s *site) gcNotFinal(t *testing.T) {
	s = s.as(t)
	s.Dpki(0, "store", "gc", "--yes")
	s.chain(nil, "sandbox_holdBack", "0x2710")
	final := func() { s.chain(nil, "sandbox_holdBack", "0x0") }
	defer final()
	first, second := s.few("not-final", func(args ...string) desk.Result { return s.Dpki(0, args...) })
	before := pins(s)
	s.Dpki(0, "store", "gc", "--yes")
	s.Dpki(0, "store", "gc", "--yes", "--unacknowledged", "--all")
	if after := pins(s); !slices.Equal(before, after) {
		t.Errorf("nothing was final, and the node kept %d of %d", len(after), len(before))
	}
	s.keeps("not final", true, first, second)
	final() // the twin
	s.Eventually("it is final and let go of", func() error {
		said := s.Dpki(0, "store", "gc", "--yes").Stdout
		if slices.Contains(pins(s), first) {
			return fmt.Errorf("kept: %s", said)
		}
		return nil
	})
	s.keeps("final", true, second)
}

// gcOthers: what another administrator has announced stays unless it is asked for.
func (s *site) gcOthers(t *testing.T) {
	s = s.as(t)
	home := filepath.Join(s.Dir, "bob")
	bob := func(args ...string) desk.Result {
		t.Helper()
		return s.Run(0, s.Dir, harness.Bin(t, "dpki"), append([]string{"--home", home, "--passphrase-file", s.passphrase()}, args...)...)
	}
	bob("identity", "create")
	var who struct{ Account string }
	s.Decode(bob("identity", "show", "--json"), &who)
	s.chain(nil, "sandbox_fund", who.Account, fmt.Sprintf("0x%x", uint64(1e18)))
	bob("network", "use", s.Network)
	bob("admin", "request", "bob", "--anchor", s.Anchor.String(), "--out", "bob.request")
	s.Dpki(0, "admin", "add", who.Account, "--root", "--member", "bob.request", "--yes")
	bob("org", "join", s.Anchor.String(), "--name", "acme")
	first, second := s.few("of-bob", bob)
	s.Dpki(0, "store", "gc", "--yes")
	s.keeps("without --all", true, first, second)
	if got := s.Dpki(0, "store", "gc", "--dry-run").Stdout; !strings.Contains(got, "announced by another administrator (--all)") {
		t.Errorf("not said: %s", got)
	}
	s.Dpki(0, "store", "gc", "--yes", "--all")
	s.keeps("with --all", false, first)
	s.keeps("with --all", true, second)
}
