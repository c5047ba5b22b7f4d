package bundle

import (
	"net"
	"strconv"
)

// maxAddress bounds an address: a host name of 253 bytes, brackets, a port.
const maxAddress = 263

// ValidAddress reports whether s is HOST:PORT, where HOST is a name or an IP
// address that a client may put on a command line: it begins with no dash and
// holds nothing but letters, digits, dots, dashes, underscores and, in an IPv6
// address, colons.
func ValidAddress(s string) bool {
	if len(s) > maxAddress {
		return false
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || host[0] == '-' || net.JoinHostPort(host, port) != s {
		return false
	}
	for i := range len(host) {
		c := host[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '_' && c != ':' {
			return false
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == port
}
