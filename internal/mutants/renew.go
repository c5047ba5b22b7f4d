package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
)

// renew writes a patch anew: the difference between a file of the checkout and a
// copy of it without the guard, below the three lines that the patch has.
func renew(root, dir, name, file, copied string) error {
	path := filepath.Join(dir, name+".patch")
	old, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("%w\nmutants: hint: write its three lines first: guard, gain, test", err)
	}
	m, err := parseMutant(name, old)
	if err != nil {
		return err
	}
	patch, err := difference(root, file, copied)
	if err != nil {
		return err
	}
	text := append([]byte(m.head()), patch...)
	if _, err := parseMutant(name, text); err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o644)
}

// blobs is the line that says nothing to git apply.
var blobs = regexp.MustCompile(`(?m)^index .*\n`)

func difference(root, file, copied string) ([]byte, error) {
	tmp, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	for side, from := range map[string]string{"a": filepath.Join(root, file), "b": copied} {
		text, err := os.ReadFile(from)
		if err != nil {
			return nil, err
		}
		to := filepath.Join(tmp, side, file)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return nil, err
		}
		if err := os.WriteFile(to, text, 0o644); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command("git", "diff", "--no-index", "--no-prefix", "--no-color", "--no-ext-diff", "-U1", "a/"+file, "b/"+file)
	cmd.Dir = tmp
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return nil, fmt.Errorf("git diff: %w", err)
	}
	if len(bytes.TrimSpace(out)) == 0 {
		return nil, fmt.Errorf("%s and %s are the same", file, copied)
	}
	return blobs.ReplaceAll(out, nil), nil
}
