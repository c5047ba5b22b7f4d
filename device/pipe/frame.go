package pipe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

type kind uint8

const (
	kindConfigure  kind = 1
	kindWatch      kind = 2
	kindHead       kind = 3
	kindLogs       kind = 4
	kindHeaders    kind = 5
	kindBlock      kind = 6
	kindSegment    kind = 7
	kindReceipt    kind = 8
	kindCheckpoint kind = 9

	kindResults kind = 16
	kindFailure kind = 17
	kindHint    kind = 18
)

const (
	// MaxQuestion bounds a frame from run, in bytes: a configuration of 128
	// places is the largest.
	MaxQuestion = 256 << 10
	// MaxPending is how many questions may be open at once.
	MaxPending = 64
	// MaxDetail bounds the text of a failure, in bytes.
	MaxDetail = 500

	maxFields   = 128
	frameHeader = 4 + 1 + 4
)

// ErrProtocol says that the other side sent what this side cannot read. The
// connection is of no use any more.
var ErrProtocol = errors.New("pipe: protocol error")

func protocol(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProtocol, fmt.Sprintf(format, args...))
}

// frame is one message.
type frame struct {
	kind   kind
	id     uint32
	fields [][]byte
}

// size is the length of the body: what follows type and id.
func (f frame) size() int {
	n := 0
	for _, v := range f.fields {
		n += 4 + len(v)
	}
	return n
}

func (f frame) marshal() ([]byte, error) {
	if len(f.fields) > maxFields {
		return nil, protocol("%d fields", len(f.fields))
	}
	n := f.size()
	b := make([]byte, 0, frameHeader+n)
	b = binary.BigEndian.AppendUint32(b, uint32(1+4+n))
	b = append(b, byte(f.kind))
	b = binary.BigEndian.AppendUint32(b, f.id)
	for _, v := range f.fields {
		b = binary.BigEndian.AppendUint32(b, uint32(len(v)))
		b = append(b, v...)
	}
	return b, nil
}

// readFrame reads one frame. limit gives the longest body for a type and id, or
// an error for one that nobody expects: it is asked before anything is
// allocated.
func readFrame(r io.Reader, limit func(kind, uint32) (int, error)) (frame, error) {
	var h [frameHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	n := int64(binary.BigEndian.Uint32(h[:4])) - (1 + 4)
	f := frame{kind: kind(h[4]), id: binary.BigEndian.Uint32(h[5:])}
	max, err := limit(f.kind, f.id)
	if err != nil {
		return frame{}, err
	}
	if n < 0 || n > int64(max) {
		return frame{}, protocol("frame of %d bytes, at most %d", n, max)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return frame{}, err
	}
	f.fields, err = parseFields(body)
	return f, err
}

func parseFields(b []byte) ([][]byte, error) {
	var fields [][]byte
	for len(b) > 0 {
		if len(fields) == maxFields {
			return nil, protocol("too many fields")
		}
		if len(b) < 4 {
			return nil, protocol("truncated field")
		}
		n := binary.BigEndian.Uint32(b)
		b = b[4:]
		if uint64(n) > uint64(len(b)) {
			return nil, protocol("truncated field")
		}
		fields = append(fields, b[:n:n])
		b = b[n:]
	}
	return fields, nil
}
