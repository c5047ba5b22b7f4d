package manpage

import (
	"fmt"
	"strings"
)

// Fill puts the parts where the page has their marks. Each mark has a part and
// each part a mark, or the page would lack something without anybody noticing.
func Fill(page string, parts map[string]string) (string, error) {
	var b strings.Builder
	used := map[string]bool{}
	for line := range strings.Lines(page) {
		name, marked := mark(line)
		if !marked {
			b.WriteString(line)
			continue
		}
		part, ok := parts[name]
		if !ok {
			return "", fmt.Errorf("manpage: the page asks for a part %q", name)
		}
		b.WriteString(part)
		used[name] = true
	}
	for name := range parts {
		if !used[name] {
			return "", fmt.Errorf("manpage: the page has no place for the part %q", name)
		}
	}
	return b.String(), nil
}

func mark(line string) (name string, ok bool) {
	if name, ok = strings.CutPrefix(strings.TrimSpace(line), `.\" @`); ok {
		name, ok = strings.CutSuffix(name, "@")
	}
	return name, ok
}
