package docs

import (
	"fmt"
	"strconv"
	"strings"
)

// A block is a fenced piece of a document.
type block struct {
	line   int    // of its first line of text, from 1
	lang   string // the first word after the fence; may be empty
	exit   int    // the status that its last command must have
	before string // the line of text above the fence
	text   string
}

// blocks finds the fenced blocks of a document.
func blocks(document string) ([]block, error) {
	var found []block
	var open *block
	before := ""
	for i, line := range strings.Split(document, "\n") {
		info, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			b, err := parseInfo(info)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			b.line, b.before, open = i+2, before, &b
		case fence:
			if info != "" {
				return nil, fmt.Errorf("line %d: a block begins within a block", i+1)
			}
			found, open = append(found, *open), nil
		case open != nil:
			open.text += line + "\n"
		case strings.TrimSpace(line) != "":
			before = line
		}
	}
	if open != nil {
		return nil, fmt.Errorf("the block of line %d does not end", open.line)
	}
	return found, nil
}

func parseInfo(info string) (block, error) {
	words := strings.Fields(info)
	if len(words) == 0 {
		return block{}, nil
	}
	b := block{lang: words[0]}
	for _, w := range words[1:] {
		status, ok := strings.CutPrefix(w, "exit=")
		n, err := strconv.Atoi(status)
		if !ok || err != nil || n < 1 || n > 255 || b.lang != "sh" {
			return b, fmt.Errorf("%q means nothing after ```%s", w, b.lang)
		}
		b.exit = n
	}
	return b, nil
}

// script is one bash program of all blocks that run. Each command stands on the
// line that it has in the document, so that bash's line numbers are the
// document's; what the test adds stands where the fences are. name is the
// document's, for messages. begun and done go around each block.
func script(found []block, name string) string {
	var lines []string
	at := func(line int, text string) {
		for len(lines) < line-1 {
			lines = append(lines, "")
		}
		lines = append(lines, text)
	}
	at(1, "set -uo pipefail; trap 'failed $LINENO $? \"$BASH_COMMAND\"' ERR; "+
		"failed() { echo \""+name+":$1: status $2: $3\" >&2; exit 1; }; "+
		"expect() { if [ $1 -ne $2 ]; then echo \""+name+":$3: status $1, want $2\" >&2; exit 1; fi; }")
	for _, b := range found {
		if b.lang != "sh" {
			continue
		}
		text := strings.Split(strings.TrimSuffix(b.text, "\n"), "\n")
		switch b.exit {
		case 0:
			at(b.line-1, "set -e")
		default:
			at(b.line-1, "set +e; trap - ERR")
		}
		for i, line := range text {
			at(b.line+i, line)
		}
		if b.exit != 0 {
			at(b.line+len(text), fmt.Sprintf("expect $? %d %d; trap 'failed $LINENO $? \"$BASH_COMMAND\"' ERR", b.exit, b.line))
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
