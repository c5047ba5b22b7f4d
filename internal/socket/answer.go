package socket

import (
	"encoding/binary"
	"io"
)

// Code is the daemon's verdict. The zero value denies.
type Code uint8

const (
	Deny  Code = 0 // text: why, and what to do next
	Allow Code = 1 // text: what was asked for
	Error Code = 2 // text: what went wrong; a denial for whoever asked for a decision
)

// MaxText is the length of the longest answer text, in bytes.
const MaxText = 16 << 10

const answerHeader = 1 + 2

// Answer is the daemon's reply. Its zero value is a denial without a reason.
type Answer struct {
	Code Code
	Text string // at most MaxText bytes
}

// Marshal encodes a.
//
//	u8 code | u16 length | text
func (a Answer) Marshal() ([]byte, error) {
	if a.Code > Error {
		return nil, ErrCode
	}
	if len(a.Text) > MaxText {
		return nil, ErrTooLong
	}
	b := make([]byte, 0, answerHeader+len(a.Text))
	b = append(b, byte(a.Code))
	b = binary.BigEndian.AppendUint16(b, uint16(len(a.Text)))
	return append(b, a.Text...), nil
}

// ReadAnswer reads one answer and the end of file after it, which the daemon's close gives; without that end the answer is not
// complete. On error the answer is the zero value: a denial.
func ReadAnswer(r io.Reader) (Answer, error) {
	var header [answerHeader]byte
	if err := readFull(r, header[:]); err != nil {
		return Answer{}, err
	}
	code, n, err := parseAnswerHeader(header[:])
	if err != nil {
		return Answer{}, err
	}
	text := make([]byte, n)
	if err := readFull(r, text); err != nil {
		return Answer{}, err
	}
	switch _, err := io.ReadFull(r, header[:1]); err {
	case io.EOF:
		return Answer{Code: code, Text: string(text)}, nil
	case nil:
		return Answer{}, ErrTrailing
	default:
		return Answer{}, err
	}
}

func parseAnswerHeader(b []byte) (Code, int, error) {
	if len(b) < answerHeader {
		return Deny, 0, ErrTruncated
	}
	code := Code(b[0])
	if code > Error {
		return Deny, 0, ErrCode
	}
	n := int(binary.BigEndian.Uint16(b[1:]))
	if n > MaxText {
		return Deny, 0, ErrTooLong
	}
	return code, n, nil
}
