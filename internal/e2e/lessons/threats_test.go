package lessons

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"dpki/internal/harness"
)

// parties are the rows of the design's table: who may turn hostile.
var parties = []string{
	"fewer than k endpoints", "k endpoints together", "all endpoints, where witnesses are pinned", "IPFS node, gateway", "the SSH CA's key alone",
	"one administrator's chain key alone", "a device, root on it", "a user with a shell", "a reader of chain and stores", "whoever cuts the network",
}

// forge is a test of the contract: its file, and the function.
var forge = regexp.MustCompile(`^(contracts/test/\w+\.t\.sol)\.(test\w+)$`)

// Every cell of the threat model's table names tests that exist.
func TestEveryThreatHasItsTest(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(harness.RepoRoot(), "docs/threat-model.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "\n| turned hostile |")
	if !ok {
		t.Fatal("docs/threat-model.md has no table of who turns hostile")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	rows := strings.Split(table, "\n")[2:]
	for _, row := range rows {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		if len(cells) != 3 {
			t.Errorf("a row of %d cells: %s", len(cells), row)
			continue
		}
		tests := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[2], -1)
		if len(tests) == 0 {
			t.Errorf("nothing shows it: %s", cells[1])
		}
		for _, test := range tests {
			if !exists(t, test[1]) {
				t.Errorf("there is no %s", test[1])
			}
		}
	}
	for _, p := range parties {
		if !strings.Contains(table, "| **"+p) {
			t.Errorf("the table does not say what holds when %s turns hostile", p)
		}
	}
	for _, no := range []string{"internal/e2e/attack.TestThatDoesNotExist", "contracts/test/Admin.t.sol.test_that_does_not_exist", "TestOneEndpoint"} {
		if exists(t, no) {
			t.Errorf("%s was found", no)
		}
	}
}

// exists looks for a test as the table writes it.
func exists(t *testing.T, name string) bool {
	t.Helper()
	if m := forge.FindStringSubmatch(name); m != nil {
		text, err := os.ReadFile(filepath.Join(harness.RepoRoot(), m[1]))
		return err == nil && strings.Contains(string(text), "function "+m[2]+"(")
	}
	dir, test, ok := strings.Cut(name, ".")
	return ok && defined(t, dir, test)
}
