package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"runtime"
	"time"

	"dpki/internal/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, harness.RepoRoot(), os.Args[1:], os.Stdout, os.Stderr))
}

const usage = "usage: mutants [-j N] [PATTERN...] | -renew NAME FILE COPY"

// limit is how long one test may take; they take milliseconds.
const limit = time.Minute

func run(ctx context.Context, root string, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(stderr)
	at := flags.Int("j", runtime.NumCPU(), "how many at a time")
	renewed := flags.String("renew", "", "write the patch of this NAME anew, from FILE and a COPY of it without the guard")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	args = flags.Args()
	patches := filepath.Join(root, "internal", "mutants", "patches")
	if *at < 1 || *renewed != "" && len(args) != 2 {
		fmt.Fprintln(stderr, usage)
		return 2
	}
	if *renewed != "" {
		if err := renew(root, patches, *renewed, filepath.ToSlash(filepath.Clean(args[0])), args[1]); err != nil {
			fmt.Fprintf(stderr, "mutants: error: %v\n", err)
			return 1
		}
		return 0
	}
	mutants, err := readMutants(patches)
	if err == nil {
		mutants, err = choose(mutants, args)
	}
	if err != nil {
		fmt.Fprintf(stderr, "mutants: error: %v\n", err)
		return 1
	}
	tmp, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		fmt.Fprintf(stderr, "mutants: error: %v\n", err)
		return 1
	}
	defer os.RemoveAll(tmp)
	p := &report{w: stdout}
	b := &bench{root: root, tmp: tmp, limit: limit, at: *at}
	b.all(ctx, mutants, p.tell)
	return p.close(os.Getenv("CI") == "true")
}

// choose takes the mutants whose name a pattern matches; without patterns, all.
func choose(mutants []*mutant, patterns []string) (chosen []*mutant, err error) {
	if len(patterns) == 0 {
		return mutants, nil
	}
	used := map[string]bool{}
	for _, m := range mutants {
		for _, pattern := range patterns {
			ok, err := path.Match(pattern, m.name)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", pattern, err)
			}
			if ok && (len(chosen) == 0 || chosen[len(chosen)-1] != m) {
				chosen = append(chosen, m)
			}
			used[pattern] = used[pattern] || ok
		}
	}
	for _, pattern := range patterns {
		if !used[pattern] {
			return nil, fmt.Errorf("no mutant is called %q", pattern)
		}
	}
	return chosen, nil
}
