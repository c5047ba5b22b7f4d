package packages

import (
	"crypto/sha256"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"dpki/internal/harness"
)

// The same commands packed twice are the same bytes.
func TestPackagesAreReproducible(t *testing.T) {
	harness.Need(t, harness.Namespace)
	first, second := pack(t), pack(t)
	if len(first) != 2 {
		t.Fatalf("%d packages, want a deb and an rpm", len(first))
	}
	for name, sum := range first {
		if second[name] != sum {
			t.Errorf("%s differs between two builds", name)
		}
	}
}

func pack(t *testing.T) map[string][32]byte {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	cmd := exec.Command(filepath.Join(harness.RepoRoot(), "packaging/build.sh"), "0.0.1", dir)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1700000000")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("packaging/build.sh: %v\n%s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string][32]byte{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		sums[filepath.Base(f)] = sha256.Sum256(text)
	}
	return sums
}
