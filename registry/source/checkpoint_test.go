package source

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"dpki/registry"
	"dpki/registry/witness"
)

// A checkpoint is fetched from a folder or by GET, and cut off at its limit.
func TestCheckpoints(t *testing.T) {
	key := witness.Key{0xab}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, WitnessFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/base/dpki/1/witness/"+key.String() {
			http.NotFound(w, r)
			return
		}
		w.Write(body)
	}))
	defer server.Close()
	for _, place := range []string{dir, server.URL + "/base"} {
		c, err := OpenCheckpoints(place)
		if err != nil {
			t.Fatal(err)
		}
		set := func(b []byte) {
			body = b
			if err := os.WriteFile(filepath.Join(dir, WitnessFolder, key.String()), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		set(bytes.Repeat([]byte{1}, witness.MaxCheckpoint))
		if b, err := c.Checkpoint(t.Context(), key); err != nil || !bytes.Equal(b, body) {
			t.Errorf("%s: %d bytes, %v", place, len(b), err)
		}
		if _, err := c.Checkpoint(t.Context(), witness.Key{1}); registry.FaultOf(err) != registry.Unavailable {
			t.Errorf("%s: of another witness: %v", place, err)
		}
		set(make([]byte, witness.MaxCheckpoint+1))
		if b, err := c.Checkpoint(t.Context(), key); registry.FaultOf(err) != registry.TooLarge || b != nil {
			t.Errorf("%s: too long: %d bytes, %v", place, len(b), err)
		}
	}
	if _, err := OpenCheckpoints("relative/folder"); err == nil {
		t.Error("a relative path was taken")
	}
}
