package admin

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"dpki/bundle"
	"dpki/bundle/store"
)

// StoreCollecting is what `store gc` asks for.
type StoreCollecting struct {
	// Unacknowledged also lets go of what is superseded where no receipt says that
	// its successor was applied.
	Unacknowledged bool
	// All also lets go of what other administrators announced.
	All bool
}

// StoreGarbage is what can be let go of, and what is not and why.
type StoreGarbage struct {
	Stores []string    `json:"stores"` // that keep what they are told to
	Needed int         `json:"needed"` // blocks that somebody needs
	LetGo  []IdleBlock `json:"let_go"`
	Kept   []IdleBlock `json:"kept"`

	asked StoreCollecting
}

// IdleBlock is a block that nobody needs any more, and that a store keeps.
type IdleBlock struct {
	CID  string   `json:"cid"`
	What string   `json:"what"`
	Why  string   `json:"why"`
	Keep string   `json:"kept_because,omitempty"`
	In   []string `json:"in"` // stores

	id bundle.CID
	in []store.Keeper
}

// StoreGarbage finds what stores can let go of. It goes by the verified log alone:
// no store is asked what it has, but whether it keeps what the log says nobody
// needs.
func (d *Desk) StoreGarbage(ctx context.Context, o StoreCollecting) (*StoreGarbage, error) {
	c, err := d.contents(ctx, o.Unacknowledged)
	if err != nil {
		return nil, err
	}
	keepers := d.Stores.Keepers()
	g := &StoreGarbage{Needed: len(c.needed()), LetGo: []IdleBlock{}, Kept: []IdleBlock{}, Stores: []string{}, asked: o}
	for _, k := range keepers {
		g.Stores = append(g.Stores, fmt.Sprint(k))
	}
	idle := c.garbage(o)
	found, warnings := pinnedIn(ctx, idle, keepers)
	for _, w := range warnings {
		d.warn(w)
	}
	for i, b := range idle {
		if len(found[i]) == 0 {
			continue
		}
		block := IdleBlock{CID: b.id.String(), What: b.what, Why: b.idle, Keep: b.kept, id: b.id, in: found[i]}
		for _, k := range found[i] {
			block.In = append(block.In, fmt.Sprint(k))
		}
		if b.kept == "" {
			g.LetGo = append(g.LetGo, block)
		} else {
			g.Kept = append(g.Kept, block)
		}
	}
	return g, ctx.Err()
}

// garbage are the idle blocks, each once, those that must be kept all the same
// with the reason, in the order in which they may be let go of.
func (c *contents) garbage(o StoreCollecting) []content {
	needed, at := map[bundle.CID]string{}, map[bundle.CID]int{}
	for _, b := range c.list {
		if b.idle == "" {
			needed[b.id] = b.what
		}
	}
	var list []content
	for _, b := range c.list {
		if b.idle == "" {
			continue
		}
		what, named := needed[b.id]
		switch {
		case b.kept != "":
		case named:
			b.kept = "it is also the " + what
		case !b.mine && !o.All:
			b.kept = "announced by another administrator (--all)"
		case !b.mine && len(c.unread) > 0:
			b.kept = "announced by another administrator, and nobody serves the " + c.unread[0].what
		case !b.mine && len(c.strange) > 0:
			b.kept = "announced by another administrator, and what others name is not known here: " + c.strange[0]
		}
		i, twice := at[b.id]
		if !twice {
			at[b.id] = len(list)
			list = append(list, b)
			continue
		}
		if b.kept != "" {
			list[i].kept = b.kept
		}
		list[i].rank = max(list[i].rank, b.rank)
	}
	slices.SortStableFunc(list, func(a, b content) int { return int(a.rank) - int(b.rank) })
	return list
}

// pinnedIn says which keepers keep each block. One that does not answer keeps
// nothing, and is named.
func pinnedIn(ctx context.Context, list []content, keepers []store.Keeper) (found [][]store.Keeper, warnings []string) {
	found = make([][]store.Keeper, len(list))
	var wg sync.WaitGroup
	var mu sync.Mutex
	free := make(chan struct{}, receiptsAtOnce)
	for i, b := range list {
		free <- struct{}{}
		wg.Go(func() {
			defer func() { <-free }()
			for _, k := range keepers {
				pinned, err := k.Pinned(ctx, b.id)
				if pinned && err == nil {
					found[i] = append(found[i], k)
				}
				if err != nil {
					mu.Lock()
					warnings = append(warnings, fmt.Sprintf("%v did not say what it keeps: %v", k, err))
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	slices.Sort(warnings)
	return found, warnings[:min(len(warnings), 3)]
}

// LetGo lets go of what was found, and of nothing that came into use since then:
// the log is read again. An interruption leaves blocks that the next run finds.
// It returns how many blocks were let go of.
func (d *Desk) LetGo(ctx context.Context, g *StoreGarbage, progress func(done, all int)) (int, error) {
	d.Ledger.Stale()
	if err := d.reload(ctx); err != nil {
		return 0, err
	}
	c, err := d.contents(ctx, g.asked.Unacknowledged)
	if err != nil {
		return 0, err
	}
	still := map[bundle.CID]bool{}
	for _, b := range c.garbage(g.asked) {
		still[b.id] = b.kept == ""
	}
	done, failed := 0, 0
	var last error
	for i, b := range g.LetGo {
		if !still[b.id] {
			d.warn(b.What + " is in use again, and was kept")
			continue
		}
		whole := true
		for _, k := range b.in {
			if err := k.Unpin(ctx, b.id); err != nil {
				whole, last = false, err
			}
		}
		if whole {
			done++
		} else {
			failed++
		}
		if progress != nil {
			progress(i+1, len(g.LetGo))
		}
		if ctx.Err() != nil {
			break
		}
	}
	if last != nil {
		return done, because(last, Later, "run it again", "%d of %d blocks could not be let go of", failed, len(g.LetGo))
	}
	return done, ctx.Err()
}
