package state

import (
	"hash/maphash"
	"iter"
)

// grantTable holds grants, of which a device of a large zone has ten thousand.
// As facts of their own, found through maps by their words, they take 400 bytes
// each, most of it the same in all of them. A row takes 128, holds no pointer
// for the garbage collector to follow, and is made a GrantFact when asked for.
type grantTable struct {
	seed   maphash.Seed
	chunks [][]grantRow // rowsAtOnce each; rows are numbered from 1
	rows   uint32

	// By a hash of subject and key: the newest row, from which the older ones
	// are linked. Hashes are seeded, so nobody can choose words that share one.
	bySubject, byKey map[uint32]uint32

	scopes []Word      // what rows say by number
	texts  []grantText // likewise
	same   map[grantText]uint32
}

// grantRow is a GrantFact in 128 bytes.
type grantRow struct {
	subject, key                  Word
	from, until, time, block, seq uint64
	olderSubject, olderKey        uint32 // rows with the same hash, 0 = none
	scope, authors, text          uint32
	flags                         GrantFlags
	kind                          Kind
}

// grantText is what a grant says in words.
type grantText struct{ account, from, command, label string }

const (
	// rowsAtOnce are allocated together: a slice that grows by being copied
	// would want half as much again while it is.
	rowsAtOnce = 128
	// fewTexts are kept once each. Where labels make more of them, looking for
	// equal ones would cost more than it saves.
	fewTexts = 1024
)

func newGrantTable() grantTable {
	return grantTable{seed: maphash.MakeSeed(), bySubject: map[uint32]uint32{}, byKey: map[uint32]uint32{}, same: map[grantText]uint32{}}
}

func (t *grantTable) hash(w Word) uint32 { return uint32(maphash.Bytes(t.seed, w[:])) }

func (t *grantTable) row(n uint32) *grantRow { return &t.chunks[(n-1)/rowsAtOnce][(n-1)%rowsAtOnce] }

// add adds a grant. authors is the number of its set of authors.
func (t *grantTable) add(f *Fact, g *Grant, authors uint32) {
	r := grantRow{
		subject: f.Subject, key: g.Key, from: f.From, until: f.Until, time: f.Time, block: f.Block, seq: f.Seq,
		scope: t.scope(f.Scope), authors: authors, text: t.text(grantText{g.Account, g.From, g.Command, g.Label}),
		flags: g.Flags, kind: f.Kind,
	}
	subject, key := t.hash(r.subject), t.hash(r.key)
	r.olderSubject, r.olderKey = t.bySubject[subject], t.byKey[key]
	if t.rows%rowsAtOnce == 0 {
		t.chunks = append(t.chunks, make([]grantRow, 0, rowsAtOnce))
	}
	last := &t.chunks[len(t.chunks)-1]
	*last = append(*last, r)
	t.rows++
	t.bySubject[subject], t.byKey[key] = t.rows, t.rows
}

// scope is the number of a scope. Entries come scope by scope.
func (t *grantTable) scope(w Word) uint32 {
	if n := len(t.scopes); n == 0 || t.scopes[n-1] != w {
		t.scopes = append(t.scopes, w)
	}
	return uint32(len(t.scopes) - 1)
}

func (t *grantTable) text(s grantText) uint32 {
	if n, ok := t.same[s]; ok {
		return n
	}
	n := uint32(len(t.texts))
	t.texts = append(t.texts, s)
	if n < fewTexts {
		t.same[s] = n
	}
	return n
}

// fill makes a row the fact that was added.
func (t *grantTable) fill(v *GrantFact, r *grantRow, authors [][]Address) {
	s := &t.texts[r.text]
	v.Fact = Fact{
		Scope: t.scopes[r.scope], Subject: r.subject, Kind: r.kind, From: r.from, Until: r.until,
		Time: r.time, Block: r.block, Seq: r.seq, Authors: authors[r.authors],
	}
	v.Grant = Grant{Account: s.account, Key: r.key, From: s.from, Command: s.command, Flags: r.flags, Label: s.label}
}

// withSubject yields the rows with a subject, the newest first.
func (t *grantTable) withSubject(subject Word) iter.Seq[*grantRow] {
	return t.linked(t.bySubject, subject, func(r *grantRow) (Word, uint32) { return r.subject, r.olderSubject })
}

// withKey yields the rows for a key, the newest first.
func (t *grantTable) withKey(key Word) iter.Seq[*grantRow] {
	return t.linked(t.byKey, key, func(r *grantRow) (Word, uint32) { return r.key, r.olderKey })
}

// linked follows the rows that share a word's hash. link gives a row's own word
// and the next older row.
func (t *grantTable) linked(newest map[uint32]uint32, w Word, link func(*grantRow) (Word, uint32)) iter.Seq[*grantRow] {
	return func(yield func(*grantRow) bool) {
		if t.rows == 0 {
			return
		}
		for n := newest[t.hash(w)]; n != 0; {
			r := t.row(n)
			word, older := link(r)
			if word == w && !yield(r) {
				return
			}
			n = older
		}
	}
}

// all yields every row, the oldest first.
func (t *grantTable) all() iter.Seq[*grantRow] {
	return func(yield func(*grantRow) bool) {
		for _, chunk := range t.chunks {
			for i := range chunk {
				if !yield(&chunk[i]) {
					return
				}
			}
		}
	}
}

// forget drops the rows that ended before a time and returns how many went.
// Where none did, the usual case, nothing is copied.
func (t *grantTable) forget(before uint64, authors [][]Address) (gone int) {
	ended := func(r *grantRow) bool { return before >= r.until && r.until != Never }
	for r := range t.all() {
		if ended(r) {
			gone++
		}
	}
	if gone == 0 {
		return 0
	}
	kept := newGrantTable()
	var g GrantFact
	for r := range t.all() {
		if !ended(r) {
			t.fill(&g, r, authors)
			kept.add(&g.Fact, &g.Grant, r.authors)
		}
	}
	*t = kept
	return gone
}
