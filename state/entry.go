package state

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

const (
	// Never is the `until` of an entry without an end.
	Never uint64 = 1<<40 - 1
	// MaxData is the most data that an entry carries, in bytes.
	MaxData = 1024
	// MaxAuthors is the most signers that an entry has.
	MaxAuthors = 16
	// MaxValidity is the longest that an entry in a zone or mailbox may last
	// beyond its block, in seconds: 400 days.
	MaxValidity uint64 = 400 * 24 * 3600
	// MaxEntrySize bounds the file form of an entry, in bytes.
	MaxEntrySize = entryFixed + MaxAuthors*addressLen + MaxData

	addressLen = 20
	maxUint48  = 1<<48 - 1
	maxUint40  = 1<<40 - 1
	// version, seq, block, prevBlock, time, authors count, action, kind,
	// subject, from, until, data length
	entryFixed = 1 + 6 + 8 + 6 + 5 + 1 + 1 + 1 + 32 + 5 + 5 + 2
)

// Entry is one line of a scope's log (docs/formats.md section 2).
type Entry struct {
	Seq       uint64    // 1, 2, 3, ... in its scope; below 2^48
	Block     uint64    // number of the block that holds it
	PrevBlock uint64    // block of the scope's entry before it, 0 for the first; below 2^48
	Time      uint64    // timestamp of its block, Unix seconds; below 2^40
	Authors   []Address // signers, strictly ascending, 1 to MaxAuthors
	Action    Action
	Kind      Kind
	Subject   Word
	From      uint64 // first second in force, Unix seconds; below 2^40
	Until     uint64 // first second no longer in force, Unix seconds; Never = no end
	Data      []byte // at most MaxData bytes
}

// ErrMalformed says that bytes are not one canonical entry, log event or
// payload.
var ErrMalformed = errors.New("malformed")

// ErrNotNext says that an entry does not follow the one before it: something
// was left out, repeated or moved.
var ErrNotNext = errors.New("not the next entry")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), ErrMalformed)
}

// InForce reports whether the entry's window holds at t.
func (e *Entry) InForce(t uint64) bool { return inForce(e.From, e.Until, t) }

func inForce(from, until, t uint64) bool { return from <= t && (t < until || until == Never) }

// validate checks everything about an entry that does not need its log.
func (e *Entry) validate() error {
	switch {
	case e.Seq == 0 || e.Seq > maxUint48:
		return malformed("entry with sequence %d", e.Seq)
	case e.PrevBlock > maxUint48, e.PrevBlock > e.Block:
		return malformed("entry %d: previous block %d", e.Seq, e.PrevBlock)
	case e.Time > maxUint40:
		return malformed("entry %d: time %d", e.Seq, e.Time)
	case e.Kind > MaxKind:
		return malformed("entry %d: kind %d", e.Seq, e.Kind)
	case e.From > maxUint40 || e.Until > maxUint40:
		return malformed("entry %d: window %d to %d", e.Seq, e.From, e.Until)
	case len(e.Data) > MaxData:
		return malformed("entry %d: %d bytes of data", e.Seq, len(e.Data))
	case len(e.Authors) == 0 || len(e.Authors) > MaxAuthors:
		return malformed("entry %d: %d authors", e.Seq, len(e.Authors))
	}
	if !ascending(e.Authors) {
		return malformed("entry %d: authors not ascending", e.Seq)
	}
	return nil
}

// ascending reports whether each account is above the one before it.
func ascending(accounts []Address) bool {
	for i := 1; i < len(accounts); i++ {
		if bytes.Compare(accounts[i-1][:], accounts[i][:]) >= 0 {
			return false
		}
	}
	return true
}

// Marshal encodes the file form:
//
//	u8 1 | u48 seq | u64 block | u48 prevBlock | u40 time | u8 n | n x address20 |
//	u8 action | u8 kind | subject32 | u40 from | u40 until | u16 len | data
func (e *Entry) Marshal() ([]byte, error) {
	if err := e.validate(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, entryFixed+len(e.Authors)*addressLen+len(e.Data))
	b = append(b, 1)
	b = appendUint(b, e.Seq, 6)
	b = appendUint(b, e.Block, 8)
	b = appendUint(b, e.PrevBlock, 6)
	b = appendUint(b, e.Time, 5)
	b = append(b, byte(len(e.Authors)))
	for _, a := range e.Authors {
		b = append(b, a[:]...)
	}
	b = append(b, byte(e.Action), byte(e.Kind))
	b = append(b, e.Subject[:]...)
	b = appendUint(b, e.From, 5)
	b = appendUint(b, e.Until, 5)
	b = appendUint(b, uint64(len(e.Data)), 2)
	return append(b, e.Data...), nil
}

// ParseEntry decodes what Marshal encodes, and nothing else.
func ParseEntry(b []byte) (*Entry, error) {
	if len(b) > MaxEntrySize {
		return nil, malformed("entry of %d bytes", len(b))
	}
	r := reader{b: b}
	if v := r.uint(1); v != 1 {
		return nil, malformed("entry version %d", v)
	}
	e := &Entry{Seq: r.uint(6), Block: r.uint(8), PrevBlock: r.uint(6), Time: r.uint(5)}
	n := int(r.uint(1))
	if n > MaxAuthors {
		return nil, malformed("entry with %d authors", n)
	}
	e.Authors = make([]Address, n)
	for i := range e.Authors {
		copy(e.Authors[i][:], r.bytes(addressLen))
	}
	e.Action, e.Kind = Action(r.uint(1)), Kind(r.uint(1))
	copy(e.Subject[:], r.bytes(32))
	e.From, e.Until = r.uint(5), r.uint(5)
	if data := r.bytes(int(r.uint(2))); len(data) > 0 {
		e.Data = bytes.Clone(data)
	}
	if r.short || len(r.b) != 0 {
		return nil, malformed("entry of %d bytes", len(b))
	}
	return e, e.validate()
}

func appendUint(b []byte, v uint64, width int) []byte {
	var w [8]byte
	binary.BigEndian.PutUint64(w[:], v)
	return append(b, w[8-width:]...)
}

// reader takes fixed-width fields off a slice. After the bytes have run out it
// returns zeros and says so in short, so that a parser checks once, at its end.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return nil
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) uint(width int) uint64 {
	var v uint64
	for _, c := range r.bytes(width) {
		v = v<<8 | uint64(c)
	}
	return v
}
