package sshd

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ahead looks through what sshd reads before the drop-in for Match blocks that
// depend on more than who logs in, as on an address or a port, and set one of
// our options: for such connections theirs count, and a denial of ours is none.
// What Match User and Match Group do, sshd itself is asked, account by account.
func (s Setup) ahead() error {
	text, err := os.ReadFile(s.Config)
	if err != nil {
		return err
	}
	var block []string // criteria of the Match block, in lower case
	for line := range strings.Lines(string(text)) {
		word := words(line)
		if len(word) == 0 {
			continue
		}
		if word[0] == "include" && s.includes(word[1:]) {
			return s.aheadInFolder()
		}
		if block, err = s.step(block, s.Config, word); err != nil {
			return err
		}
	}
	return nil // without an Include the drop-in has no effect, as sshd will say
}

// aheadInFolder looks through the files that sort before ours.
func (s Setup) aheadInFolder() error {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(s.Path()), "*.conf"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	for _, file := range files {
		if file >= s.Path() {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var block []string // a block ends with its file
		for line := range strings.Lines(string(text)) {
			if block, err = s.step(block, file, words(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s Setup) step(block []string, file string, word []string) ([]string, error) {
	switch {
	case len(word) == 0:
	case word[0] == "match":
		return word[1:], nil
	case byConnection(block) && slices.Contains(keywords(), word[0]):
		return nil, fmt.Errorf("%w for some connections: %s sets %s under `Match %s`", ErrNoEffect, file, word[0], strings.Join(block, " "))
	}
	return block, nil
}

// byConnection reports whether criteria name anything but users and groups.
func byConnection(criteria []string) bool {
	for i := 0; i < len(criteria); i += 2 {
		if criteria[i] != "user" && criteria[i] != "group" {
			return true
		}
	}
	return false
}

// includes reports whether an Include's patterns cover the drop-in. Relative
// ones are below /etc/ssh (sshd_config(5)).
func (s Setup) includes(patterns []string) bool {
	for _, p := range patterns {
		if !filepath.IsAbs(p) {
			p = filepath.Join("/etc/ssh", p)
		}
		if ok, _ := filepath.Match(p, strings.ToLower(s.Path())); ok {
			return true
		}
	}
	return false
}

// words takes a line apart as sshd does, in lower case: keywords and criteria
// have no case, and a `=` may stand for a space.
func words(line string) []string {
	line, _, _ = strings.Cut(strings.ToLower(strings.TrimSpace(line)), "#")
	return strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\n\r=\"", r) })
}
