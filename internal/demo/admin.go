package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
)

// silently runs dpki and shows nothing: --passphrase-file is not part of the story.
func (s *stage) silently(ctx context.Context, args ...string) (string, error) {
	return s.quiet(ctx, "dpki", append([]string{"--passphrase-file", filepath.Join(s.dir, "sandbox", "admin.passphrase")}, args...)...)
}

// organisation makes everything that an administrator makes once.
func organisation(ctx context.Context, s *stage) error {
	s.title("an organisation, a zone, a certificate authority")
	sandbox := filepath.Join(s.dir, "sandbox")
	for _, args := range [][]string{
		{"identity", "create", "--chain-key", filepath.Join(sandbox, "admin.json")},
		{"network", "use", filepath.Join(sandbox, "network.toml")},
		{"org", "create", "acme"},
		{"zone", "create", "plant"},
		{"ca", "create", "plant-users"},
	} {
		shown := args
		if strings.HasPrefix(args[len(args)-1], s.dir) {
			rel, err := filepath.Rel(s.dir, args[len(args)-1])
			if err != nil {
				return err
			}
			shown = append(append([]string{}, args[:len(args)-1]...), rel)
		}
		s.note("$ %s", typed("dpki", shown))
		out, err := s.silently(ctx, args...)
		if err != nil {
			s.note("%s", out)
			return err
		}
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "block ") {
				s.note("%s", strings.TrimSpace(line))
			}
		}
	}
	return nil
}

// anchor is the organisation's, which is all that a device is given to trust.
func (s *stage) anchor(ctx context.Context) (string, error) {
	out, err := s.quiet(ctx, "dpki", "--json", "org", "show")
	if err != nil {
		return "", err
	}
	var o struct{ Anchor string }
	return o.Anchor, json.Unmarshal([]byte(out), &o)
}

// show runs a command of the administrator and shows it and the lines wanted.
func (s *stage) show(ctx context.Context, keep func(string) bool, args ...string) (string, error) {
	s.note("$ %s", typed("dpki", args))
	out, err := s.silently(ctx, args...)
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if err != nil || keep == nil || keep(line) {
			s.note("%s", line)
		}
	}
	return out, err
}

func write(path, text string, mode os.FileMode) error { return os.WriteFile(path, []byte(text), mode) }
