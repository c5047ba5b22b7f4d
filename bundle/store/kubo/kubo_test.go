package kubo_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/bundle/store/kubo"
	"dpki/bundle/store/storetest"
	"dpki/internal/anchor"
	daemon "dpki/internal/harness/kubo"
	"dpki/state"
)

var (
	block   = []byte("an encrypted block")
	blockID = bundle.Sum(block)
)

func node(t testing.TB, api string) *kubo.Node {
	t.Helper()
	n, err := kubo.New(api)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func gateway(t testing.TB, base string) *store.Gateway {
	t.Helper()
	g, err := store.NewGateway(base)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestNode(t *testing.T) {
	storetest.Test(t, node(t, daemon.Start(t).API))
}

// What is put through the RPC is what `ipfs add --cid-version=1 --raw-leaves`
// makes, is pinned, and is served by the node's gateway under the same CID.
func TestPutPinGatewayUnpin(t *testing.T) {
	d := daemon.Start(t)
	n, g := node(t, d.API), gateway(t, d.Gateway)
	id, err := n.Put(t.Context(), block)
	if err != nil || id != blockID {
		t.Fatalf("Put = %v, %v, want %v", id, err, blockID)
	}
	if got := d.Run(t, "pin", "ls", "--type=recursive"); !strings.Contains(got, id.String()) {
		t.Errorf("pins are %q, want %v among them", got, id)
	}
	if got := d.Run(t, "block", "get", id.String()); got != string(block) {
		t.Errorf("ipfs block get = %q", got)
	}
	if got, err := g.Get(t.Context(), id, 0); err != nil || !bytes.Equal(got, block) {
		t.Errorf("through the gateway: %q, %v", got, err)
	}
	if pinned, err := n.Pinned(t.Context(), id); err != nil || !pinned {
		t.Errorf("Pinned = %v, %v, want true", pinned, err)
	}

	for range 2 { // letting go twice is no error
		if err := n.Unpin(t.Context(), id); err != nil {
			t.Errorf("Unpin: %v", err)
		}
	}
	if pinned, err := n.Pinned(t.Context(), id); err != nil || pinned {
		t.Errorf("Pinned after Unpin = %v, %v, want false", pinned, err)
	}
	d.Run(t, "repo", "gc")
	if _, err := n.Get(t.Context(), id, 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after garbage collection: %v, want ErrNotFound", err)
	}
	if _, err := g.Get(t.Context(), id, 0); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("after garbage collection, through the gateway: %v, want ErrNotFound", err)
	}
}

// The CID of `ipfs add` and ours agree for everything up to one block.
func TestCIDIsThatOfIPFSAdd(t *testing.T) {
	d := daemon.Start(t)
	for _, size := range []int{1, 1000, bundle.MaxBlock} {
		b := bytes.Repeat([]byte("x"), size)
		path := t.TempDir() + "/file"
		writeFile(t, path, b)
		if got, want := d.Run(t, "add", "-Q", "--cid-version=1", "--raw-leaves", path), bundle.Sum(b).String(); got != want {
			t.Errorf("%d bytes: ipfs add gives %s, want %s", size, got, want)
		}
	}
}

// Pinned blocks outlive garbage collection and a crash.
func TestPinnedSurvives(t *testing.T) {
	d := daemon.Start(t)
	n := node(t, d.API)
	if _, err := n.Put(t.Context(), block); err != nil {
		t.Fatal(err)
	}
	d.Run(t, "repo", "gc")
	d.Kill()
	if _, err := n.Get(t.Context(), blockID, 0); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("node down: %v, want ErrUnavailable", err)
	}
	if _, err := n.Put(t.Context(), block); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("node down: %v, want ErrUnavailable", err)
	}
	d.Restart(t)
	if got, err := n.Get(t.Context(), blockID, 0); err != nil || !bytes.Equal(got, block) {
		t.Errorf("after a crash: %q, %v", got, err)
	}
}

// A batch from end to end: the admins put it into their node and a folder, a
// device reads its part through the gateway of another node of the swarm.
func TestBatchAcrossSwarm(t *testing.T) {
	nodes := daemon.StartSwarm(t, 2)
	folder := store.Folder{Path: t.TempDir()}
	stores := store.NewMulti(folder, node(t, nodes[0].API), gateway(t, nodes[1].Gateway))
	put := func(b bundle.Block) {
		t.Helper()
		if id, err := stores.Put(t.Context(), b.Bytes); err != nil || id != b.CID {
			t.Fatalf("Put = %v, %v", id, err)
		}
	}

	a := anchor.Anchor{Registry: state.Registry{ChainID: 31337}, Org: state.Word{1}}
	zone := state.Word{2}
	batch := bundle.NewBatch(a, zone)
	devices := make([]*bundle.Identity, 3)
	var last bundle.Block
	for n := range devices {
		var err error
		if devices[n], err = bundle.GenerateIdentity(); err != nil {
			t.Fatal(err)
		}
		last, err = batch.Add(bundle.Item{
			To: devices[n].Recipient(), Mailbox: devices[n].MailboxSecret(), Purpose: bundle.PurposeDeviceMaterials, Content: []byte{byte(n)},
		})
		if err != nil {
			t.Fatal(err)
		}
		put(last)
	}
	index, err := batch.Build()
	if err != nil {
		t.Fatal(err)
	}
	put(index.Root)
	ids := []bundle.CID{index.Root.CID, last.CID}
	for _, leaf := range index.Leaves {
		put(leaf)
		ids = append(ids, leaf.CID)
	}

	root, err := state.ParseBatch(index.Data)
	if err != nil {
		t.Fatal(err)
	}
	fact := &state.BatchFact{Fact: state.Fact{Scope: zone, Subject: batch.Subject(), Kind: state.KindBatch}, Root: root}
	for n, device := range devices {
		var got []byte
		err := device.ReadBatch(t.Context(), gateway(t, nodes[1].Gateway), a, fact, func(b *bundle.Bundle) error {
			got = b.Content
			return nil
		}, bundle.PurposeDeviceMaterials)
		if err != nil || !bytes.Equal(got, []byte{byte(n)}) {
			t.Errorf("device %d got %v, %v", n, got, err)
		}
	}

	for _, s := range stores.Check(t.Context(), ids, 0, nil) {
		if len(s.By) != 3 {
			t.Errorf("%v is served by %v, missing: %v", s.ID, s.By, s.Missing)
		}
	}
	// A node that is online searches for what nobody has: only a deadline ends it.
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := node(t, nodes[0].API).Get(ctx, bundle.Sum([]byte("nobody")), 0); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a block that nobody has: %v, want ErrUnavailable", err)
	}
}

// The RPC belongs to oneself, but its answers are bounded and compared all the same.
func TestAttackNode(t *testing.T) {
	answer := func(w http.ResponseWriter, contentType string, status int, b []byte) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		w.Write(b)
	}
	for _, test := range []struct {
		name string
		h    http.HandlerFunc
		want error
	}{
		{"other bytes", func(w http.ResponseWriter, _ *http.Request) { answer(w, "text/plain", 200, []byte("x")) }, store.ErrAltered},
		{"without end", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, store.ErrTooLarge},
		{"an error without end", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.WriteHeader(500)
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 64<<10)); err != nil {
					return
				}
			}
		}, store.ErrUnavailable},
		{"no content type", func(w http.ResponseWriter, _ *http.Request) { answer(w, "", 200, block) }, store.ErrUnavailable},
		{"redirect", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, store.ErrUnavailable},
		{"the block", func(w http.ResponseWriter, _ *http.Request) { answer(w, "text/plain", 200, block) }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := httptest.NewServer(test.h)
			defer s.Close()
			got, err := node(t, s.URL).Get(t.Context(), blockID, 0)
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || bytes.Equal(got, block) != (test.want == nil) {
				t.Errorf("%d bytes, %v, want %v", len(got), err, test.want)
			}
		})
	}
}

// A node that accepts connections and says nothing holds nobody up.
func TestAttackNodeHangs(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n := node(t, "http://"+l.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := n.Get(ctx, blockID, 0); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Get: %v, want ErrUnavailable", err)
	}
	if _, err := n.Put(ctx, block); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("Put: %v, want ErrUnavailable", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestNew(t *testing.T) {
	for _, base := range []string{"", "127.0.0.1:5001", "/ip4/127.0.0.1/tcp/5001", "ftp://x"} {
		if _, err := kubo.New(base); err == nil {
			t.Errorf("%q was accepted", base)
		}
	}
}
