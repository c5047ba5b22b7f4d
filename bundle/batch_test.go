package bundle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"dpki/state"
)

// batchOf builds a batch for these identities, each with a bundle that names it.
func batchOf(t testing.TB, ids []*Identity) (*memory, *state.BatchFact, *Index) {
	t.Helper()
	store, b := newMemory(), NewBatch(anchorOf(1), zone)
	for n, i := range ids {
		block, err := b.Add(Item{To: i.Recipient(), Mailbox: i.MailboxSecret(), Purpose: PurposeUserKey, Content: fmt.Appendf(nil, "device %d", n)})
		if err != nil {
			t.Fatal(err)
		}
		store.put(block)
	}
	ix, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	store.put(ix.Root)
	for _, leaf := range ix.Leaves {
		store.put(leaf)
	}
	root, err := state.ParseBatch(ix.Data)
	if err != nil {
		t.Fatal(err)
	}
	return store, &state.BatchFact{Fact: state.Fact{Scope: zone, Subject: b.Subject(), Kind: state.KindBatch}, Root: root}, ix
}

func readOne(i *Identity, get Getter, f *state.BatchFact) (string, error) {
	var got []byte
	err := i.ReadBatch(context.Background(), get, anchorOf(1), f, func(b *Bundle) error {
		got = append(got, b.Content...)
		return nil
	}, PurposeUserKey)
	return string(got), err
}

func TestBatch(t *testing.T) {
	ids := []*Identity{newIdentity(t), newIdentity(t), newIdentity(t)}
	store, f, _ := batchOf(t, ids)
	for n, i := range ids {
		before := store.gets
		got, err := readOne(i, store, f)
		if want := fmt.Sprintf("device %d", n); err != nil || got != want {
			t.Errorf("device %d got %q, %v", n, got, err)
		}
		if gets := store.gets - before; gets != 3 {
			t.Errorf("device %d fetched %d blocks, want root, leaf and bundle", n, gets)
		}
	}
	if got, err := readOne(newIdentity(t), store, f); !errors.Is(err, ErrNotInBatch) || got != "" {
		t.Errorf("a stranger got %q, %v, want ErrNotInBatch", got, err)
	}
}

func TestBatchParts(t *testing.T) {
	i, store, b := testIdentity(t), newMemory(), NewBatch(anchorOf(1), zone)
	for part, content := range []string{"a", "b", "c"} {
		block, err := b.Add(Item{To: i.Recipient(), Mailbox: i.MailboxSecret(), Part: uint16(part), Purpose: PurposeUserKey, Content: []byte(content)})
		if err != nil {
			t.Fatal(err)
		}
		store.put(block)
	}
	ix, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	store.put(ix.Root)
	store.put(ix.Leaves[0])
	f := &state.BatchFact{Fact: state.Fact{Scope: zone, Subject: b.Subject()}, Root: state.Word(ix.Root.CID)}
	if got, err := readOne(i, store, f); err != nil || got != "abc" {
		t.Errorf("parts %q, %v, want abc", got, err)
	}
	if store.gets != 5 {
		t.Errorf("%d blocks fetched, want root, one leaf, three bundles", store.gets)
	}
	stop := errors.New("stop")
	err = i.ReadBatch(t.Context(), store, anchorOf(1), f, func(*Bundle) error { return stop }, PurposeUserKey)
	if !errors.Is(err, stop) {
		t.Errorf("the reader's own error was lost: %v", err)
	}
}

func TestBatchBuilderRefuses(t *testing.T) {
	i := testIdentity(t)
	b := NewBatch(anchorOf(1), zone)
	if _, err := b.Build(); !errors.Is(err, ErrMalformed) {
		t.Errorf("an empty batch: %v, want ErrMalformed", err)
	}
	item := Item{To: i.Recipient(), Mailbox: i.MailboxSecret(), Purpose: PurposeUserKey}
	for range 2 {
		if _, err := b.Add(item); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.Build(); !errors.Is(err, ErrDuplicate) {
		t.Errorf("the same recipient twice: %v, want ErrDuplicate", err)
	}
	item.Mailbox = MailboxSecret{}
	if _, err := b.Add(item); !errors.Is(err, ErrMalformed) {
		t.Errorf("no mailbox secret: %v, want ErrMalformed", err)
	}
}

// hostile answers with other bytes for one CID.
type hostile struct {
	*memory
	id     CID
	answer []byte
	err    error
}

func (h hostile) Get(ctx context.Context, id CID, max int) ([]byte, error) {
	if id == h.id {
		return h.answer, h.err
	}
	return h.memory.Get(ctx, id, max)
}

// A store can withhold, and nothing else.
func TestAttackHostileStore(t *testing.T) {
	ids := []*Identity{newIdentity(t), newIdentity(t)}
	store, f, ix := batchOf(t, ids)
	batch, err := OpenBatch(t.Context(), store, f.Subject, f.Root)
	if err != nil {
		t.Fatal(err)
	}
	mine, err := batch.Find(t.Context(), ids[0].MailboxSecret(), 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := batch.Find(t.Context(), ids[1].MailboxSecret(), 0)
	if err != nil {
		t.Fatal(err)
	}
	_, _, otherBatch := batchOf(t, ids)
	withheld := errors.New("withheld")
	for _, test := range []struct {
		name   string
		id     CID
		answer []byte
		err    error
		want   error
	}{
		{"root of another batch", ix.Root.CID, otherBatch.Root.Bytes, nil, ErrAltered},
		{"leaf of another batch", ix.Leaves[0].CID, otherBatch.Leaves[0].Bytes, nil, ErrAltered},
		{"root flipped", ix.Root.CID, flipped(ix.Root.Bytes), nil, ErrAltered},
		{"leaf flipped", ix.Leaves[0].CID, flipped(ix.Leaves[0].Bytes), nil, ErrAltered},
		{"bundle flipped", mine, flipped(store.blocks[mine]), nil, ErrAltered},
		{"another's bundle", mine, store.blocks[theirs], nil, ErrAltered},
		{"nothing", mine, nil, nil, ErrAltered},
		{"too much", mine, make([]byte, MaxBlock+1), nil, ErrTooLarge},
		{"root withheld", ix.Root.CID, nil, withheld, withheld},
		{"leaf withheld", ix.Leaves[0].CID, nil, withheld, withheld},
		{"bundle withheld", mine, nil, withheld, withheld},
		{"the truth", mine, store.blocks[mine], nil, nil},
	} {
		got, err := readOne(ids[0], hostile{store, test.id, test.answer, test.err}, f)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || (got == "device 0") != (test.want == nil) {
			t.Errorf("%s: %q, %v, want %v", test.name, got, err, test.want)
		}
	}
}

// Somebody who may write BATCH entries but does not know the recipient's
// mailbox secret cannot make it look at a block; and a bundle copied from
// another batch does not open in this one.
func TestAttackBatchBundleOfAnotherBatch(t *testing.T) {
	i := newIdentity(t)
	store, old, _ := batchOf(t, []*Identity{i})
	batch, err := OpenBatch(t.Context(), store, old.Subject, old.Root)
	if err != nil {
		t.Fatal(err)
	}
	oldBundle, err := batch.Find(t.Context(), i.MailboxSecret(), 0)
	if err != nil {
		t.Fatal(err)
	}
	subject := state.Word{9}
	ix, err := buildIndex([]ref{{tag: i.MailboxSecret().Tag(subject, 0), cid: oldBundle}})
	if err != nil {
		t.Fatal(err)
	}
	store.put(ix.Root)
	store.put(ix.Leaves[0])
	f := &state.BatchFact{Fact: state.Fact{Scope: zone, Subject: subject}, Root: state.Word(ix.Root.CID)}
	if _, err := readOne(i, store, f); !errors.Is(err, ErrWrongPlace) {
		t.Errorf("an old bundle announced again: %v, want ErrWrongPlace", err)
	}
	if got, err := readOne(i, store, old); err != nil || got != "device 0" {
		t.Errorf("twin: %q, %v", got, err)
	}
}

func flipped(b []byte) []byte {
	b = bytes.Clone(b)
	b[len(b)-1] ^= 1
	return b
}

func TestParseRootAndLeafRefuse(t *testing.T) {
	digest := bytes.Repeat([]byte{1}, 32)
	root := append([]byte("DPKIROOT\x01"), digest...)
	for name, b := range map[string][]byte{
		"empty":            nil,
		"no leaf":          root[:9],
		"half a digest":    root[:20],
		"another magic":    append([]byte("DPKILEAF\x01"), digest...),
		"another version":  append([]byte("DPKIROOT\x02"), digest...),
		"a byte too many":  append(bytes.Clone(root), 0),
		"8,001 leaves":     append(bytes.Clone(root), make([]byte, 32*MaxLeaves)...),
		"a megabyte, text": bytes.Repeat([]byte("x"), 1<<20),
	} {
		if _, err := parseRoot(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("root, %s: %v, want ErrMalformed", name, err)
		}
	}
	if leaves, err := parseRoot(append(bytes.Clone(root), make([]byte, 32*(MaxLeaves-1))...)); err != nil || len(leaves) != MaxLeaves {
		t.Errorf("twin, 8,000 leaves: %v", err)
	}

	line := func(tags ...byte) []byte {
		b := []byte("DPKILEAF\x01")
		for _, tag := range tags {
			b = append(append(b, tag), make([]byte, 15+32)...)
		}
		return b
	}
	for _, test := range []struct {
		name string
		b    []byte
		i, n int
		want error
	}{
		{"no entry", line(), 0, 1, ErrMalformed},
		{"descending", line(2, 1), 0, 1, ErrMalformed},
		{"twice", line(1, 1), 0, 1, ErrMalformed},
		{"a byte too many", append(line(1), 0), 0, 1, ErrMalformed},
		{"a root", root, 0, 1, ErrMalformed},
		{"tags of another leaf", line(1, 2), 1, 2, ErrMalformed},
		{"one tag of another leaf", line(1, 0x80), 0, 2, ErrMalformed},
		{"too many", append([]byte("DPKILEAF\x01"), make([]byte, 48*1025)...), 0, 1, ErrMalformed},
		{"two", line(1, 2), 0, 2, nil},
	} {
		_, err := parseLeaf(test.b, test.i, test.n)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("leaf, %s: %v, want %v", test.name, err, test.want)
		}
	}
}

func randomRefs(n int) []ref {
	random := rand.NewChaCha8([32]byte{1})
	refs := make([]ref, n)
	for i := range refs {
		random.Read(refs[i].tag[:])
		random.Read(refs[i].cid[:])
	}
	return refs
}

// Every number of bundles has an index that its readers accept, leaf by leaf.
func TestIndexSizes(t *testing.T) {
	for _, n := range []int{1, 2, 1023, 1024, 1025, 2048, 5000, 100_000} {
		refs := randomRefs(n)
		ix, err := buildIndex(refs)
		if err != nil {
			t.Fatalf("%d bundles: %v", n, err)
		}
		leaves, err := parseRoot(ix.Root.Bytes)
		if err != nil {
			t.Fatalf("%d bundles: %v", n, err)
		}
		blocks := newMemory()
		for _, leaf := range ix.Leaves {
			blocks.put(leaf)
		}
		found := 0
		for i, id := range leaves {
			if id.IsZero() {
				continue
			}
			line, err := parseLeaf(blocks.blocks[id], i, len(leaves))
			if err != nil {
				t.Fatalf("%d bundles, leaf %d: %v", n, i, err)
			}
			found += len(line)
		}
		if found != n {
			t.Errorf("%d bundles: the leaves hold %d", n, found)
		}
	}
}

// The sizes that the design promises for a million devices: a root of tens of
// kilobytes, and 80 KB to fetch with leaf and bundle.
func TestMillionDevices(t *testing.T) {
	refs := randomRefs(1_000_000)
	ix, err := buildIndex(refs)
	if err != nil {
		t.Fatal(err)
	}
	largest := 0
	for _, leaf := range ix.Leaves {
		largest = max(largest, len(leaf.Bytes))
	}
	t.Logf("a million bundles: %d leaves, root %d bytes, largest leaf %d bytes", len(ix.Leaves), len(ix.Root.Bytes), largest)
	if len(ix.Root.Bytes) > 40_000 || largest > 9+48*1024 {
		t.Errorf("root of %d bytes, leaf of %d bytes", len(ix.Root.Bytes), largest)
	}
}

func TestIndexTooLarge(t *testing.T) {
	refs := make([]ref, MaxLeafEntries+1)
	for i := range refs { // all in one leaf, whatever the number of leaves
		binary.BigEndian.PutUint64(refs[i].tag[8:], uint64(i))
	}
	if _, err := buildIndex(refs); !errors.Is(err, ErrTooLarge) {
		t.Errorf("1,025 tags in one place: %v, want ErrTooLarge", err)
	}
	if _, err := buildIndex(refs[:MaxLeafEntries]); err != nil {
		t.Errorf("twin, 1,024: %v", err)
	}
}

func TestCIDText(t *testing.T) {
	good := Sum([]byte("x")).String()
	if c, err := ParseCID(good); err != nil || c != Sum([]byte("x")) {
		t.Errorf("ParseCID: %v, %v", c, err)
	}
	for _, s := range []string{
		"", "b", good[1:], good + "a", "B" + good[1:], "z" + good[1:], good[:58] + "1",
		"bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi", // dag-pb
		"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG",              // version 0
	} {
		if _, err := ParseCID(s); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParseCID(%q): %v, want ErrMalformed", s, err)
		}
	}
}

func TestDelivery(t *testing.T) {
	a, i := anchorOf(1), testIdentity(t)
	mailbox := i.MailboxSecret().Mailbox(zone)
	r := NewRing(a)
	if err := r.AddMailbox(mailbox, i.MailboxSecret()); err != nil {
		t.Fatal(err)
	}
	out := Outgoing{To: i.Recipient(), Mailbox: mailbox, From: 1, Until: 2, Purpose: PurposeHostCertificate, Content: []byte("cert"), Supersedes: state.Word{5}}
	block, sealed, err := r.Deliver(a, out)
	if err != nil {
		t.Fatal(err)
	}
	e := written(Entry{Kind: state.KindDelivery, From: 1, Until: 2}, sealed)
	payload, err := r.Open(mailbox, e)
	if err != nil {
		t.Fatal(err)
	}
	d, err := state.ParseDelivery(payload)
	if err != nil || d.Supersedes != out.Supersedes {
		t.Fatalf("payload %+v, %v", d, err)
	}
	f := &state.DeliveryFact{Fact: state.Fact{Scope: mailbox, Subject: sealed.Subject}, Delivery: d}
	store := newMemory()
	if _, err := i.ReadDelivery(t.Context(), store, a, f, Demand{known: true}, PurposeHostCertificate); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("withheld: %v", err)
	}
	store.put(block)
	b, err := i.ReadDelivery(t.Context(), store, a, f, Demand{known: true}, PurposeHostCertificate)
	if err != nil || string(b.Content) != "cert" {
		t.Errorf("ReadDelivery = %v, %v", b, err)
	}
	if _, err := i.ReadDelivery(t.Context(), store, a, f, Demand{known: true}, PurposeCA); !errors.Is(err, ErrWrongPlace) {
		t.Errorf("unwanted purpose: %v, want ErrWrongPlace", err)
	}
	f.Commitment[0]++
	if _, err := i.ReadDelivery(t.Context(), store, a, f, Demand{known: true}, PurposeHostCertificate); !errors.Is(err, ErrCommitment) {
		t.Errorf("another commitment: %v, want ErrCommitment", err)
	}
	if _, _, err := r.Deliver(anchorOf(2), out); !errors.Is(err, ErrWrongPlace) {
		t.Errorf("for another organisation: %v, want ErrWrongPlace", err)
	}
}

func BenchmarkIndexMillion(b *testing.B) {
	refs := randomRefs(1_000_000)
	for b.Loop() {
		if _, err := buildIndex(slices.Clone(refs)); err != nil {
			b.Fatal(err)
		}
	}
}
