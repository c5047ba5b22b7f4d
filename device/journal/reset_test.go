package journal

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"dpki/internal/anchor"
)

func TestReset(t *testing.T) {
	t.Run("good", func(t *testing.T) {
		path, _, _ := full(t)
		if err := Reset(path, org); err != nil {
			t.Fatal(err)
		}
		known, err := read(path)
		if err != nil || known.Head.Number != 0 || len(known.Scopes) != 0 {
			t.Errorf("after a reset: %+v, %v", known.Head, err)
		}
	})
	t.Run("missing", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "journal")
		if err := Reset(path, org); err != nil {
			t.Fatal(err)
		}
		if _, err := read(path); err != nil {
			t.Error(err)
		}
	})
	t.Run("damaged", func(t *testing.T) {
		damaged := []byte("this is no journal")
		path := place(t, damaged)
		if err := Reset(path, org); err != nil {
			t.Fatal(err)
		}
		if _, err := read(path); err != nil {
			t.Error(err)
		}
		if aside, err := os.ReadFile(path + ".damaged"); err != nil || !bytes.Equal(aside, damaged) {
			t.Errorf("put aside: %q, %v", aside, err)
		}
	})
}

// What is not this daemon's to forget stays as it is.
func TestResetRefuses(t *testing.T) {
	path, _, _ := full(t)
	other := anchor.Anchor{Registry: org.Registry, Org: org.Org}
	other.Org[0] ^= 1
	if err := Reset(path, other); !errors.Is(err, ErrAnchor) {
		t.Errorf("another organisation's: %v", err)
	}
	j := reopen(t, path)
	if err := Reset(path, org); !errors.Is(err, ErrLocked) {
		t.Errorf("a daemon runs: %v", err)
	}
	j.Close()
	if known, err := read(path); err != nil || known.Head.Number == 0 {
		t.Errorf("afterwards: %+v, %v", known.Head, err)
	}
}
