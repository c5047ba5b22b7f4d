package admin

import (
	"context"
	"path/filepath"

	"dpki/bundle"
	"dpki/bundle/store"
)

// blocks keeps every block that was read or written, under its hash. They are
// encrypted and public; keeping them saves the way to the stores.
type blocks struct {
	kept   store.Folder
	stores store.Store
}

func newBlocks(stateDir string, stores store.Store) *blocks {
	return &blocks{kept: store.Folder{Path: filepath.Join(stateDir, "blocks")}, stores: stores}
}

// Get implements bundle.Getter.
func (b *blocks) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	if block, err := b.kept.Get(ctx, id, max); err == nil {
		return block, nil
	}
	block, err := b.stores.Get(ctx, id, max)
	if err != nil {
		return nil, err
	}
	b.keep(ctx, block)
	return block, nil
}

// keep does not fail: without it everything works, slower.
func (b *blocks) keep(ctx context.Context, block []byte) {
	_, _ = b.kept.Put(ctx, block)
}
