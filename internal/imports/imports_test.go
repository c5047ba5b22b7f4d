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
	{"pam/...", []string{"net/http", geth, kubo, module + "/registry", module + "/device", module + "/admin", module + "/bundle"}, "sessions know grants, not where they come from"},
	{"registry/audit", []string{"net/http", kubo, geth + "/rpc", module + "/registry/source", module + "/device", module + "/admin"}, "an auditor has no network"},
	{"registry/segment", []string{"net/http", geth, kubo, module + "/bundle", module + "/registry/source", module + "/device", module + "/admin"}, "a file form does not fetch"},
	{"registry/witness", []string{"net/http", geth, kubo, module + "/registry/source", module + "/device", module + "/admin"}, "checkpoints are checked without a network"},
	{"sshca/...", []string{"net/http", geth, kubo, module + "/registry", module + "/device", module + "/admin"}, "certificates know nothing of chains"},
	{"bundle", []string{"net/http", geth, kubo, module + "/registry", module + "/device", module + "/admin"}, "formats do not fetch"},
	{"cmd/dpki-authkeys", []string{"net", "crypto/tls", "golang.org", "github.com", module + "/state", module + "/registry", module + "/device"}, "the helper in sshd's path is the standard library without network code"},
	{"registry/verify", []string{"net/http", kubo, geth + "/rpc", geth + "/ethclient", geth + "/accounts", geth + "/ethdb/pebble", geth + "/ethdb/leveldb", module + "/registry/source", module + "/registry/post", module + "/device", module + "/admin"}, "verification neither fetches nor signs"},
	{"registry/source", []string{kubo, module + "/registry/post", module + "/device", module + "/admin"}, "the reader does not write"},
	{"registry/route", []string{geth, kubo, module + "/registry/source", module + "/registry/verify", module + "/device", module + "/admin"}, "a format"},
	{"registry/mirror", []string{kubo, geth, module + "/registry/verify", module + "/registry/post", module + "/device", module + "/admin"}, "a mirror carries, and judges nothing"},
	{"device", []string{module + "/device/answer", module + "/pam", module + "/internal/socket", module + "/authkeys/breakglass"}, "who follows does not answer"},
	{"device/...", []string{kubo, module + "/registry/post", module + "/admin", geth + "/accounts"}, "a device only reads"},
	{"cmd/dpkid", []string{kubo, module + "/registry/post", module + "/admin", geth + "/accounts"}, "a device only reads"},
	{"admin/...", []string{module + "/device", "github.com/urfave/cli"}, "use cases do not know the daemon or the command line"},
	{"admin/receive", []string{kubo, module + "/registry/post", module + "/admin/chainkey"}, "a person only reads, and holds no account"},
	{"cmd/dpki", []string{module + "/device"}, "the command does not know the daemon"},
	{"cmd/dpki-sandbox", []string{kubo, module + "/bundle", module + "/device", module + "/admin", module + "/registry/verify"}, "a chain judges nothing"},
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

// No command is built with what tests are made of, and none but the sandbox with
// a chain of its own.
func TestCommandsLinkNoTestParts(t *testing.T) {
	for _, part := range []string{"cmd/dpki", "cmd/dpkid", "cmd/dpki-authkeys", "cmd/dpki-sandbox"} {
		never := []string{module + "/internal/harness", module + "/internal/devchain", geth + "/eth/catalyst"}
		if part == "cmd/dpki-sandbox" {
			never = []string{module + "/internal/harness"}
		}
		for dep := range dependencies(t, part) {
			for _, prefix := range never {
				if under(dep, prefix) {
					t.Errorf("%s reaches %s", part, dep)
				}
			}
		}
	}
	if !dependencies(t, "cmd/dpki-sandbox")[geth+"/eth/catalyst"] {
		t.Error("the sandbox has no chain: is the pattern right?")
	}
}

// Whoever reads the list of parts knows every package: a new one has a line there.
func TestPartsAreListed(t *testing.T) {
	doc, err := os.ReadFile("../../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(doc), "## Parts\n```\n")
	parts, _, end := strings.Cut(rest, "```")
	if !ok || !end {
		t.Fatal("docs/architecture.md has no list of parts")
	}
	listed := map[string]bool{}
	for _, word := range strings.FieldsFunc(parts, func(r rune) bool { return strings.ContainsRune(" \n:;", r) || r == '·' }) {
		word = strings.Trim(word, "/,()`")
		folder, names, braces := strings.Cut(strings.TrimSuffix(word, "}"), "{")
		if !braces {
			listed[word] = true
			continue
		}
		for _, name := range strings.Split(names, ",") {
			listed[folder+name] = true
		}
	}
	out, err := exec.Command("go", "list", module+"/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if len(packages) < 40 {
		t.Fatalf("only %v", packages)
	}
	for _, p := range packages {
		p = strings.TrimPrefix(p, module+"/")
		for _, whole := range []string{"cmd", "contracts", "bundle/store", "internal/harness", "internal/e2e"} {
			if under(p, whole) {
				p = whole // one line for all below it
			}
		}
		if !listed[p] {
			t.Errorf("%s has no line in docs/architecture.md, \"Parts\"", p)
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
