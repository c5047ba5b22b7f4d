package store

import (
	"context"

	"dpki/bundle"
)

// Cache keeps every block that was read or written, under its hash. They are
// encrypted and public; keeping them saves the way to the stores.
type Cache struct {
	Kept   Folder // looked into first
	Stores Store
}

// Get implements bundle.Getter.
func (c *Cache) Get(ctx context.Context, id bundle.CID, max int) ([]byte, error) {
	if block, err := c.Kept.Get(ctx, id, max); err == nil {
		return block, nil
	}
	block, err := c.Stores.Get(ctx, id, max)
	if err != nil {
		return nil, err
	}
	c.Keep(ctx, block)
	return block, nil
}

// Keep does not fail: without it everything works, slower.
func (c *Cache) Keep(ctx context.Context, block []byte) {
	_, _ = c.Kept.Put(ctx, block)
}
