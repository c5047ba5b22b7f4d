package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// RepoRoot is the folder that holds this module's go.mod. It panics outside a checkout: no test can run there.
func RepoRoot() string { return repoRoot() }

var repoRoot = sync.OnceValue(func() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for d := dir; d != filepath.Dir(d); d = filepath.Dir(d) {
		text, err := os.ReadFile(filepath.Join(d, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module dpki\n") {
			return d
		}
	}
	panic("harness: no dpki checkout above " + dir)
})

// A build is one command built once in a test run.
type build struct {
	once sync.Once
	path string
	err  error
}

var builds sync.Map // package path -> *build

// Build builds a command of this module (as "./cmd/dpkid") the way the product is built, once in a test run, and returns
// the path of the binary, which lies below build/ and lives on. Inside the namespace use Bin: the product is installed.
func Build(t testing.TB, pkg string) string {
	t.Helper()
	path, err := buildOnce(pkg)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func buildOnce(pkg string) (string, error) {
	v, _ := builds.LoadOrStore(pkg, new(build))
	b := v.(*build)
	b.once.Do(func() { b.path, b.err = goBuild(pkg) })
	return b.path, b.err
}

// goBuild writes beside the target and renames: test binaries of other packages may run the same command right now.
func goBuild(pkg string) (string, error) {
	dir := filepath.Join(RepoRoot(), "build", "test")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	tmp, err := os.MkdirTemp(dir, ".build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(tmp)
	name := filepath.Base(pkg)
	cmd := exec.Command("go", "build", "-trimpath", "-tags", "urfave_cli_no_docs", "-ldflags", "-s -w -buildid= -X main.version=test",
		"-o", filepath.Join(tmp, name), pkg)
	cmd.Dir = RepoRoot()
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build %s: %w\n%s", pkg, err, out)
	}
	path := filepath.Join(dir, name)
	return path, os.Rename(filepath.Join(tmp, name), path)
}

// Bin is the path of an installed product binary: in the namespace where the package puts it, elsewhere where Build does.
func Bin(t testing.TB, name string) string {
	t.Helper()
	if inNamespace() {
		path, ok := installed[name]
		if !ok {
			t.Fatalf("harness: %q is not a command of the product", name)
		}
		return path
	}
	return Build(t, "./cmd/"+name)
}

// installed says where the packages put each command (nfpm.yaml is the reference).
var installed = map[string]string{
	"dpki":          "/usr/bin/dpki",
	"dpkid":         "/usr/sbin/dpkid",
	"dpki-authkeys": "/usr/lib/dpki/dpki-authkeys",
	"dpki-sandbox":  "/usr/local/bin/dpki-sandbox", // not in the packages
}
