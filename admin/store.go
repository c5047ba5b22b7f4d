package admin

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"dpki/bundle"
	"dpki/bundle/store"
)

// StoreChecking is what `store check` asks for.
type StoreChecking struct {
	// Repair puts again what one store has, or this administrator has kept, and
	// another store lacks.
	Repair bool
	// Wait bounds one answer; 0 = store.CheckWait.
	Wait time.Duration
	// Progress hears how many blocks were asked for; nil = nobody does.
	Progress func(done, all int)
}

// StoreReport says which content that the log announces is served.
type StoreReport struct {
	Stores   []string      `json:"stores"`
	Blocks   int           `json:"blocks"`
	Missing  []BlockReport `json:"missing"`  // served by nobody
	Partial  []BlockReport `json:"partial"`  // served by some of the stores only, or not kept by one that serves it
	Repaired []BlockReport `json:"repaired"` // by: the stores that have it now
	// Unknown: lists that nobody serves, so that nobody can say what else is missing.
	Unknown int `json:"unreadable_batches"`
	// Strange: whose deliveries this administrator cannot read; they are not checked.
	Strange []string `json:"not_known"`
}

// BlockReport is one block.
type BlockReport struct {
	CID  string   `json:"cid"`
	What string   `json:"what"`
	By   []string `json:"by"`
	Why  []string `json:"why,omitempty"`
}

// StoreCheck fetches every block that the log names and somebody needs from every
// store, because a claim to have it proves nothing.
func (d *Desk) StoreCheck(ctx context.Context, o StoreChecking) (*StoreReport, error) {
	c, err := d.contents(ctx, true) // a successor is what its recipient needs, applied or not
	if err != nil {
		return nil, err
	}
	needed := c.needed()
	r := &StoreReport{
		Stores: d.storeNames(), Blocks: len(needed), Unknown: len(c.unread), Strange: slices.Concat([]string{}, c.strange),
		Missing: []BlockReport{}, Partial: []BlockReport{}, Repaired: []BlockReport{},
	}
	found := d.served(ctx, needed, o)
	if o.Repair && !d.DryRun {
		mended := []content{}
		for _, n := range needed {
			if len(found[n.id].Missing) == 0 {
				continue
			}
			by, err := d.repair(ctx, found[n.id])
			if err != nil {
				d.warn(fmt.Sprintf("%s: %v", n.what, err))
			}
			if len(by) > 0 {
				r.Repaired, mended = append(r.Repaired, BlockReport{CID: n.id.String(), What: n.what, By: by}), append(mended, n)
			}
		}
		maps.Copy(found, d.served(ctx, mended, StoreChecking{Wait: o.Wait}))
	}
	for _, n := range needed {
		s := found[n.id]
		report := BlockReport{CID: n.id.String(), What: n.what, By: append([]string{}, s.By...)}
		for _, err := range s.Missing {
			report.Why = append(report.Why, err.Error())
		}
		switch {
		case s.Nobody():
			r.Missing = append(r.Missing, report)
		case len(s.Missing) > 0:
			r.Partial = append(r.Partial, report)
		}
	}
	return r, ctx.Err()
}

// needed are the blocks that somebody needs, each once, in the order of their CIDs'
// first entry.
func (c *contents) needed() []content {
	var list []content
	seen := map[bundle.CID]bool{}
	for _, b := range c.list {
		if (b.idle == "" || b.kept != "") && !b.void && !seen[b.id] {
			seen[b.id] = true
			list = append(list, b)
		}
	}
	return list
}

// served asks all stores for blocks.
func (d *Desk) served(ctx context.Context, list []content, o StoreChecking) map[bundle.CID]store.Served {
	ids := make([]bundle.CID, len(list))
	for i, n := range list {
		ids[i] = n.id
	}
	found := make(map[bundle.CID]store.Served, len(list))
	for _, s := range d.Stores.Check(ctx, ids, o.Wait, func(done int) {
		if o.Progress != nil {
			o.Progress(done, len(ids))
		}
	}) {
		found[s.ID] = s
	}
	return found
}

// repair gives a block, from any store or from what was kept here, to the stores
// that lack it.
func (d *Desk) repair(ctx context.Context, s store.Served) (by []string, err error) {
	var from bundle.Getter = d.cache
	if s.Nobody() {
		from = d.cache.Kept // whoever searched for it in vain would do so again
	}
	block, err := bundle.Fetch(ctx, from, s.ID, bundle.MaxBlock)
	if err != nil {
		return nil, err
	}
	return d.Stores.Repair(ctx, s, block)
}

func (d *Desk) storeNames() []string {
	var names []string
	for _, s := range d.Stores.Stores() {
		names = append(names, fmt.Sprint(s))
	}
	for _, p := range d.Stores.Pinners {
		names = append(names, fmt.Sprint(p))
	}
	return names
}
