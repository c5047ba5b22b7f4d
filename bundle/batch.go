package bundle

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"dpki/internal/anchor"
	"dpki/state"
)

// Blocks of a batch (docs/formats.md section 7):
//
//	entry data = u8 1 | root digest 32
//	root block = "DPKIROOT" | u8 1 | leaf digests, 32 each, 1 to MaxLeaves
//	leaf block = "DPKILEAF" | u8 1 | (tag 16 | digest 32) ..., 1 to MaxLeafEntries, tags strictly ascending
//
// An empty leaf has no block; its digest in the root is 32 zero bytes.
const (
	// MaxLeaves is the most leaves of a batch.
	MaxLeaves = 8000
	// MaxLeafEntries is the most bundles that one leaf names.
	MaxLeafEntries = 1024

	batchVersion = 1
	rootMagic    = "DPKIROOT"
	leafMagic    = "DPKILEAF"
	blockHeader  = 8 + 1
	leafEntry    = 16 + 32
)

// ErrDuplicate: a recipient was added to a batch twice with the same part.
var ErrDuplicate = errors.New("the same recipient and part twice")

// BatchBuilder makes one batch: one entry that announces a bundle to each of
// any number of recipients. It keeps 48 bytes for each; blocks go to the store
// as they are made.
type BatchBuilder struct {
	anchor  anchor.Anchor
	scope   state.Word
	subject state.Word
	refs    []ref
}

// ref is one line of a leaf.
type ref struct {
	tag Tag
	cid CID
}

// NewBatch starts a batch in a scope (the organisation or a zone). The subject
// is drawn here, because tags and bundle headers contain it.
func NewBatch(a anchor.Anchor, scope state.Word) *BatchBuilder {
	b := &BatchBuilder{anchor: a, scope: scope}
	rand.Read(b.subject[:])
	return b
}

// Subject is the subject of the BATCH entry.
func (b *BatchBuilder) Subject() state.Word { return b.subject }

// Item is one bundle of a batch.
type Item struct {
	To      Recipient
	Mailbox MailboxSecret // the recipient's
	Part    uint16        // 0 for the recipient's first bundle, then 1, 2, ...
	Purpose Purpose
	Content []byte
}

// Add encrypts one bundle and returns its block, which the caller stores before
// it writes the entry.
func (b *BatchBuilder) Add(item Item) (Block, error) {
	if item.Mailbox == (MailboxSecret{}) {
		return Block{}, malformed("batch: an item without a mailbox secret")
	}
	h := Header{Anchor: b.anchor, Scope: b.scope, Subject: b.subject, Purpose: item.Purpose}
	block, _, err := Seal(item.To, h, item.Content)
	if err != nil {
		return Block{}, err
	}
	b.refs = append(b.refs, ref{tag: item.Mailbox.Tag(b.subject, item.Part), cid: block.CID})
	return block, nil
}

// Index is what a batch is found by: root and leaf blocks, and the data of the
// BATCH entry.
type Index struct {
	Data   []byte // of the entry, 33 bytes
	Root   Block
	Leaves []Block // those that are not empty
}

// Build makes root and leaves. The caller stores all blocks, then writes the entry.
func (b *BatchBuilder) Build() (*Index, error) { return buildIndex(b.refs) }

func buildIndex(refs []ref) (*Index, error) {
	if len(refs) == 0 {
		return nil, malformed("batch without bundles")
	}
	refs = sorted(refs)
	for i := 1; i < len(refs); i++ {
		if refs[i].tag == refs[i-1].tag {
			return nil, fmt.Errorf("batch: %w", ErrDuplicate)
		}
	}
	n, err := leafCount(refs)
	if err != nil {
		return nil, err
	}
	return indexOf(refs, n), nil
}

func sorted(refs []ref) []ref {
	slices.SortFunc(refs, func(a, b ref) int { return bytes.Compare(a.tag[:], b.tag[:]) })
	return refs
}

// indexOf makes root and n leaves of the sorted refs.
func indexOf(refs []ref, n int) *Index {
	root := append(make([]byte, 0, blockHeader+32*n), rootMagic...)
	root = append(root, batchVersion)
	ix := &Index{Leaves: make([]Block, 0, n)}
	for i := range n {
		var line []ref
		if line, refs = cutLeaf(refs, i, n); len(line) == 0 {
			root = append(root, make([]byte, 32)...)
			continue
		}
		leaf := marshalLeaf(line)
		ix.Leaves = append(ix.Leaves, leaf)
		root = append(root, leaf.CID[:]...)
	}
	ix.Root = Block{CID: Sum(root), Bytes: root}
	ix.Data = state.MarshalBatch(state.Word(ix.Root.CID))
	return ix
}

// leafCount is a number of leaves with which no leaf is over-full. Tags are
// uniform, so it is found a few steps above the mean; each step adds 1/64.
func leafCount(sorted []ref) (int, error) {
	for n := (len(sorted) + MaxLeafEntries - 1) / MaxLeafEntries; n <= MaxLeaves; n += n/64 + 1 {
		if fits(sorted, n) {
			return n, nil
		}
	}
	return 0, fmt.Errorf("batch of %d bundles: %w", len(sorted), ErrTooLarge)
}

func fits(rest []ref, n int) bool {
	for i := range n {
		var line []ref
		if line, rest = cutLeaf(rest, i, n); len(line) > MaxLeafEntries {
			return false
		}
	}
	return true
}

// cutLeaf takes leaf i of n off the front of the sorted rest.
func cutLeaf(rest []ref, i, n int) (line, after []ref) {
	end, _ := slices.BinarySearchFunc(rest, i+1, func(r ref, leaf int) int { return leafOf(r.tag, n) - leaf })
	return rest[:end], rest[end:]
}

// leafOf is floor(u64(first 8 bytes of the tag) * n / 2^64).
func leafOf(t Tag, n int) int {
	high, _ := bits.Mul64(binary.BigEndian.Uint64(t[:8]), uint64(n))
	return int(high)
}

func marshalLeaf(line []ref) Block {
	b := append(make([]byte, 0, blockHeader+leafEntry*len(line)), leafMagic...)
	b = append(b, batchVersion)
	for _, r := range line {
		b = append(b, r.tag[:]...)
		b = append(b, r.cid[:]...)
	}
	return Block{CID: Sum(b), Bytes: b}
}
