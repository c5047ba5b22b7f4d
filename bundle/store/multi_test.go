package store

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/internal/network"
)

// fake answers as it is told to.
type fake struct {
	name  string
	block []byte
	err   error
	hang  bool
	mu    sync.Mutex
	asked int
}

func (f *fake) String() string { return f.name }

func (f *fake) Get(ctx context.Context, id bundle.CID, _ int) ([]byte, error) {
	f.mu.Lock()
	f.asked++
	f.mu.Unlock()
	if f.hang {
		<-ctx.Done()
		return nil, &Error{Store: f.name, Op: "get", ID: id, Err: ErrUnavailable}
	}
	if f.err != nil {
		return nil, &Error{Store: f.name, Op: "get", ID: id, Err: f.err}
	}
	return f.block, nil
}

func (f *fake) Put(_ context.Context, block []byte) (bundle.CID, error) {
	if f.err != nil {
		return bundle.CID{}, &Error{Store: f.name, Op: "put", ID: bundle.Sum(block), Err: f.err}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.block = block
	return bundle.Sum(block), nil
}

func TestMultiGet(t *testing.T) {
	block := []byte("block")
	id := bundle.Sum(block)
	good := func() *fake { return &fake{name: "good", block: block} }
	fails := func(err error) *fake { return &fake{name: err.Error(), err: err} }
	for _, test := range []struct {
		name   string
		stores []Store
		want   error // nil = the block
		not    error // what the error must not be
	}{
		{"first", []Store{good(), fails(ErrNotFound)}, nil, nil},
		{"after one that lies", []Store{fails(ErrAltered), good()}, nil, nil},
		{"after one that lacks it", []Store{fails(ErrNotFound), good()}, nil, nil},
		{"after one that hangs", []Store{&fake{name: "hang", hang: true}, good()}, nil, nil},
		{"last of many", []Store{fails(ErrUnavailable), fails(ErrTooLarge), &fake{name: "hang", hang: true}, fails(ErrNotFound), good()}, nil, nil},
		{"nobody has it", []Store{fails(ErrNotFound), fails(ErrNotFound)}, ErrNotFound, ErrUnavailable},
		{"one may have it", []Store{fails(ErrNotFound), fails(ErrUnavailable)}, ErrUnavailable, ErrNotFound},
		{"one lies", []Store{fails(ErrNotFound), fails(ErrAltered)}, ErrAltered, ErrNotFound},
		{"no store", nil, ErrUnavailable, ErrNotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := NewMulti(test.stores...)
			m.hedge = time.Millisecond
			got, err := m.Get(t.Context(), id, 0)
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || bytes.Equal(got, block) != (test.want == nil) {
				t.Errorf("%q, %v, want %v", got, err, test.want)
			}
			if test.not != nil && errors.Is(err, test.not) {
				t.Errorf("%v is also %v", err, test.not)
			}
		})
	}
}

func TestMultiGetNamesWhoFailed(t *testing.T) {
	var mu sync.Mutex
	var heard []string
	m := NewMulti(&fake{name: "liar", err: ErrAltered}, &fake{name: "good", block: []byte("x")})
	m.Failed = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, err.Error())
	}
	if _, err := m.Get(t.Context(), bundle.Sum([]byte("x")), 0); err != nil {
		t.Fatal(err)
	}
	if len(heard) != 1 || !strings.Contains(heard[0], "liar") {
		t.Errorf("heard %q, want the liar's name", heard)
	}
	all := NewMulti(&fake{name: "liar", err: ErrAltered}, &fake{name: "empty", err: ErrNotFound})
	_, err := all.Get(t.Context(), bundle.CID{1}, 0)
	for _, name := range []string{"liar", "empty", "2 of 2"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not say %q", err, name)
		}
	}
}

// A quick first store is the only one asked: others cost traffic.
func TestMultiGetAsksOne(t *testing.T) {
	second := &fake{name: "second", block: []byte("x")}
	m := NewMulti(&fake{name: "first", block: []byte("x")}, second)
	if _, err := m.Get(t.Context(), bundle.Sum([]byte("x")), 0); err != nil || second.asked != 0 {
		t.Errorf("%v, the second store was asked %d times", err, second.asked)
	}
}

func TestMultiGetEnds(t *testing.T) {
	m := NewMulti(&fake{name: "a", hang: true}, &fake{name: "b", hang: true})
	m.hedge = time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.Get(ctx, bundle.CID{}, 0); !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrNotFound) {
		t.Errorf("%v, want ErrUnavailable", err)
	}
}

func TestMultiPut(t *testing.T) {
	block := []byte("block")
	id := bundle.Sum(block)
	a, b := &fake{name: "a"}, &fake{name: "b"}
	broken := &fake{name: "broken", err: ErrUnavailable}
	readOnly := &fake{name: "gateway", err: ErrReadOnly}

	if got, err := NewMulti(a, readOnly, b).Put(t.Context(), block); err != nil || got != id {
		t.Errorf("Put = %v, %v", got, err)
	}
	if !bytes.Equal(a.block, block) || !bytes.Equal(b.block, block) {
		t.Error("not all stores have the block")
	}
	got, err := NewMulti(a, broken).Put(t.Context(), block)
	var failures *Failures
	if got != id || !errors.As(err, &failures) || failures.Of != 2 || len(failures.Errors) != 1 || !strings.Contains(err.Error(), "broken") {
		t.Errorf("one of two failed: %v, %v, want the CID and a *Failures that names it", got, err)
	}
	if got, err := NewMulti(broken, broken).Put(t.Context(), block); got != (bundle.CID{}) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("all failed: %v, %v, want ErrUnavailable", got, err)
	}
	if _, err := NewMulti(readOnly).Put(t.Context(), block); !errors.Is(err, ErrReadOnly) {
		t.Errorf("only a gateway: %v, want ErrReadOnly", err)
	}
	if _, err := NewMulti(a).Put(t.Context(), nil); !errors.Is(err, ErrTooLarge) {
		t.Errorf("no bytes: %v", err)
	}
}

func TestMultiUnpin(t *testing.T) {
	f := Folder{Path: t.TempDir()}
	m := NewMulti(&fake{name: "cannot"}, f)
	id, err := m.Put(t.Context(), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Unpin(t.Context(), id); err != nil {
		t.Errorf("Unpin: %v", err)
	}
	if _, err := f.Get(t.Context(), id, 0); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Unpin: %v", err)
	}
}

func TestCheck(t *testing.T) {
	a, b := Folder{Path: t.TempDir()}, Folder{Path: t.TempDir()}
	var ids []bundle.CID
	for i := range 20 {
		id, err := a.Put(t.Context(), []byte{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	if _, err := b.Put(t.Context(), []byte{3}); err != nil {
		t.Fatal(err)
	}
	lost := bundle.Sum([]byte("lost"))
	ids = append(ids, lost)
	liar := &fake{name: "liar", err: ErrAltered}
	m, last := NewMulti(a, liar, b), 0
	got := m.Check(t.Context(), ids, 0, func(done int) { last = done })
	if last != len(ids) {
		t.Errorf("progress ended with %d, want %d", last, len(ids))
	}
	for i, s := range got {
		if s.ID != ids[i] {
			t.Fatalf("result %d is about %v, want %v", i, s.ID, ids[i])
		}
		if s.Nobody() != (s.ID == lost) {
			t.Errorf("%v: served by %v", s.ID, s.By)
		}
	}
	if s := got[3]; len(s.By) != 2 || len(s.Missing) != 1 || !strings.Contains(s.Missing[0].Error(), "liar") {
		t.Errorf("block 3: by %v, missing %v", s.By, s.Missing)
	}
}

// pinner is a place that is told of blocks.
type pinner struct {
	fake
	pins map[bundle.CID]bool
}

func (p *pinner) Pin(_ context.Context, id bundle.CID) error {
	if p.err == nil {
		p.pins[id] = true
	}
	return p.err
}

func (p *pinner) Unpin(_ context.Context, id bundle.CID) error {
	delete(p.pins, id)
	return p.err
}

func (p *pinner) Pinned(_ context.Context, id bundle.CID) (bool, error) { return p.pins[id], p.err }

// Pinners are told of what a store has, and never count as one that serves it.
func TestPinners(t *testing.T) {
	block := []byte("block")
	id := bundle.Sum(block)
	told, down := &pinner{pins: map[bundle.CID]bool{}}, &pinner{fake: fake{name: "down", err: ErrUnavailable}}
	folder := Folder{Path: t.TempDir()}
	alone := NewMulti(&fake{name: "gateway", err: ErrReadOnly})
	alone.Pinners = []Pinner{told}
	if _, err := alone.Put(t.Context(), block); !errors.Is(err, ErrReadOnly) || len(told.pins) != 0 {
		t.Errorf("Put with nobody who has the block: %v, told %v; want ErrReadOnly, and nobody told", err, told.pins)
	}
	m := NewMulti(folder)
	m.Pinners = []Pinner{told, down}
	got, err := m.Put(t.Context(), block)
	var some *Failures
	if got != id || !errors.As(err, &some) || some.Of != 3 || len(some.Errors) != 1 || !told.pins[id] {
		t.Errorf("Put = %v, %v, told %v; want one failure of three", got, err, told.pins)
	}
	m.Pinners = []Pinner{told}
	if s := m.Check(t.Context(), []bundle.CID{id}, 0, nil)[0]; len(s.By) != 1 || len(s.Missing) != 0 {
		t.Errorf("by %v, missing %v", s.By, s.Missing)
	}
	// It says that it keeps what nobody serves: that counts for nothing.
	if err := folder.Unpin(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if s := m.Check(t.Context(), []bundle.CID{id}, 0, nil)[0]; !s.Nobody() {
		t.Errorf("by %v, want nobody", s.By)
	}
	delete(told.pins, id)
	found := m.Check(t.Context(), []bundle.CID{id}, 0, nil)[0]
	mended, err := m.Repair(t.Context(), found, block)
	if err != nil || len(mended) != 2 || !told.pins[id] {
		t.Errorf("Repair = %v, %v", mended, err)
	}
	if _, err := m.Repair(t.Context(), found, []byte("clock")); !errors.Is(err, ErrAltered) {
		t.Errorf("Repair with another block: %v", err)
	}
	found = m.Check(t.Context(), []bundle.CID{id}, 0, nil)[0]
	if mended, err := m.Repair(t.Context(), found, block); err != nil || len(mended) != 0 {
		t.Errorf("Repair of what is whole = %v, %v", mended, err)
	}
	if err := m.Unpin(t.Context(), id); err != nil || told.pins[id] {
		t.Errorf("Unpin: %v, %v", err, told.pins)
	}
}

// What is put is repaired everywhere but where nothing can be put, and who fails
// is named.
func TestRepair(t *testing.T) {
	block := []byte("block")
	a := Folder{Path: t.TempDir()}
	m := NewMulti(a, &fake{name: "gateway", err: ErrReadOnly}, &fake{name: "broken", err: ErrUnavailable})
	mended, err := m.Repair(t.Context(), m.Check(t.Context(), []bundle.CID{bundle.Sum(block)}, 0, nil)[0], block)
	if len(mended) != 1 || mended[0] != a.String() || err == nil || !strings.Contains(err.Error(), "broken") || strings.Contains(err.Error(), "gateway") {
		t.Errorf("Repair = %v, %v", mended, err)
	}
}

func TestOpen(t *testing.T) {
	node := &fake{name: "node"}
	places := []network.Store{
		{Type: network.Folder, Path: "/srv/blocks"},
		{Type: network.Gateway, URL: "http://127.0.0.1:1"},
		{Type: network.Kubo, URL: "http://127.0.0.1:2"},
		{Type: network.Sandbox, URL: "http://127.0.0.1:3"},
		{Type: network.Pinning, URL: "http://127.0.0.1:4"},
	}
	m, err := Open(places, Own{
		Node:    func(string) (Store, error) { return node, nil },
		Pinning: func(string) (Pinner, error) { return &pinner{}, nil },
	})
	if err != nil || len(m.Stores()) != 4 || len(m.Pinners) != 1 {
		t.Errorf("Open = %v, %v, want four stores and a pinner", m, err)
	}
	if m, err := Open(places, Own{}); err != nil || len(m.Stores()) != 3 || len(m.Pinners) != 0 {
		t.Errorf("Open on a device = %v, %v, want three stores", m, err)
	}
	for _, p := range []network.Store{{}, {Type: "s3"}, {Type: network.Gateway, URL: "x"}} {
		if _, err := Open([]network.Store{p}, Own{}); err == nil {
			t.Errorf("%+v was opened", p)
		}
	}
}
