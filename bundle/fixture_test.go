package bundle

import (
	"bytes"
	"context"
	"os"
	"sync"
	"testing"

	"dpki/internal/anchor"
	"dpki/state"
)

// anchorOf is an organisation on a made-up chain.
func anchorOf(org byte) anchor.Anchor {
	return anchor.Anchor{Registry: state.Registry{ChainID: 31337, Contract: state.Address{1, 2, 3}}, Org: state.Word{org}}
}

// testIdentity is the identity of testdata. It is public and protects nothing.
func testIdentity(t testing.TB) *Identity {
	t.Helper()
	b, err := os.ReadFile("testdata/identity.json")
	if err != nil {
		t.Fatal(err)
	}
	i, err := ParseIdentity(b)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func newIdentity(t testing.TB) *Identity {
	t.Helper()
	i, err := GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// memory is a Getter that keeps blocks and counts.
type memory struct {
	mu     sync.Mutex
	blocks map[CID][]byte
	gets   int
	bytes  int
}

func newMemory() *memory { return &memory{blocks: map[CID][]byte{}} }

func (m *memory) put(b Block) { m.blocks[b.CID] = b.Bytes }

func (m *memory) Get(_ context.Context, id CID, _ int) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, ok := m.blocks[id]
	if !ok {
		return nil, os.ErrNotExist
	}
	m.gets++
	m.bytes += len(b)
	return bytes.Clone(b), nil
}
