package bundle

// maxName bounds the name of a device, zone or person, in bytes.
const maxName = 63

// validName: 1 to 63 of a-z 0-9 . _ -, the first alphanumeric (docs/formats.md
// section 9). It is checked again by every reader: names end up in terminals,
// file names and configuration.
func validName(s string) bool {
	if len(s) == 0 || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !alphanumeric && (i == 0 || c != '.' && c != '_' && c != '-') {
			return false
		}
	}
	return true
}
