package audit

import (
	"encoding/binary"
	"errors"
	"fmt"

	"dpki/internal/anchor"
	"dpki/registry"
	"dpki/registry/segment"
	"dpki/registry/witness"
	"dpki/state"
)

const (
	// MaxSize bounds a file, in bytes: about 400,000 entries.
	MaxSize = 256 << 20
	// MaxHeaders bounds the blocks from the oldest proof to the newest.
	MaxHeaders = 1024
	// MaxLogs is how many logs one proof is for: each takes up to two words.
	MaxLogs = registry.MaxSlots / 2

	maxHeader      = 4 << 10 // bytes; the logs' bloom alone has 256
	maxAnchor      = 256
	maxProofs      = 1 << 12
	maxCheckpoints = witness.MaxWitnesses

	magic = "DPKIAUDT"
	form  = 1
)

// ErrMalformed says that bytes are not one canonical file.
var ErrMalformed = errors.New("malformed audit file")

// File is what an exporter hands over.
type File struct {
	Anchor      anchor.Anchor
	Headers     [][]byte // RLP, the oldest first
	Checkpoints [][]byte // of witnesses, docs/formats.md section 13
	Proofs      []Proof
}

// Proof proves how some logs stand in one block.
type Proof struct {
	Header int    // index in Headers
	Nodes  []byte // eth_getProof's result, of which only the nodes are read
	Logs   []Log  // 1 to MaxLogs
}

// Log is a scope's log up to the proof's block. No segments: it has no entries.
type Log struct {
	Scope    state.Word
	Segments []segment.Segment // without a gap, all but the last full
}

// Base is the sequence before the first entry that the log holds: 0, or that of
// a C word.
func (l *Log) Base() uint64 {
	if len(l.Segments) == 0 {
		return 0
	}
	return l.Segments[0].Index * segment.Entries
}

// Entries are all of its entries, in order.
func (l *Log) Entries() (all []state.Entry) {
	for i := range l.Segments {
		all = append(all, l.Segments[i].Entries...)
	}
	return all
}

// Marshal encodes the file; its form stands in the package's comment.
func (f *File) Marshal() ([]byte, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	b := append([]byte(magic), form)
	b = with16(b, []byte(f.Anchor.String()))
	for _, list := range [][][]byte{f.Headers, f.Checkpoints} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(list)))
		for _, item := range list {
			b = with16(b, item)
		}
	}
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.Proofs)))
	for _, p := range f.Proofs {
		b = binary.BigEndian.AppendUint16(b, uint16(p.Header))
		b = with32(b, p.Nodes)
		b = append(b, byte(len(p.Logs)))
		for _, l := range p.Logs {
			b = append(b, l.Scope[:]...)
			b = binary.BigEndian.AppendUint32(b, uint32(len(l.Segments)))
			for i := range l.Segments {
				s, err := l.Segments[i].Marshal()
				if err != nil {
					return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
				}
				b = with32(b, s)
			}
		}
	}
	if len(b) > MaxSize {
		return nil, malformed("%d bytes, at most %d", len(b), MaxSize)
	}
	return b, nil
}

func with16(b, item []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(item))), item...)
}

func with32(b, item []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(item))), item...)
}

// Parse decodes what Marshal encodes, and nothing else.
func Parse(b []byte) (*File, error) {
	if len(b) > MaxSize || len(b) <= len(magic) || string(b[:len(magic)]) != magic || b[len(magic)] != form {
		return nil, malformed("%d bytes", len(b))
	}
	r := reader{b: b[len(magic)+1:]}
	text := r.item(r.uint(2), maxAnchor)
	if r.short {
		return nil, malformed("it is cut off")
	}
	a, err := anchor.Parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	f := &File{Anchor: a}
	for range r.count(2, MaxHeaders) {
		f.Headers = append(f.Headers, r.item(r.uint(2), maxHeader))
	}
	for range r.count(2, maxCheckpoints) {
		f.Checkpoints = append(f.Checkpoints, r.item(r.uint(2), witness.MaxCheckpoint))
	}
	for range r.count(2, maxProofs) {
		p, err := r.proof()
		if err != nil {
			return nil, err
		}
		f.Proofs = append(f.Proofs, p)
	}
	if r.short || len(r.b) != 0 {
		return nil, malformed("it is cut off, or goes on after its end")
	}
	return f, f.check()
}

// check is what Marshal refuses to write and Parse to read.
func (f *File) check() error {
	if len(f.Headers) == 0 || len(f.Headers) > MaxHeaders || len(f.Proofs) == 0 || len(f.Proofs) > maxProofs || len(f.Checkpoints) > maxCheckpoints {
		return malformed("%d headers, %d proofs, %d checkpoints", len(f.Headers), len(f.Proofs), len(f.Checkpoints))
	}
	for _, h := range f.Headers {
		if len(h) == 0 || len(h) > maxHeader {
			return malformed("header of %d bytes", len(h))
		}
	}
	for _, c := range f.Checkpoints {
		if len(c) == 0 || len(c) > witness.MaxCheckpoint {
			return malformed("checkpoint of %d bytes", len(c))
		}
	}
	seen := map[state.Word]bool{}
	for _, p := range f.Proofs {
		if p.Header < 0 || p.Header >= len(f.Headers) || len(p.Nodes) > registry.MaxProof || len(p.Logs) == 0 || len(p.Logs) > MaxLogs {
			return malformed("proof of %d logs at header %d", len(p.Logs), p.Header)
		}
		for i := range p.Logs {
			if seen[p.Logs[i].Scope] {
				return malformed("scope %s twice", p.Logs[i].Scope)
			}
			seen[p.Logs[i].Scope] = true
			if err := p.Logs[i].check(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *Log) check() error {
	for i := range l.Segments {
		s := &l.Segments[i]
		last := i == len(l.Segments)-1
		if s.Scope != l.Scope || s.Index != l.Segments[0].Index+uint64(i) || !last && !s.Full() {
			return malformed("segment %d of scope %s in the log of %s", s.Index, s.Scope, l.Scope)
		}
	}
	return nil
}

// reader takes fields off a slice. After the bytes have run out it returns zeros
// and says so in short.
type reader struct {
	b     []byte
	short bool
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return make([]byte, 0)
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *reader) uint(width int) (v int) {
	for _, c := range r.bytes(width) {
		v = v<<8 | int(c)
	}
	return v
}

// item takes n bytes, at most max.
func (r *reader) item(n, max int) []byte {
	if n > max {
		r.b, r.short = nil, true
	}
	return r.bytes(n)
}

// count is how many items follow; 0 where it is more than max.
func (r *reader) count(width, max int) int {
	n := r.uint(width)
	if n > max || n > len(r.b) { // each has a byte at least
		r.b, r.short = nil, true
		return 0
	}
	return n
}

func (r *reader) proof() (Proof, error) {
	p := Proof{Header: r.uint(2)}
	p.Nodes = r.item(r.uint(4), registry.MaxProof)
	for range r.count(1, MaxLogs) {
		var l Log
		copy(l.Scope[:], r.bytes(len(l.Scope)))
		for range r.count(4, MaxSize) {
			b := r.item(r.uint(4), segment.MaxSize)
			if r.short {
				break
			}
			s, err := segment.Parse(b)
			if err != nil {
				return p, fmt.Errorf("%w: %w", ErrMalformed, err)
			}
			l.Segments = append(l.Segments, *s)
		}
		p.Logs = append(p.Logs, l)
	}
	return p, nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}
