package socket

import (
	"encoding/binary"
	"errors"
	"io"
)

// Type says what a request asks for. The zero value is no type.
type Type uint8

const (
	Authkeys   Type = 1 // account, key type, key in base64: one authorized_keys line
	Status     Type = 2 // no fields
	Explain    Type = 3 // as Authkeys: the decision in words
	ResetTrust Type = 4
	Sessions   Type = 5 // after, a process id; none is 0

	Account      Type = 16 // types from here on are PAM's, on its own socket
	OpenSession  Type = 17
	CloseSession Type = 18
	Sudo         Type = 19
)

const (
	magic = "DPK1"

	// MaxRequest is the length of the longest request, header included, in bytes.
	MaxRequest = 64 << 10
	// MaxFields is the largest number of fields in a request.
	MaxFields = 16

	requestHeader = len(magic) + 1 + 2
	maxBody       = MaxRequest - requestHeader
)

// Errors of the codec. Each of them closes the connection.
var (
	ErrMagic     = errors.New("socket: not a DPK1 request")
	ErrType      = errors.New("socket: unknown request type")
	ErrTooLong   = errors.New("socket: too long")
	ErrTruncated = errors.New("socket: truncated")
	ErrTrailing  = errors.New("socket: trailing bytes")
	ErrFields    = errors.New("socket: too many fields")
	ErrCode      = errors.New("socket: unknown answer code")
)

// Known reports whether t is a type of this version.
func (t Type) Known() bool {
	return t >= Authkeys && t <= Sessions || t >= Account && t <= Sudo
}

// Request is one question to the daemon.
type Request struct {
	Type   Type
	Fields [][]byte // at most MaxFields
}

// NewRequest makes a request of text fields.
func NewRequest(t Type, fields ...string) Request {
	r := Request{Type: t}
	for _, f := range fields {
		r.Fields = append(r.Fields, []byte(f))
	}
	return r
}

// Marshal encodes r.
//
//	"DPK1" | u8 type | u16 length of what follows | fields, each u16 length | bytes
func (r Request) Marshal() ([]byte, error) {
	if !r.Type.Known() {
		return nil, ErrType
	}
	if len(r.Fields) > MaxFields {
		return nil, ErrFields
	}
	n := 0
	for _, f := range r.Fields {
		n += 2 + len(f)
		if n > maxBody {
			return nil, ErrTooLong
		}
	}
	b := make([]byte, 0, requestHeader+n)
	b = append(b, magic...)
	b = append(b, byte(r.Type))
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	for _, f := range r.Fields {
		b = binary.BigEndian.AppendUint16(b, uint16(len(f)))
		b = append(b, f...)
	}
	return b, nil
}

// ReadRequest reads one request and not a byte more. It allocates only what the checked header announces. A reader that ends
// early is ErrTruncated; any other error of r is returned as it is.
func ReadRequest(r io.Reader) (Request, error) {
	var header [requestHeader]byte
	if err := readFull(r, header[:]); err != nil {
		return Request{}, err
	}
	t, n, err := parseRequestHeader(header[:])
	if err != nil {
		return Request{}, err
	}
	body := make([]byte, n)
	if err := readFull(r, body); err != nil {
		return Request{}, err
	}
	return parseFields(t, body)
}

func parseRequestHeader(b []byte) (Type, int, error) {
	if len(b) < requestHeader {
		return 0, 0, ErrTruncated
	}
	if string(b[:len(magic)]) != magic {
		return 0, 0, ErrMagic
	}
	t := Type(b[len(magic)])
	if !t.Known() {
		return 0, 0, ErrType
	}
	n := int(binary.BigEndian.Uint16(b[len(magic)+1:]))
	if n > maxBody {
		return 0, 0, ErrTooLong
	}
	return t, n, nil
}

func parseFields(t Type, body []byte) (Request, error) {
	r := Request{Type: t}
	for len(body) > 0 {
		if len(r.Fields) == MaxFields {
			return Request{}, ErrFields
		}
		if len(body) < 2 {
			return Request{}, ErrTruncated
		}
		n := int(binary.BigEndian.Uint16(body))
		body = body[2:]
		if len(body) < n {
			return Request{}, ErrTruncated
		}
		r.Fields = append(r.Fields, body[:n:n])
		body = body[n:]
	}
	return r, nil
}

func readFull(r io.Reader, b []byte) error {
	_, err := io.ReadFull(r, b)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrTruncated
	}
	return err
}
