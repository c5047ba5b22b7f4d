package journal

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// waste makes a journal whose file is mostly unused pages.
func waste(t testing.TB, j *Journal) {
	t.Helper()
	if err := errors.Join(j.SetRecord("ballast", make([]byte, 2*wasteful)), j.SetRecord("ballast", nil), j.SetRecord("ballast", []byte{1})); err != nil {
		t.Fatal(err)
	}
}

func TestCompact(t *testing.T) {
	path := create(t)
	j := reopen(t, path)
	h := newHistory()
	apply := func() {
		t.Helper()
		if err := j.Apply(h.tick(), []byte("clock")); err != nil {
			t.Fatal(err)
		}
	}
	for range 50 {
		apply()
	}
	if j.Wasteful() {
		t.Error("a small journal is called wasteful")
	}
	waste(t, j)
	if !j.Wasteful() {
		t.Fatal("unused pages are not noticed")
	}
	before, err := j.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Compact(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() > wasteful || info.Mode().Perm() != 0o600 || j.Wasteful() {
		t.Errorf("%v of %d bytes, %v", info.Mode(), info.Size(), err)
	}
	if after, err := j.Load(); err != nil || !reflect.DeepEqual(after, before) {
		t.Errorf("it says %+v, %v", after, err)
	}
	// Nobody else has it, and what is written is in the file that has the name.
	if _, err := Open(path, org); !errors.Is(err, ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	apply()
	j.Close()
	known, err := read(path)
	if err != nil || known.Scopes[zone].Confirmed.Seq != 51 {
		t.Errorf("afterwards: %d entries, %v", known.Scopes[zone].Confirmed.Seq, err)
	}
}

// A folder that cannot be written to leaves the journal as it is.
func TestCompactThatFails(t *testing.T) {
	path := create(t)
	j := reopen(t, path)
	h := newHistory()
	if err := j.Apply(h.tick(), nil); err != nil {
		t.Fatal(err)
	}
	waste(t, j)
	work := filepath.Dir(path)
	gone := work + ".gone"
	if err := os.Rename(work, gone); err != nil {
		t.Fatal(err)
	}
	if err := j.Compact(); err == nil || errors.Is(err, ErrUnsure) {
		t.Errorf("without its folder: %v", err)
	}
	if err := os.Rename(gone, work); err != nil {
		t.Fatal(err)
	}
	if err := j.Apply(h.tick(), nil); err != nil {
		t.Errorf("afterwards: %v", err)
	}
	if err := j.Compact(); err != nil {
		t.Errorf("the twin: %v", err)
	}
	if known, err := j.Load(); err != nil || known.Scopes[zone].Confirmed.Seq != 2 {
		t.Errorf("%d entries, %v", known.Scopes[zone].Confirmed.Seq, err)
	}
}

// What a crash left of a journal in the making is removed, and not taken for one.
func TestLeftovers(t *testing.T) {
	path := create(t)
	journal, other := filepath.Join(filepath.Dir(path), ".journal-123"), filepath.Join(filepath.Dir(path), ".dpki-123")
	err := errors.Join(os.Mkdir(journal, 0o700), os.WriteFile(filepath.Join(journal, "journal"), []byte("half"), 0o600), os.WriteFile(other, []byte("half"), 0o600))
	if err != nil {
		t.Fatal(err)
	}
	// Beside others it is not ours to say what is left: they may be writing it.
	beside, err := OpenBeside(path, org)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{journal, other} {
		if _, err := os.Lstat(left); err != nil {
			t.Errorf("opened beside others: %v", err)
		}
	}
	beside.Close()
	reopen(t, path)
	for _, left := range []string{journal, other} {
		if _, err := os.Lstat(left); err == nil {
			t.Errorf("%s is there still", left)
		}
	}
}

// The reserve is there, is given up for a write that needs it, and comes back.
func TestReserve(t *testing.T) {
	path := create(t)
	j := reopen(t, path)
	size := func() int64 {
		info, err := os.Stat(j.reserve())
		if err != nil {
			return 0
		}
		return info.Size()
	}
	if size() != reserveSize {
		t.Fatalf("reserve of %d bytes", size())
	}
	if err := os.Remove(j.reserve()); err != nil {
		t.Fatal(err)
	}
	if err := j.SetRecord("x", []byte{1}); err != nil || size() != reserveSize {
		t.Errorf("not made anew: %d bytes, %v", size(), err)
	}
	j.Close()
	if err := Remove(path); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
		t.Errorf("after Remove: %v, %v", left, err)
	}
}
