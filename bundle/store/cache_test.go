package store_test

import (
	"errors"
	"path/filepath"
	"testing"

	"dpki/bundle"
	"dpki/bundle/store"
)

// What was read or written once is there without the stores; what was not is theirs
// to give.
func TestCache(t *testing.T) {
	dir := t.TempDir()
	away := store.Folder{Path: filepath.Join(dir, "away")}
	stores := &store.Folder{Path: filepath.Join(dir, "stores")}
	c := &store.Cache{Kept: store.Folder{Path: filepath.Join(dir, "kept")}, Stores: stores}
	read, err := stores.Put(t.Context(), []byte("read"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), read, bundle.MaxBlock); err != nil {
		t.Fatal(err)
	}
	c.Keep(t.Context(), []byte("written"))
	c.Stores = &away
	for _, text := range []string{"read", "written"} {
		if b, err := c.Get(t.Context(), bundle.Sum([]byte(text)), bundle.MaxBlock); err != nil || string(b) != text {
			t.Errorf("%s: %q, %v", text, b, err)
		}
	}
	if _, err := c.Get(t.Context(), bundle.Sum([]byte("neither")), bundle.MaxBlock); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("of neither: %v", err)
	}
}
