package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// forgeTool is where npm puts forge, in the contract's folder.
const forgeTool = "node_modules/.bin/forge"

// forgeTest runs tests in a copy of the contract's folder. paths is a glob for their
// files, pattern matches their names. Without the optimizer the contract compiles in
// half the time, and its rules are the same.
func forgeTest(ctx context.Context, dir, paths, pattern string, limit time.Duration) ran {
	return call(ctx, dir, limit, readForge, forgeTool, "test", "--json", "--optimize", "false", "--match-path", paths, "--match-test", pattern)
}

// readForge reads what `forge test --json` has printed: an object of suites, or
// why there are none.
func readForge(stdout []byte) ran {
	r := ran{tests: map[string]outcome{}, said: map[string]string{}}
	var suites map[string]struct {
		Results map[string]struct{ Status, Reason string } `json:"test_results"`
	}
	if json.Unmarshal(stdout, &suites) != nil {
		r.output = string(stdout)
		r.unbuilt = !strings.Contains(r.output, "No tests found")
		return r
	}
	for _, suite := range suites {
		for signature, result := range suite.Results {
			test, _, _ := strings.Cut(signature, "(")
			switch result.Status {
			case "Success":
				r.tests[test] = passed
			case "Failure":
				r.tests[test], r.said[test] = failed, result.Reason
			case "Skipped":
				r.tests[test] = skipped
			}
		}
	}
	return r
}

// copyContract makes a copy of the contract's folder that can be altered. What npm
// has installed is linked.
func copyContract(root, dir string) error {
	from, to := filepath.Join(root, "contracts"), filepath.Join(dir, "contracts")
	for _, part := range []string{"src", "test", "tools"} {
		if err := os.CopyFS(filepath.Join(to, part), os.DirFS(filepath.Join(from, part))); err != nil {
			return err
		}
	}
	settings, err := os.ReadFile(filepath.Join(from, "foundry.toml"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "foundry.toml"), settings, 0o644); err != nil {
		return err
	}
	modules, err := filepath.EvalSymlinks(filepath.Join(from, "node_modules"))
	if err != nil {
		return err
	}
	return os.Symlink(modules, filepath.Join(to, "node_modules"))
}
