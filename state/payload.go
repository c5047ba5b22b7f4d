package state

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxPayload is the largest payload that fits a sealed entry: 512 bytes less
// the padding's first.
const MaxPayload = 511

// payloadVersion is the first byte of each payload.
const payloadVersion = 1

// fields is a payload taken apart: u8 version | (u8 tag | u16 length | value)...
// with strictly ascending tags. Absent and empty are different things.
type fields map[uint8][]byte

func parseFields(b []byte, highest uint8) (fields, error) {
	if len(b) > MaxPayload {
		return nil, malformed("payload of %d bytes", len(b))
	}
	r := reader{b: b}
	if v := r.uint(1); v != payloadVersion {
		return nil, malformed("payload version %d", v)
	}
	f, last := fields{}, uint8(0)
	for len(r.b) > 0 {
		tag := uint8(r.uint(1))
		if tag <= last || tag > highest {
			return nil, malformed("payload field %d", tag)
		}
		f[tag], last = r.bytes(int(r.uint(2))), tag
	}
	if r.short {
		return nil, malformed("payload of %d bytes", len(b))
	}
	return f, nil
}

// fieldWriter appends fields in the order of their tags; a nil value is left
// out.
type fieldWriter []byte

func newFields() fieldWriter { return fieldWriter{payloadVersion} }

func (w fieldWriter) add(tag uint8, value []byte) fieldWriter {
	if value == nil {
		return w
	}
	w = append(w, tag)
	w = binary.BigEndian.AppendUint16(w, uint16(len(value)))
	return append(w, value...)
}

func (w fieldWriter) addText(tag uint8, s string) fieldWriter {
	if s == "" {
		return w
	}
	return w.add(tag, []byte(s))
}

// word takes a mandatory 32-byte field.
func (f fields) word(tag uint8) (Word, error) {
	var w Word
	if len(f[tag]) != len(w) {
		return w, malformed("payload field %d", tag)
	}
	return Word(f[tag]), nil
}

// uint takes an optional integer of a fixed width; absent gives def.
func (f fields) uint(tag uint8, width int, def uint64) (uint64, error) {
	v, ok := f[tag]
	if !ok {
		return def, nil
	}
	if len(v) != width {
		return 0, malformed("payload field %d", tag)
	}
	r := reader{b: v}
	return r.uint(width), nil
}

// text takes an optional text of at most max bytes that check accepts. An
// empty text is written by leaving the field out.
func (f fields) text(tag uint8, max int, check func(string) bool) (string, error) {
	v, ok := f[tag]
	if !ok {
		return "", nil
	}
	if len(v) == 0 || len(v) > max || !check(string(v)) {
		return "", malformed("payload field %d", tag)
	}
	return string(v), nil
}

const maxLabel = 64

// ValidLabel reports whether s is UTF-8 without control characters or line
// separators, at most 64 bytes. It may be empty.
func ValidLabel(s string) bool { return validText(s, maxLabel) }

func validText(s string, max int) bool {
	if len(s) > max || !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

const maxFrom = 200

// ValidFrom reports whether s is a comma-separated list of CIDRs in canonical
// form, as sshd's from= takes it, at most 200 bytes.
func ValidFrom(s string) bool {
	if len(s) > maxFrom {
		return false
	}
	for part := range strings.SplitSeq(s, ",") {
		p, err := netip.ParsePrefix(part)
		if err != nil || p.Masked().String() != part {
			return false
		}
	}
	return true
}

const maxCommand = 256

// ValidCommand reports whether s can be a forced command: printable ASCII, at
// most 256 bytes, not ending in a backslash, which would escape the quote that
// ends the option in an authorized_keys line.
func ValidCommand(s string) bool {
	return len(s) <= maxCommand && printable(s) && !strings.HasSuffix(s, `\`)
}

const maxAccounts = 200

func validAccounts(s string) bool {
	for part := range strings.SplitSeq(s, ",") {
		if !ValidAccount(part) {
			return false
		}
	}
	return true
}
