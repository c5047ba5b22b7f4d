package admin

import (
	"context"
	"errors"

	"dpki/bundle"
	"dpki/bundle/store"
	"dpki/state"
)

// StoreReport says which content that the log announces is served.
type StoreReport struct {
	Stores  []string      `json:"stores"`
	Blocks  int           `json:"blocks"`
	Missing []BlockReport `json:"missing"` // served by nobody
	Partial []BlockReport `json:"partial"` // served by some of the stores only
	// Unknown: batches whose lists nobody serves, so that nobody can say what else is missing.
	Unknown int `json:"unreadable_batches"`
}

// BlockReport is one block.
type BlockReport struct {
	CID  string   `json:"cid"`
	What string   `json:"what"`
	By   []string `json:"by"`
	Why  []string `json:"why,omitempty"`
}

// named is a block and what it is for.
type named struct {
	id   bundle.CID
	what string
}

// StoreCheck fetches every block that the log announces to members of this
// organisation from every store, because a claim to have it proves nothing.
func (d *Desk) StoreCheck(ctx context.Context) (*StoreReport, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	r := &StoreReport{Missing: []BlockReport{}, Partial: []BlockReport{}}
	for _, s := range d.Stores.Stores() {
		r.Stores = append(r.Stores, nameOf(s))
	}
	var all []named
	for _, b := range d.batches() {
		list, err := d.blocksOf(ctx, b)
		all = append(all, list...)
		if err != nil {
			r.Unknown++
		}
	}
	all = append(all, d.deliveries(ctx)...)
	ids := make([]bundle.CID, len(all))
	for i, n := range all {
		ids[i] = n.id
	}
	r.Blocks = len(ids)
	for i, s := range store.CheckAll(ctx, d.Stores.Stores(), ids) {
		report := BlockReport{CID: s.ID.String(), What: all[i].what, By: append([]string{}, s.By...)}
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

// blocksOf lists a batch's root, and the leaf and bundles of every recipient
// that the roster knows. What the root's leaves are is only known from it.
func (d *Desk) blocksOf(ctx context.Context, b batchEntry) ([]named, error) {
	root, err := state.ParseBatch(b.Data)
	if err != nil {
		return nil, err
	}
	list := []named{{bundle.CID(root), "list of batch " + short(b.Subject)}}
	opened, err := bundle.OpenBatch(ctx, d.cache, b.Subject, root)
	if err != nil {
		return list, err
	}
	for _, m := range append(append([]bundle.RosterMember{}, d.roster.People...), d.roster.Devices...) {
		for part := uint16(0); ; part++ {
			id, err := opened.Find(ctx, m.MailboxSecret, part)
			if errors.Is(err, bundle.ErrNotInBatch) {
				break
			}
			if err != nil {
				return list, err
			}
			list = append(list, named{id, "content for " + m.Name})
		}
	}
	return list, nil
}

// deliveries are the blocks announced in mailboxes.
func (d *Desk) deliveries(ctx context.Context) []named {
	var list []named
	if d.need(ctx, d.allMailboxes()...) != nil {
		return nil
	}
	now := uint64(d.Now().Unix())
	for _, m := range d.roster.Devices {
		for f := range d.view(m.Zone, m.Device).Deliveries(now) {
			list = append(list, named{bundle.CID(f.Delivery.Block), "delivery to " + m.Name})
		}
	}
	return list
}

func (d *Desk) allMailboxes() []state.Word {
	var list []state.Word
	for _, m := range d.roster.Devices {
		list = append(list, m.Device)
	}
	return list
}

func nameOf(s store.Store) string {
	if n, ok := s.(interface{ String() string }); ok {
		return n.String()
	}
	return "store"
}
