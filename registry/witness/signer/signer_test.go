package signer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"dpki/internal/file"
	"dpki/registry"
	"dpki/registry/route"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/state"

	"github.com/ethereum/go-ethereum/core/types"
)

// node is a chain of headers.
type node struct {
	t       *testing.T
	chain   string // id
	headers []*types.Header
	every   uint64 // seconds between two blocks
	safe    int    // blocks before the tip; -1 = none
	asked   []int
	alter   func([]byte) []byte // of each header, where set
}

func newNode(t *testing.T, blocks int) *node { return nodeOf(t, 2, blocks) }

func nodeOf(t *testing.T, every uint64, blocks int) *node {
	n := &node{t: t, chain: `"0x46f"`, every: every, safe: -1}
	for range blocks {
		n.mine(0)
	}
	return n
}

func (n *node) mine(fork byte) {
	h := &types.Header{Number: big.NewInt(int64(len(n.headers))), Time: 1000 + n.every*uint64(len(n.headers)), Difficulty: new(big.Int), Extra: []byte{fork},
		UncleHash: types.EmptyUncleHash, TxHash: types.EmptyTxsHash, ReceiptHash: types.EmptyReceiptsHash, BaseFee: big.NewInt(7)}
	if i := len(n.headers); i > 0 {
		h.ParentHash = n.headers[i-1].Hash()
	}
	n.headers = append(n.headers, h)
}

func (n *node) reorg(depth int) {
	n.headers = n.headers[:len(n.headers)-depth]
	for range depth + 1 {
		n.mine(1)
	}
}

func (n *node) json(i int) []byte {
	b, err := json.Marshal(n.headers[i])
	if err != nil {
		n.t.Fatal(err)
	}
	if n.alter != nil {
		b = n.alter(b)
	}
	return b
}

func (n *node) Head(context.Context, registry.HeadQuery) (registry.HeadReply, error) {
	tip := len(n.headers) - 1
	r := registry.HeadReply{ChainID: []byte(n.chain), Latest: n.json(tip)}
	if n.safe >= 0 {
		r.Safe, r.Finalized = n.json(tip-n.safe), n.json(tip-2*n.safe)
	}
	return r, nil
}

func (n *node) Headers(_ context.Context, numbers []uint64) ([][]byte, error) {
	n.asked = append(n.asked, len(numbers))
	var all [][]byte
	for _, i := range numbers {
		all = append(all, n.json(int(i)))
	}
	return all, nil
}

func (n *node) Hints(ctx context.Context, _ func()) { <-ctx.Done() }

func signerOf(t *testing.T, n *node) (s *Signer, newest func() *witness.Checkpoint) {
	t.Helper()
	private, err := CreateKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	var published []byte
	s = New(Config{Node: n, ChainID: 1135, Key: private, Every: time.Second, Publish: func(b []byte) error { published = b; return nil }, Log: func(Event) {}})
	return s, func() *witness.Checkpoint {
		t.Helper()
		c, err := witness.Parse(published, witness.KeyOf(private), 1135)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// What is signed is the node's chain, whatever blocks came since the last look.
func TestSignsTheChain(t *testing.T) {
	for _, blocks := range []int{1, 2, 63, 64, 65, 300} {
		t.Run(fmt.Sprint(blocks), func(t *testing.T) {
			n := newNode(t, blocks)
			s, newest := signerOf(t, n)
			for _, more := range []int{0, 1, 0, 5, 62, 63, 64, 200} {
				for range more {
					n.mine(0)
				}
				n.asked = nil
				if e := s.Once(t.Context()); e.Err != nil || e.Replaced != 0 {
					t.Fatalf("%+v", e)
				}
				checkSigned(t, n, newest())
				if more == 1 && blocks > 1 && len(n.asked) > 0 {
					t.Errorf("one block more: asked %v", n.asked)
				}
			}
		})
	}
}

func checkSigned(t *testing.T, n *node, c *witness.Checkpoint) {
	t.Helper()
	tip := len(n.headers) - 1
	if want := min(len(n.headers), witness.MaxHashes); c.Number != uint64(tip) || c.Time != n.headers[tip].Time || len(c.Hashes) != want {
		t.Fatalf("block %d, %d hashes; want %d, %d", c.Number, len(c.Hashes), tip, want)
	}
	for i, h := range c.Hashes {
		if h != state.Word(n.headers[tip-i].Hash()) {
			t.Fatalf("hash of block %d is wrong", tip-i)
		}
	}
}

// What a witness serves himself is the last blocks of what he signs for others,
// enough of them for a reader that comes again.
func TestServed(t *testing.T) {
	for _, row := range []struct {
		every        uint64
		blocks, want int
	}{{2, 300, 17}, {12, 300, 16}, {1, 300, 33}, {0, 300, witness.MaxHashes}, {2, 5, 5}, {12, 1, 1}} {
		n := nodeOf(t, row.every, row.blocks)
		s, newest := signerOf(t, n)
		var served []byte
		s.c.Serve = func(b []byte) { served = b }
		if e := s.Once(t.Context()); e.Err != nil {
			t.Fatal(e.Err)
		}
		whole := newest()
		c, err := witness.Parse(served, witness.KeyOf(s.c.Key), 1135)
		if err != nil {
			t.Fatal(err)
		}
		if want := whole.Hashes[:row.want]; !slices.Equal(c.Hashes, want) || c.Number != whole.Number || c.Time != whole.Time {
			t.Errorf("a block in %d s, %d of them: %d hashes from block %d, want %d from %d", row.every, row.blocks, len(c.Hashes), c.Number, row.want, whole.Number)
		}
		checkSigned(t, n, whole)
	}
}

func TestReorganisation(t *testing.T) {
	for _, depth := range []int{1, 3, 10, 70} {
		n := newNode(t, 200)
		n.safe = 3
		s, newest := signerOf(t, n)
		if e := s.Once(t.Context()); e.Err != nil {
			t.Fatal(e.Err)
		}
		if c := newest(); c.Safe != 196 || c.Finalized != 193 {
			t.Errorf("safe %d, final %d", c.Safe, c.Finalized)
		}
		n.reorg(depth)
		e := s.Once(t.Context())
		if want := min(depth, witness.MaxHashes-1); e.Err != nil || e.Replaced < want {
			t.Fatalf("depth %d: %+v, want at least %d replaced", depth, e, want)
		}
		checkSigned(t, n, newest())
	}
}

// A node that shows what cannot be is not signed for.
func TestNodeThatIsWrong(t *testing.T) {
	for name, row := range map[string]struct {
		alter func(n *node)
		want  error
	}{
		"another chain": {func(n *node) { n.chain = `"0x1"` }, registry.ErrChain},
		"no chain id":   {func(n *node) { n.chain = `7` }, registry.ErrChain},
		"altered header": {func(n *node) {
			n.alter = func(b []byte) []byte { return bytes.Replace(b, []byte(`"0x0"`), []byte(`"0x1"`), 1) }
		}, verify.ErrHeader},
		"no header": {func(n *node) { n.alter = func([]byte) []byte { return []byte("null") } }, verify.ErrHeader},
		"headers that do not follow one another": {func(n *node) {
			n.headers[5] = types.CopyHeader(n.headers[5])
			n.headers[5].Extra = []byte{9}
		}, verify.ErrHeader},
	} {
		n := newNode(t, 10)
		row.alter(n)
		s, _ := signerOf(t, n)
		published := false
		s.c.Publish = func([]byte) error { published = true; return nil }
		if e := s.Once(t.Context()); !errors.Is(e.Err, row.want) || published {
			t.Errorf("%s: %v, published %v; want %v", name, e.Err, published, row.want)
		}
	}
	n := newNode(t, 10)
	s, newest := signerOf(t, n)
	if e := s.Once(t.Context()); e.Err != nil {
		t.Errorf("the twin: %v", e.Err)
	}
	checkSigned(t, n, newest())
}

// Run goes on after trouble, and ends with its context.
func TestRun(t *testing.T) {
	n := newNode(t, 3)
	n.chain = `"0x1"`
	s, _ := signerOf(t, n)
	s.c.Every = time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var events []Event
	s.c.Log = func(e Event) {
		events = append(events, e)
		n.chain = `"0x46f"`
		if e.Err == nil {
			cancel()
		}
	}
	s.Run(ctx)
	if len(events) < 2 || events[0].Err == nil || events[len(events)-1].Checkpoint.Number != 2 {
		t.Errorf("%+v", events)
	}
}

func TestKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	private, err := CreateKey(path)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := LoadKey(path); err != nil || !slices.Equal(again, private) {
		t.Errorf("loaded: %v", err)
	}
	if _, err := CreateKey(path); !errors.Is(err, file.ErrExists) {
		t.Errorf("made again: %v", err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"empty": nil, "cut": good[:len(good)-40], "twice": append(bytes.Clone(good), good...), "another type": bytes.ReplaceAll(good, []byte("PRIVATE"), []byte("PUBLIC"))} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(path); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(path); !errors.Is(err, ErrKeyMode) {
			t.Errorf("mode %v: %v", mode, err)
		}
	}
}

func FuzzKey(f *testing.F) {
	path := filepath.Join(f.TempDir(), "key")
	if _, err := CreateKey(path); err != nil {
		f.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if key, err := parseKey(b); (err == nil) == (key == nil) || err != nil && !errors.Is(err, ErrKeyFile) {
			t.Errorf("%v, %v", key, err)
		}
	})
}

// The witness's own server is read as a mirror is.
func TestServe(t *testing.T) {
	n := &Newest{Key: witness.Key{7}}
	server := httptest.NewServer(n)
	defer server.Close()
	m, err := source.DialMirror(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Checkpoint(t.Context(), n.Key); registry.FaultOf(err) != registry.Unavailable {
		t.Errorf("before the first: %v", err)
	}
	n.Set([]byte("a checkpoint"))
	if b, err := m.Checkpoint(t.Context(), n.Key); err != nil || string(b) != "a checkpoint" {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := m.Checkpoint(t.Context(), witness.Key{8}); registry.FaultOf(err) != registry.Unavailable {
		t.Errorf("another's: %v", err)
	}
	path := server.URL + (route.Witness{Name: n.Key.String()}).Path()
	res, err := http.Get(path)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if got := res.Header.Get("Cache-Control"); got != "public, max-age=1" {
		t.Errorf("Cache-Control %q", got)
	}
	res, err = http.Post(path, "text/plain", bytes.NewReader([]byte("x")))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %s", res.Status)
	}
}
