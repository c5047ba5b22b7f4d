package pamd

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Why a service file is left alone.
var (
	// ErrByHand: lines with the module stand there that dpkid did not write.
	ErrByHand = errors.New("the PAM service names pam_dpki already, by hand")
	// ErrForm: the file is not one that lines can be added to.
	ErrForm = errors.New("the PAM service file cannot be added to")
)

// A block, as it stands in a file:
//
//	# dpki: begin. ...
//	LINE ...
//	# dpki: end.
//
// begin is another one where the file before the block did not end its last line: that end goes with the block.
const (
	begin     = "# dpki: begin. Written by `dpkid setup`, removed by `dpkid setup --undo`. Changes in this block are lost.\n"
	beginJoin = "# dpki: begin, on a line of its own. Written by `dpkid setup`, removed by `dpkid setup --undo`. Changes in this block are lost.\n"
	end       = "# dpki: end.\n"
)

const mark = "# dpki: " // of each line that begins or ends a block

const header = "#%PAM" // some distributions' first line

// insert adds a block of lines at the beginning and one at the end of a service file. Empty lines are no block.
func insert(text []byte, first, last string) ([]byte, error) {
	s := string(text)
	switch {
	case bytes.ContainsRune(text, 0) || strings.HasSuffix(strings.TrimSuffix(s, "\n"), `\`):
		return nil, fmt.Errorf("%w: it ends in the middle of a line, or is not text", ErrForm)
	case strings.Contains(s, mark):
		return nil, fmt.Errorf("%w: it holds a part of a block of dpki's", ErrForm)
	case byHand(s):
		return nil, ErrByHand
	}
	head := ""
	if strings.HasPrefix(s, header) {
		i := strings.IndexByte(s, '\n') + 1
		if i == 0 {
			i = len(s)
		}
		head, s = s[:i], s[i:]
		if !strings.HasSuffix(head, "\n") {
			return nil, fmt.Errorf("%w: it has no lines", ErrForm)
		}
	}
	if first != "" {
		first = begin + first + end
	}
	if last != "" {
		if s != "" && !strings.HasSuffix(s, "\n") {
			last = "\n" + beginJoin + last + end
		} else {
			last = begin + last + end
		}
	}
	return []byte(head + first + s + last), nil
}

// remove takes all blocks out. A file without any is given back as it is.
func remove(text []byte) ([]byte, error) {
	s := string(text)
	var kept strings.Builder
	for {
		at, opening := strings.Index(s, begin), begin
		if join := strings.Index(s, "\n"+beginJoin); join >= 0 && (at < 0 || join < at) {
			at, opening = join, "\n"+beginJoin
		}
		if at < 0 {
			kept.WriteString(s)
			return []byte(kept.String()), nil
		}
		kept.WriteString(s[:at])
		_, rest, ok := strings.Cut(s[at+len(opening):], end)
		if !ok {
			return nil, fmt.Errorf("%w: a block of dpki's does not end", ErrForm)
		}
		s = rest
	}
}

// notes looks at the first line of type session, or that includes such lines.
func notes(text string) bool {
	for line := range strings.Lines(text) {
		rule, _, _ := strings.Cut(line, "#")
		switch words := strings.Fields(rule); {
		case len(words) == 0:
		case words[0] == "@include" && len(words) > 1 && strings.Contains(words[1], "session"):
			return false
		case strings.TrimPrefix(strings.ToLower(words[0]), "-") == "session":
			return strings.Contains(rule, "pam_dpki") && slices.Contains(words, "note")
		}
	}
	return false
}

// byHand reports whether a line that counts names the module.
func byHand(text string) bool {
	for line := range strings.Lines(text) {
		rule, _, _ := strings.Cut(line, "#")
		if strings.Contains(rule, "pam_dpki") {
			return true
		}
	}
	return false
}
