package bundle

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"dpki/state"
)

// Getter fetches a block of at most max bytes by its CID. It may be anybody:
// what it returns is compared with the CID. Its errors are passed on wrapped;
// ErrTooLarge is the one that this package looks at.
type Getter interface {
	Get(ctx context.Context, id CID, max int) ([]byte, error)
}

// Batch is the reader's side of a batch: the root is fetched once, then one
// leaf and one bundle for each part. It is not safe for concurrent use.
type Batch struct {
	get     Getter
	subject state.Word
	leaves  []CID

	// The leaf read last: in a small batch all parts of a recipient share it.
	leaf     []ref
	leafRead int // its index, -1 before the first
}

// OpenBatch fetches and checks the root that the BATCH entry with this subject
// announces.
func OpenBatch(ctx context.Context, get Getter, subject, root state.Word) (*Batch, error) {
	b, err := Fetch(ctx, get, CID(root), blockHeader+32*MaxLeaves)
	if err != nil {
		return nil, fmt.Errorf("root of batch %v: %w", subject, err)
	}
	leaves, err := parseRoot(b)
	if err != nil {
		return nil, err
	}
	return &Batch{get: get, subject: subject, leaves: leaves, leafRead: -1}, nil
}

// Find returns the CID of the recipient's bundle, or ErrNotInBatch.
func (b *Batch) Find(ctx context.Context, secret MailboxSecret, part uint16) (CID, error) {
	tag := secret.Tag(b.subject, part)
	i := leafOf(tag, len(b.leaves))
	if b.leaves[i].IsZero() {
		return CID{}, ErrNotInBatch
	}
	if err := b.readLeaf(ctx, i); err != nil {
		return CID{}, err
	}
	at, ok := slices.BinarySearchFunc(b.leaf, tag, func(r ref, t Tag) int { return bytes.Compare(r.tag[:], t[:]) })
	if !ok {
		return CID{}, ErrNotInBatch
	}
	return b.leaf[at].cid, nil
}

// Leaves tells f of each leaf that is not empty and of the bundles that it names,
// or why it could not be read.
func (b *Batch) Leaves(ctx context.Context, f func(leaf CID, named map[Tag]CID, err error)) {
	for i, id := range b.leaves {
		if id.IsZero() {
			continue
		}
		err := b.readLeaf(ctx, i)
		if err != nil {
			f(id, nil, err)
			continue
		}
		named := make(map[Tag]CID, len(b.leaf))
		for _, r := range b.leaf {
			named[r.tag] = r.cid
		}
		f(id, named, nil)
	}
}

func (b *Batch) readLeaf(ctx context.Context, i int) error {
	if b.leafRead == i {
		return nil
	}
	raw, err := Fetch(ctx, b.get, b.leaves[i], blockHeader+leafEntry*MaxLeafEntries)
	if err != nil {
		return fmt.Errorf("leaf %d of batch %v: %w", i, b.subject, err)
	}
	line, err := parseLeaf(raw, i, len(b.leaves))
	if err != nil {
		return err
	}
	b.leaf, b.leafRead = line, i
	return nil
}

// Block fetches the recipient's bundle, still encrypted.
func (b *Batch) Block(ctx context.Context, secret MailboxSecret, part uint16) ([]byte, error) {
	id, err := b.Find(ctx, secret, part)
	if err != nil {
		return nil, err
	}
	block, err := Fetch(ctx, b.get, id, MaxBlock)
	if err != nil {
		return nil, fmt.Errorf("bundle %v of batch %v: %w", id, b.subject, err)
	}
	return block, nil
}

// Fetch gets a block and compares it with its CID. A Getter that answers with
// other bytes, or with too many, changes nothing but its own reputation.
func Fetch(ctx context.Context, get Getter, id CID, max int) ([]byte, error) {
	b, err := get.Get(ctx, id, max)
	if err != nil {
		return nil, err
	}
	if len(b) > max {
		return nil, fmt.Errorf("block %v of %d bytes, at most %d: %w", id, len(b), max, ErrTooLarge)
	}
	if Sum(b) != id {
		return nil, fmt.Errorf("block %v: %w", id, ErrAltered)
	}
	return b, nil
}

func parseRoot(b []byte) ([]CID, error) {
	body, ok := bytes.CutPrefix(b, []byte(rootMagic+"\x01"))
	if !ok || len(body) == 0 || len(body)%32 != 0 || len(body) > 32*MaxLeaves {
		return nil, malformed("root block of %d bytes", len(b))
	}
	leaves := make([]CID, len(body)/32)
	for i := range leaves {
		leaves[i] = CID(body[32*i:])
	}
	return leaves, nil
}

// parseLeaf also checks that each tag belongs into leaf i of n: a leaf has one
// canonical form, and nobody else's leaf serves for it.
func parseLeaf(b []byte, i, n int) ([]ref, error) {
	body, ok := bytes.CutPrefix(b, []byte(leafMagic+"\x01"))
	if !ok || len(body) == 0 || len(body)%leafEntry != 0 || len(body) > leafEntry*MaxLeafEntries {
		return nil, malformed("leaf block of %d bytes", len(b))
	}
	line := make([]ref, len(body)/leafEntry)
	for j := range line {
		e := body[leafEntry*j:]
		line[j] = ref{tag: Tag(e[:16]), cid: CID(e[16:leafEntry])}
		if leafOf(line[j].tag, n) != i {
			return nil, malformed("leaf %d holds a tag of another leaf", i)
		}
		if j > 0 && bytes.Compare(line[j-1].tag[:], line[j].tag[:]) >= 0 {
			return nil, malformed("leaf %d: tags not ascending", i)
		}
	}
	return line, nil
}
