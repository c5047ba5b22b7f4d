package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// parts are the folders of patches.
var parts = []string{"contract", "replay", "decision"}

// mutant is one patch that takes a guard out.
type mutant struct {
	name        string // PART/NAME
	guard, gain string
	test        testName
	file        string // that it changes, in the checkout
	patch       []byte // the diff
}

// head is the three lines of a patch.
func (m *mutant) head() string {
	return "guard: " + m.guard + "\ngain: " + m.gain + "\ntest: " + m.test.String() + "\n"
}

// readMutants reads all patches below a folder, by part and name.
func readMutants(dir string) ([]*mutant, error) {
	var all []*mutant
	var errs []error
	for _, part := range parts {
		names, err := filepath.Glob(filepath.Join(dir, part, "*"))
		if err != nil {
			return nil, err
		}
		slices.Sort(names)
		for _, path := range names {
			text, err := os.ReadFile(path)
			if err != nil {
				return nil, err
			}
			m, err := parseMutant(part+"/"+strings.TrimSuffix(filepath.Base(path), ".patch"), text)
			if err == nil && m.file == "" {
				err = fmt.Errorf("%s: no patch below its three lines", m.name)
			}
			if err != nil {
				errs = append(errs, err)
				continue
			}
			all = append(all, m)
		}
	}
	return all, errors.Join(errs...)
}

// changed are the files that a patch changes.
var changed = regexp.MustCompile(`(?m)^\+\+\+ b/(\S+)$`)

// parseMutant parses a patch file. One without a diff is none yet, and has no file.
func parseMutant(name string, text []byte) (*mutant, error) {
	m := &mutant{name: name}
	rest := text
	for _, field := range []struct {
		key   string
		value *string
	}{{"guard: ", &m.guard}, {"gain: ", &m.gain}, {"test: ", nil}} {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		value, ok := strings.CutPrefix(string(line), field.key)
		if !ok || strings.TrimSpace(value) == "" {
			return nil, fmt.Errorf("%s: %q, want a line %q", name, line, field.key+"...")
		}
		rest = after
		if field.value != nil {
			*field.value = value
			continue
		}
		var err error
		if m.test, err = parseTestName(value); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(rest) == 0 {
		return m, nil
	}
	files := changed.FindAllSubmatch(rest, -1)
	if !bytes.HasPrefix(rest, []byte("diff --git ")) || len(files) != 1 || !filepath.IsLocal(string(files[0][1])) {
		return nil, fmt.Errorf("%s: want a patch of one file below its three lines", name)
	}
	m.file, m.patch = string(files[0][1]), rest
	return m, nil
}

// apply writes the patched file below a folder, in its place, and returns its path.
func (m *mutant) apply(ctx context.Context, root, dir string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, m.file))
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, m.file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "git", "apply", "--whitespace=nowarn", "-")
	cmd.Dir, cmd.Stdin = dir, bytes.NewReader(m.patch)
	// Below a repository git would look for the file there.
	cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("git apply: %w\n%s", err, out)
	}
	return path, nil
}
