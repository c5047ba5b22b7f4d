package manpage

import "strings"

// text makes a line of text safe for roff(7): no backslash of it escapes
// anything, no dash becomes a hyphen, no line becomes a request.
func text(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`, "`", "").Replace(s)
	lines := strings.Split(strings.TrimSpace(s), "\n")
	for i, line := range lines {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// bold and italic are text in a font of its own.
func bold(s string) string   { return `\fB` + text(s) + `\fR` }
func italic(s string) string { return `\fI` + text(s) + `\fR` }

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	if s = strings.ToUpper(s[:1]) + s[1:]; !strings.HasSuffix(s, ".") {
		s += "."
	}
	return text(s)
}
