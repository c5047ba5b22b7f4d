package main

const maxMessage = 900 // bytes: what every syslog daemon takes as one message

// fits reports whether a foreign argument is short, printable and there at all.
func fits(s string, max int) bool { return s != "" && len(s) <= max && printable(s) }

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// clean makes foreign text fit for one log line.
func clean(s string) string {
	b := []byte(s[:min(len(s), maxMessage)])
	for i, c := range b {
		if c < ' ' || c > '~' {
			b[i] = '?'
		}
	}
	return string(b)
}

// quote marks where foreign text begins and ends. It cannot pose as the text around it: a quote within becomes '.
func quote(s string) string {
	b := []byte(clean(s[:min(len(s), maxKeyType)]))
	for i, c := range b {
		if c == '"' {
			b[i] = '\''
		}
	}
	return `"` + string(b) + `"`
}
