package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// InstallModule builds the PAM module as it is shipped and puts it where the package does, beside PAM's own, until the test ends.
func InstallModule(t testing.TB) string {
	t.Helper()
	Need(t, Namespace, Gcc, PamHeaders)
	found, err := filepath.Glob("/usr/lib/*/security/pam_unix.so")
	if err != nil || len(found) != 1 {
		t.Fatalf("PAM's modules: %q, %v", found, err)
	}
	dir := filepath.Dir(found[0])
	path := filepath.Join(dir, "pam_dpki.so")
	out, err := exec.Command("make", "-s", "-B", "-C", filepath.Join(RepoRoot(), "pam/shim"), "OUT="+dir, path).CombinedOutput()
	if err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	t.Cleanup(func() { os.Remove(path) })
	return path
}
