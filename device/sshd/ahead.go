package sshd

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxIncludes is how deep files may include each other (servconf.c, SERVCONF_MAX_DEPTH).
const maxIncludes = 16

// ahead looks through what sshd reads before the drop-in for Match blocks that
// depend on more than who logs in, as on an address or a port, and set one of
// our options, or include the drop-in: for such connections theirs count, or for
// others ours do not, and a denial of ours is none.
// What Match User and Match Group do, sshd itself is asked, account by account.
func (s Setup) ahead() error {
	_, err := s.readAhead(s.Config, nil, 0)
	return err // without an Include the drop-in has no effect, as sshd will say
}

// readAhead reads a file up to the drop-in, and reports whether that was reached.
// An Include stands for the lines of its files (sshd_config(5)), which are under
// the Match block that it is in, and a block ends with its file.
func (s Setup) readAhead(file string, block []string, depth int) (reached bool, err error) {
	if depth > maxIncludes {
		return false, fmt.Errorf("%w: %s is included by too many", ErrNoEffect, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return false, err
	}
	outer := block
	for line := range strings.Lines(string(text)) {
		word := words(line)
		switch {
		case len(word) == 0:
		case word[0] == "match":
			block = slices.Concat(outer, lower(word[1:]))
		case word[0] == "include":
			if reached, err = s.includedAhead(word[1:], block, depth); reached || err != nil {
				return reached, err
			}
		case byConnection(block) && slices.Contains(keywords(), word[0]):
			return false, fmt.Errorf("%w for some connections: %s sets %s under `Match %s`", ErrNoEffect, file, word[0], strings.Join(block, " "))
		}
	}
	return false, nil
}

// includedAhead reads what an Include names, in sshd's order. The drop-in need
// not be there yet.
func (s Setup) includedAhead(patterns, block []string, depth int) (reached bool, err error) {
	for _, p := range patterns {
		if !filepath.IsAbs(p) {
			p = filepath.Join("/etc/ssh", p)
		}
		files, err := filepath.Glob(p)
		if err != nil {
			return false, err
		}
		if ours, _ := filepath.Match(p, s.Path()); ours {
			files = append(files, s.Path())
		}
		slices.Sort(files)
		for _, file := range files {
			if file == s.Path() && byConnection(block) {
				return true, fmt.Errorf("%w for some connections: it is included under `Match %s`", ErrNoEffect, strings.Join(block, " "))
			}
			if file == s.Path() {
				return true, nil
			}
			if reached, err := s.readAhead(file, block, depth+1); reached || err != nil {
				return reached, err
			}
		}
	}
	return false, nil
}

// byConnection reports whether criteria name anything but users and groups.
func byConnection(criteria []string) bool {
	criteria = slices.DeleteFunc(slices.Clone(criteria), func(c string) bool { return c == "all" })
	for i := 0; i < len(criteria); i += 2 {
		if criteria[i] != "user" && criteria[i] != "group" {
			return true
		}
	}
	return false
}

// words takes a line apart as sshd does: the keyword has no case, and a `=` may
// stand for a space.
func words(line string) []string {
	line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
	all := strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(" \t\n\r=\"", r) })
	if len(all) > 0 {
		all[0] = strings.ToLower(all[0])
	}
	return all
}

// lower is for criteria, which have no case either.
func lower(all []string) (l []string) {
	for _, w := range all {
		l = append(l, strings.ToLower(w))
	}
	return l
}
