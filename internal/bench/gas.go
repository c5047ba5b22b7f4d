package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"dpki/internal/harness"
)

// budget is the design's, in gas of a whole transaction, per entry.
var budget = map[string]int{
	"put, used scope":              75_000,
	"put, used mailbox by zone":    75_000,
	"put, first of a scope":        125_000,
	"revoke":                       60_000,
	"batch of 100, one scope, per": 32_000,
}

// gas reports the committed measurements, which a test of package contracts
// compares with the contract that is committed.
func gas(s *stage, t *report) {
	text, err := os.ReadFile(filepath.Join(harness.RepoRoot(), "contracts", "gas.txt"))
	s.must(err)
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		i := strings.LastIndexByte(line, ' ')
		if i < 0 {
			continue
		}
		name := strings.TrimSpace(line[:i])
		n, err := strconv.Atoi(line[i+1:])
		s.must(err)
		if limit, ok := budget[name]; ok {
			t.add("gas: "+name, thousands(n), thousands(limit), n <= limit, "contracts/gas.txt")
		}
	}
}
