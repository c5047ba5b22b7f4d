package state

import (
	"bytes"
	"encoding/binary"
)

const (
	// MaxRequestKey bounds the key of a Request, in bytes: every type but RSA fits.
	MaxRequestKey = 200
	// MaxReason bounds the reason of a Request, in bytes.
	MaxReason = 200
)

// Request is the payload of REQUEST: somebody asks for a grant. It grants nothing.
type Request struct {
	Account string // account on the device, ValidAccount
	Key     []byte // SSH public key blob (RFC 4253, 6.6) that is to log in, 1 to MaxRequestKey bytes
	Seconds uint64 // how long, 1 to 2^32-1
	Reason  string // for who decides, ValidReason; may be empty
	Flags   GrantFlags
}

// ValidReason reports whether s is UTF-8 without control characters or line
// separators, at most MaxReason bytes. It may be empty.
func ValidReason(s string) bool { return validText(s, MaxReason) }

// Marshal encodes the payload.
func (r Request) Marshal() ([]byte, error) {
	if r.Seconds == 0 || r.Seconds > 1<<32-1 {
		return nil, malformed("request for %d seconds", r.Seconds)
	}
	w := newFields().addText(1, r.Account).add(2, append([]byte{}, r.Key...)).add(3, binary.BigEndian.AppendUint32(nil, uint32(r.Seconds))).addText(4, r.Reason)
	if r.Flags != 0 {
		w = w.add(5, binary.BigEndian.AppendUint16(nil, uint16(r.Flags)))
	}
	return checked(w, func(b []byte) error { _, err := ParseRequest(b); return err })
}

// ParseRequest decodes what Marshal encodes.
func ParseRequest(b []byte) (Request, error) {
	f, err := parseFields(b, 5)
	if err != nil {
		return Request{}, err
	}
	var r Request
	var errs [4]error
	r.Account, errs[0] = f.text(1, 32, ValidAccount)
	r.Seconds, errs[1] = f.uint(3, 4, 0)
	r.Reason, errs[2] = f.text(4, MaxReason, ValidReason)
	flags, err := f.uint(5, 2, 0)
	r.Flags, errs[3] = GrantFlags(flags), err
	if err := first(errs[:]); err != nil {
		return Request{}, err
	}
	if r.Key = bytes.Clone(f[2]); len(r.Key) == 0 || len(r.Key) > MaxRequestKey {
		return Request{}, malformed("request's key of %d bytes", len(r.Key))
	}
	if r.Account == "" || r.Seconds == 0 || r.Flags&^AllGrantFlags != 0 || f[5] != nil && r.Flags == 0 {
		return Request{}, malformed("request")
	}
	return r, nil
}
