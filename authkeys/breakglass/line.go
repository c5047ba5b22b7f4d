package breakglass

import (
	"encoding/base64"
	"errors"
	"net/netip"
	"strings"
	"time"
)

// ErrLine says that a line is not one that the folder may hold.
var ErrLine = errors.New("not a break-glass line")

const maxLine = 8 << 10 // bytes

// Entry is one parsed line.
type Entry struct {
	Options string    // without expiry-time, as they stood
	Expires time.Time // the first moment at which the line is no longer valid
	KeyType string
	Key     string // base64, canonical
}

// Line is what sshd gets.
func (e Entry) Line() string { return e.Options + " " + e.KeyType + " " + e.Key }

// options that a line may have: those with a value, and those without. cert-authority and principals= would let in more
// than one key; environment=, tunnel= and permitlisten= have no use here.
var valued = map[string]func(string) bool{
	"from":        validFrom,
	"expiry-time": func(s string) bool { _, err := parseExpiry(s); return err == nil },
	"command":     func(s string) bool { return s != "" && !strings.HasSuffix(s, `\`) },
}

var flags = map[string]bool{
	"restrict": true, "verify-required": true,
	"pty": true, "port-forwarding": true, "agent-forwarding": true, "X11-forwarding": true, "user-rc": true,
	"no-pty": true, "no-port-forwarding": true, "no-agent-forwarding": true, "no-X11-forwarding": true, "no-user-rc": true,
}

// ParseLine parses options, key type and key; what follows the key is a comment.
func ParseLine(line string) (Entry, error) {
	if len(line) > maxLine || !printable(line) {
		return Entry{}, ErrLine
	}
	var e Entry
	var kept []string
	seen := map[string]bool{}
	rest := line
	for {
		option, value, hasValue, after, ok := cutOption(rest)
		if !ok || seen[option] {
			return Entry{}, ErrLine
		}
		seen[option] = true
		if check := valued[option]; check != nil && hasValue && check(value) {
			if option == "expiry-time" {
				e.Expires, _ = parseExpiry(value)
			}
		} else if hasValue || !flags[option] {
			return Entry{}, ErrLine
		}
		if option != "expiry-time" {
			kept = append(kept, rest[:len(rest)-len(after)])
		}
		rest = after
		if strings.HasPrefix(rest, " ") {
			break
		}
		if rest, ok = strings.CutPrefix(rest, ","); !ok {
			return Entry{}, ErrLine
		}
	}
	if !seen["from"] || e.Expires.IsZero() {
		return Entry{}, ErrLine
	}
	e.Options = strings.Join(kept, ",")
	keyType, key, ok := strings.Cut(strings.TrimLeft(rest, " "), " ")
	if !ok {
		return Entry{}, ErrLine
	}
	key, _, _ = strings.Cut(strings.TrimLeft(key, " "), " ")
	e.KeyType, e.Key = keyType, key
	if !plainKeyType(keyType) {
		return Entry{}, ErrLine
	}
	if _, err := keyBlob(key); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// cutOption takes NAME or NAME="VALUE" off s, with sshd's quoting (misc.c, opt_dequote): \" is a quote, any other backslash stands
// for itself.
func cutOption(s string) (name, value string, hasValue bool, rest string, ok bool) {
	end := strings.IndexAny(s, "=, ")
	if end <= 0 {
		return "", "", false, "", false
	}
	name = s[:end]
	if s[end] != '=' {
		return name, "", false, s[end:], true
	}
	s, ok = strings.CutPrefix(s[end+1:], `"`)
	if !ok {
		return "", "", false, "", false
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && i+1 < len(s) && s[i+1] == '"':
			b.WriteByte('"')
			i++
		case s[i] == '"':
			return name, b.String(), true, s[i+1:], true
		default:
			b.WriteByte(s[i])
		}
	}
	return "", "", false, "", false
}

// validFrom accepts addresses and networks, but not the network of all addresses: that would be no restriction.
func validFrom(s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		if p, err := netip.ParsePrefix(part); err == nil {
			if p.Bits() == 0 || p.Masked() != p {
				return false
			}
			continue
		}
		if a, err := netip.ParseAddr(part); err != nil || a.Zone() != "" {
			return false
		}
	}
	return true
}

func parseExpiry(s string) (time.Time, error) {
	t, err := time.Parse("20060102150405Z", s)
	if err != nil || len(s) != len("20060102150405Z") {
		return time.Time{}, ErrLine
	}
	return t, nil
}

// plainKeyType: a certificate in this place would be compared as a key and never match; refuse it where it is written.
func plainKeyType(s string) bool {
	if s == "" || strings.Contains(s, "-cert-") {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '@' && c != '.' {
			return false
		}
	}
	return true
}

func keyBlob(text string) ([]byte, error) {
	blob, err := base64.StdEncoding.Strict().DecodeString(text)
	// The decoder skips line ends.
	if err != nil || len(blob) == 0 || base64.StdEncoding.EncodedLen(len(blob)) != len(text) {
		return nil, ErrLine
	}
	return blob, nil
}

func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
