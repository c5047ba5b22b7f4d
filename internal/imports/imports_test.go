package imports

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// rule says what a part must not reach, directly or through others.
type rule struct {
	part   string   // package pattern relative to the module, a trailing /... included
	never  []string // import path prefixes that none of its dependencies may have
	reason string
}

const (
	geth   = "github.com/ethereum/go-ethereum"
	kubo   = "github.com/ipfs/kubo"
	module = "dpki"
)

var table = []rule{
	{"state", []string{"net/http", geth, kubo, module + "/bundle", module + "/registry", module + "/device", module + "/admin", "golang.org/x/crypto/ssh"}, "the model is a leaf"},
	{"internal/anchor", []string{"net/http", geth, kubo, module + "/bundle", module + "/registry"}, "a leaf"},
	{"internal/socket", []string{"net", geth, kubo, module + "/state"}, "the codec is linked into the helper"},
	{"authkeys/...", []string{"net/http", geth, kubo, module + "/registry", module + "/device", module + "/admin", module + "/bundle"}, "the decision is pure"},
	{"sshca/...", []string{"net/http", geth, kubo, module + "/registry", module + "/device", module + "/admin"}, "certificates know nothing of chains"},
	{"bundle", []string{"net/http", geth, kubo, module + "/registry", module + "/device", module + "/admin"}, "formats do not fetch"},
	{"cmd/dpki-authkeys", []string{"net", "crypto/tls", "golang.org", "github.com", module + "/state", module + "/registry", module + "/device"}, "the helper in sshd's path is the standard library without network code"},
	{"registry/verify", []string{"net/http", kubo, geth + "/rpc", geth + "/ethclient", geth + "/accounts", geth + "/ethdb/pebble", geth + "/ethdb/leveldb", module + "/registry/source", module + "/registry/post", module + "/device", module + "/admin"}, "verification neither fetches nor signs"},
	{"registry/source", []string{kubo, module + "/registry/post", module + "/device", module + "/admin"}, "the reader does not write"},
	{"device/...", []string{kubo, module + "/registry/post", module + "/admin", geth + "/accounts"}, "a device only reads"},
	{"cmd/dpkid", []string{kubo, module + "/registry/post", module + "/admin", geth + "/accounts", module + "/internal/harness"}, "a device only reads"},
	{"admin/...", []string{module + "/device", module + "/internal/harness", "github.com/urfave/cli"}, "use cases do not know the daemon, the sandbox or the command line"},
	{"cmd/dpki", []string{module + "/device", module + "/internal/harness"}, "the command does not know the daemon or the sandbox"},
}

// dependencies lists everything that the packages of a pattern are built from,
// tests left out.
func dependencies(t *testing.T, pattern string) map[string]bool {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-json=ImportPath", module+"/"+pattern)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %s: %v\n%s", pattern, err, stderr.String())
	}
	deps := map[string]bool{}
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p struct{ ImportPath string }
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return deps
		} else if err != nil {
			t.Fatal(err)
		}
		deps[p.ImportPath] = true
	}
}

func under(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

func TestImportTable(t *testing.T) {
	for _, r := range table {
		t.Run(r.part, func(t *testing.T) {
			t.Parallel()
			deps := dependencies(t, r.part)
			if len(deps) < 2 {
				t.Fatalf("%s has no dependencies at all: is the pattern right?", r.part)
			}
			own := module + "/" + strings.TrimSuffix(r.part, "/...")
			for dep := range deps {
				for _, prefix := range r.never {
					// The standard library's net is one package, not its folder.
					hit := dep == prefix || prefix != "net" && under(dep, prefix)
					if hit && !under(dep, own) {
						t.Errorf("%s reaches %s: %s", r.part, dep, r.reason)
					}
				}
			}
		})
	}
}

// Nothing but the sandbox, the demonstration and tests may know that a sandbox
// exists.
func TestOnlyTestsKnowTheSandbox(t *testing.T) {
	for _, part := range []string{"cmd/dpki", "cmd/dpkid", "cmd/dpki-authkeys"} {
		for dep := range dependencies(t, part) {
			if under(dep, module+"/internal/harness") || under(dep, geth+"/eth/catalyst") {
				t.Errorf("%s reaches %s", part, dep)
			}
		}
	}
}

// Every module that we use directly has its reason in docs/architecture.md.
func TestDirectDependenciesHaveReasons(t *testing.T) {
	doc, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, reasons, ok := strings.Cut(string(doc), "## Direct dependencies")
	if !ok {
		t.Fatal("docs/architecture.md has no section for them")
	}
	out, err := exec.Command("go", "list", "-m", "-f", "{{if not (or .Indirect .Main)}}{{.Path}}{{end}}", "all").Output()
	if err != nil {
		t.Fatal(err)
	}
	direct := strings.Fields(string(out))
	if len(direct) < 5 {
		t.Fatalf("only %v: is go.mod tidy?", direct)
	}
	for _, module := range direct {
		if !strings.Contains(reasons, module) {
			t.Errorf("%s has no reason in docs/architecture.md", module)
		}
	}
}
