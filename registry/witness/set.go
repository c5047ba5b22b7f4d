package witness

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
)

// MaxWitnesses bounds a set.
const MaxWitnesses = 16

// Set is the witnesses that count. The zero value names none and asks for none;
// a set without keys but with a version is one from which they were removed.
type Set struct {
	Version uint32 // 1, 2, ...; 0 = there never was one
	Agree   int    // how many must have signed; 0 only without keys
	Keys    []Key  // strictly ascending
}

// Check says what is wrong with a set.
func (s Set) Check() error {
	ascending := slices.IsSortedFunc(s.Keys, func(a, b Key) int { return bytes.Compare(a[:], b[:]) })
	switch {
	case len(s.Keys) > MaxWitnesses:
		return fmt.Errorf("%w: %d witnesses, at most %d", ErrForm, len(s.Keys), MaxWitnesses)
	case !ascending || len(slices.Compact(slices.Clone(s.Keys))) != len(s.Keys):
		return fmt.Errorf("%w: a witness twice, or keys that are not in order", ErrForm)
	case s.Agree < min(1, len(s.Keys)) || s.Agree > len(s.Keys):
		return fmt.Errorf("%w: %d of %d witnesses must agree", ErrForm, s.Agree, len(s.Keys))
	case s.Version == 0 && len(s.Keys) > 0:
		return fmt.Errorf("%w: witnesses without a version", ErrForm)
	}
	return nil
}

// Equal reports whether two sets are the same.
func (s Set) Equal(o Set) bool {
	return s.Version == o.Version && s.Agree == o.Agree && slices.Equal(s.Keys, o.Keys)
}

// Marshal is a set's form: u32 version | u8 agree | u8 count | keys, 32 each.
func (s Set) Marshal() []byte {
	b := binary.BigEndian.AppendUint32(nil, s.Version)
	b = append(b, byte(s.Agree), byte(len(s.Keys)))
	for _, k := range s.Keys {
		b = append(b, k[:]...)
	}
	return b
}

// ParseSet parses a set's form.
func ParseSet(b []byte) (Set, error) {
	s, rest, err := cutSet(b)
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: trailing bytes", ErrForm)
	}
	return s, err
}

func cutSet(b []byte) (s Set, rest []byte, err error) {
	if len(b) < 6 || len(b) < 6+32*int(b[5]) {
		return Set{}, nil, fmt.Errorf("%w: set cut short", ErrForm)
	}
	s = Set{Version: binary.BigEndian.Uint32(b), Agree: int(b[4])}
	count := int(b[5])
	for b = b[6:]; count > 0; count-- {
		s.Keys = append(s.Keys, Key(b[:32]))
		b = b[32:]
	}
	return s, b, s.Check()
}
