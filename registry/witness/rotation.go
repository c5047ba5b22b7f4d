package witness

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
)

const (
	rotationMagic = "DPKIWROT"
	maxAnchor     = 256 // bytes
	// MaxRotation bounds a rotation, in bytes.
	MaxRotation = len(rotationMagic) + 1 + 2 + maxAnchor + 2*(6+32*MaxWitnesses) + 1 + MaxWitnesses*(1+ed25519.SignatureSize)
	// MaxRotations is how many rotations a network file carries: a device that
	// was off for longer is told by its local root.
	MaxRotations = 16
)

// ErrRotation says that a set of witnesses may not take the place of another.
var ErrRotation = errors.New("other witnesses than the pinned ones, and too few of those have signed that")

// Rotation says that one set is followed by the next, in one organisation: it
// counts once as many of the old set have signed it as the old set asks for. It
// may turn over the old set's keys, its number, or end it.
type Rotation struct {
	Anchor     string // the organisation's
	Old, New   Set
	Signatures map[int][]byte // by the old key's place
}

// NewRotation is a rotation that nobody has signed yet.
func NewRotation(anchor string, old, next Set) (*Rotation, error) {
	r := &Rotation{Anchor: anchor, Old: old, New: next, Signatures: map[int][]byte{}}
	return r, r.check()
}

func (r *Rotation) check() error {
	if err := errors.Join(r.Old.Check(), r.New.Check()); err != nil {
		return err
	}
	switch {
	case len(r.Anchor) == 0 || len(r.Anchor) > maxAnchor:
		return fmt.Errorf("%w: anchor of %d bytes", ErrForm, len(r.Anchor))
	case len(r.Old.Keys) == 0:
		return fmt.Errorf("%w: no witness to sign", ErrForm)
	// One at a time: nobody may use up the numbers.
	case r.New.Version != r.Old.Version+1 || r.New.Version == 0:
		return fmt.Errorf("%w: version %d does not follow %d", ErrForm, r.New.Version, r.Old.Version)
	}
	return nil
}

// signed is what witnesses sign:
//
//	"DPKIWROT" | u8 1 | u16 length | anchor | old set | new set
func (r *Rotation) signed() []byte {
	b := append([]byte(rotationMagic), version)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Anchor)))
	b = append(b, r.Anchor...)
	return append(append(b, r.Old.Marshal()...), r.New.Marshal()...)
}

// Sign adds the signature of a witness of the old set.
func (r *Rotation) Sign(private ed25519.PrivateKey) error {
	i := slices.Index(r.Old.Keys, KeyOf(private))
	if i < 0 {
		return fmt.Errorf("%w: %s is not of the old set", ErrOther, KeyOf(private).Short())
	}
	r.Signatures[i] = ed25519.Sign(private, r.signed())
	return nil
}

// Complete reports whether enough of the old witnesses have signed.
func (r *Rotation) Complete() bool { return len(r.Signatures) >= r.Old.Agree }

// Marshal is the rotation's form: what is signed, then u8 count and, by
// ascending place, u8 place in the old set | signature 64.
func (r *Rotation) Marshal() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	b := append(r.signed(), byte(len(r.Signatures)))
	for i := range r.Old.Keys {
		if s, ok := r.Signatures[i]; ok {
			b = append(append(b, byte(i)), s...)
		}
	}
	return b, nil
}

// ParseRotation parses a rotation and verifies each signature; whether they are
// enough, Complete says.
func ParseRotation(b []byte) (*Rotation, error) {
	head := len(rotationMagic) + 1 + 2
	if len(b) > MaxRotation || len(b) < head || !bytes.HasPrefix(b, append([]byte(rotationMagic), version)) {
		return nil, fmt.Errorf("%w: no rotation of version %d", ErrForm, version)
	}
	n := int(binary.BigEndian.Uint16(b[head-2:]))
	if len(b) < head+n {
		return nil, fmt.Errorf("%w: cut short", ErrForm)
	}
	r := &Rotation{Anchor: string(b[head : head+n]), Signatures: map[int][]byte{}}
	rest, err := b[head+n:], error(nil)
	if r.Old, rest, err = cutSet(rest); err != nil {
		return nil, err
	}
	if r.New, rest, err = cutSet(rest); err != nil {
		return nil, err
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	const each = 1 + ed25519.SignatureSize
	if len(rest) == 0 || len(rest) != 1+each*int(rest[0]) {
		return nil, fmt.Errorf("%w: signatures of %d bytes", ErrForm, len(rest))
	}
	message, last := r.signed(), -1
	for rest = rest[1:]; len(rest) > 0; rest = rest[each:] {
		i := int(rest[0])
		if i <= last || i >= len(r.Old.Keys) {
			return nil, fmt.Errorf("%w: signature of witness %d", ErrForm, i)
		}
		if !r.Old.Keys[i].verify(message, rest[1:each]) {
			return nil, fmt.Errorf("witness %s: %w", r.Old.Keys[i].Short(), ErrSignature)
		}
		last, r.Signatures[i] = i, bytes.Clone(rest[1:each])
	}
	return r, nil
}

// Follow is the set in force after a network file that names `next` has been
// read: next, where the pinned witnesses agree to it or there are none; the
// pinned set, where the file is an older one or names none. Another set is
// ErrRotation. Whoever may write network files can thus neither take witnesses
// away nor put his own in their place.
func (s Set) Follow(next Set, rotations []*Rotation, anchor string) (Set, error) {
	if err := next.Check(); err != nil {
		return s, err
	}
	switch {
	case next.Version < s.Version || next.Equal(s):
		return s, nil
	case next.Version > s.Version && len(s.Keys) == 0:
		return next, nil
	}
	at := s
	for range MaxRotations {
		i := slices.IndexFunc(rotations, func(r *Rotation) bool { return r.Anchor == anchor && r.Old.Equal(at) && r.Complete() })
		if i < 0 {
			break
		}
		if at = rotations[i].New; at.Equal(next) {
			return next, nil
		}
	}
	return s, fmt.Errorf("%w: version %d is pinned, version %d is offered", ErrRotation, s.Version, next.Version)
}
