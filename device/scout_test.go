package device

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/registry/witness"
	"dpki/state"
)

// A successor's log is read by the witnesses that are pinned here, or their
// successors, whatever journal lies there: one that a crash left without them, one of
// before they changed, one of where the organisation pointed before.
func TestAttackScoutWithoutWitnesses(t *testing.T) {
	t.Parallel()
	set := func(version uint32) witness.Set {
		public, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return witness.Set{Version: version, Agree: 1, Keys: []witness.Key{witness.Key(public)}}
	}
	first, second := set(1), set(2)
	at := func(n byte) anchor.Anchor {
		return anchor.Anchor{Registry: state.Registry{ChainID: 1, Contract: state.Address{1}}, Org: state.Word{n}}
	}
	to := at(1)
	for name, c := range map[string]struct {
		there  *anchor.Anchor // whose journal lies there
		says   witness.Set    // what is pinned in it
		pinned witness.Set    // here
		want   witness.Set
	}{
		"none lies there":                {nil, witness.Set{}, first, first},
		"none lies there, nobody signs":  {nil, witness.Set{}, witness.Set{}, witness.Set{}},
		"a crash left it without":        {&to, witness.Set{}, first, first},
		"of before they changed":         {&to, first, second, second},
		"it has followed a change first": {&to, second, first, second},
		"another organisation's":         {new(at(2)), second, first, first},
	} {
		s := &Succession{c: SuccessionConfig{Journal: filepath.Join(t.TempDir(), "successor")}}
		if c.there != nil {
			err := journal.Create(s.c.Journal, *c.there)
			if err != nil {
				t.Fatal(err)
			}
			j, err := journal.Open(s.c.Journal, *c.there)
			if err != nil {
				t.Fatal(err)
			}
			if c.says.Version != 0 {
				err = j.SetRecord(journal.RecordWitnesses, c.says.Marshal())
			}
			if err := errors.Join(err, j.Close()); err != nil {
				t.Fatal(err)
			}
		}
		j, err := s.journal(to, c.pinned)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := loadPinned(j); err != nil || !got.Equal(c.want) {
			t.Errorf("%s: pinned version %d of %d keys, %v; want version %d", name, got.Version, len(got.Keys), err, c.want.Version)
		}
		j.Close()
	}
	// A folder in the journal's place is nobody's to remove.
	s := &Succession{c: SuccessionConfig{Journal: filepath.Join(t.TempDir(), "successor")}}
	if err := os.Mkdir(s.c.Journal, 0o700); err != nil {
		t.Fatal(err)
	}
	if j, err := s.journal(to, first); err == nil {
		j.Close()
		t.Error("a folder was taken for a journal")
	}
}
