package segment

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"dpki/state"
)

const (
	// Entries is how many entries a full segment holds.
	Entries = state.CheckpointInterval
	// MaxSize bounds a segment, in bytes.
	MaxSize = headerLen + Entries*(2+state.MaxEntrySize)

	magic     = "DPKISEGM"
	form      = 1
	headerLen = len(magic) + 1 + 32 + 6 + 2
	maxIndex  = (1<<48 - 1) / Entries
)

// ErrMalformed says that bytes are not one canonical segment, or a name none of
// a segment's.
var ErrMalformed = errors.New("malformed log segment")

// Segment is a piece of a scope's log.
type Segment struct {
	Scope   state.Word
	Index   uint64        // of its first entry: Entries * Index + 1
	Entries []state.Entry // 1 to Entries, their sequence without a gap
}

// Full reports whether nothing can be added to it.
func (s *Segment) Full() bool { return len(s.Entries) == Entries }

// Split cuts a log, whose first entry may be anywhere, into segments. What
// stands before the first that can be begun is left out.
func Split(scope state.Word, log []state.Entry) []Segment {
	var out []Segment
	for i := range log {
		index, at := (log[i].Seq-1)/Entries, (log[i].Seq-1)%Entries
		if at == 0 {
			out = append(out, Segment{Scope: scope, Index: index})
		}
		if len(out) > 0 {
			last := &out[len(out)-1]
			last.Entries = append(last.Entries, log[i])
		}
	}
	return out
}

// Name is the name of a segment's file.
func Name(scope state.Word, index uint64) string {
	return scope.String() + "-" + strconv.FormatUint(index, 10)
}

// ParseName accepts exactly what Name prints.
func ParseName(name string) (state.Word, uint64, error) {
	hex, number, _ := strings.Cut(name, "-")
	scope, err := state.ParseWord(hex)
	if err != nil {
		return state.Word{}, 0, malformed("name %.100q", name)
	}
	index, err := strconv.ParseUint(number, 10, 48)
	if err != nil || index > maxIndex || Name(scope, index) != name {
		return state.Word{}, 0, malformed("name %.100q", name)
	}
	return scope, index, nil
}

// Marshal encodes a segment:
//
//	"DPKISEGM" | u8 1 | scope 32 | u48 index | u16 count | entries, each u16 length | entry
func (s *Segment) Marshal() ([]byte, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	b := append(make([]byte, 0, headerLen+len(s.Entries)*256), magic...)
	b = append(b, form)
	b = append(b, s.Scope[:]...)
	b = append(b, binary.BigEndian.AppendUint64(nil, s.Index)[2:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(s.Entries)))
	for i := range s.Entries {
		e, err := s.Entries[i].Marshal()
		if err != nil {
			return nil, err
		}
		b = binary.BigEndian.AppendUint16(b, uint16(len(e)))
		b = append(b, e...)
	}
	return b, nil
}

// Parse decodes what Marshal encodes, and nothing else.
func Parse(b []byte) (*Segment, error) {
	if len(b) > MaxSize || len(b) < headerLen || string(b[:len(magic)]) != magic || b[len(magic)] != form {
		return nil, malformed("%d bytes", len(b))
	}
	b = b[len(magic)+1:]
	s := &Segment{Scope: state.Word(b[:32]), Index: uint64(binary.BigEndian.Uint16(b[32:]))<<32 | uint64(binary.BigEndian.Uint32(b[34:]))}
	count := int(binary.BigEndian.Uint16(b[38:]))
	if b = b[40:]; count == 0 || count > Entries {
		return nil, malformed("%d entries", count)
	}
	for range count {
		if len(b) < 2 {
			return nil, malformed("it is cut off")
		}
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; n > len(b) {
			return nil, malformed("it is cut off")
		}
		e, err := state.ParseEntry(b[:n])
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		s.Entries, b = append(s.Entries, *e), b[n:]
	}
	if len(b) != 0 {
		return nil, malformed("%d bytes more", len(b))
	}
	return s, s.check()
}

func (s *Segment) check() error {
	if s.Index > maxIndex || len(s.Entries) == 0 || len(s.Entries) > Entries {
		return malformed("segment %d with %d entries", s.Index, len(s.Entries))
	}
	for i := range s.Entries {
		if want := s.Index*Entries + 1 + uint64(i); s.Entries[i].Seq != want {
			return malformed("entry %d in the place of %d", s.Entries[i].Seq, want)
		}
	}
	return nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
