package state

// ValidAccount reports whether s can name an account on a device: 1 to 32
// bytes of A-Z a-z 0-9 _ . -, the first neither - nor a dot (docs/formats.md
// section 9). Nothing in that set can end an option of an authorized_keys line.
func ValidAccount(s string) bool {
	if len(s) == 0 || len(s) > 32 || s[0] == '-' || s[0] == '.' {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !alphanumeric(c) && (c < 'A' || c > 'Z') && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// ValidName reports whether s can name a device, a zone or a person: 1 to 63
// bytes of a-z 0-9 . _ -, the first alphanumeric.
func ValidName(s string) bool {
	if len(s) == 0 || len(s) > 63 || !alphanumeric(s[0]) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !alphanumeric(c) && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
