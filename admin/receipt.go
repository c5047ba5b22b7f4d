package admin

import (
	"context"
	"fmt"
	"sync"

	"dpki/bundle"
	"dpki/state"
)

// ReceiptSource is a place where devices' receipts lie: a mirror. What it gives
// is verified; it can withhold a receipt and show an older one.
type ReceiptSource interface {
	// Receipt is the receipt that a key has signed, at most bundle.MaxReceipt bytes.
	Receipt(ctx context.Context, key state.Word) ([]byte, error)
}

// Readiness is what a device says of itself, held against the log.
type Readiness struct {
	// Ready: it has applied everything that is final for it.
	Ready bool `json:"ready"`
	// Text says why not, or "unknown" where there is no receipt: a device that
	// nobody has heard of is never ready.
	Text string `json:"text"`
	Time Time   `json:"time,omitempty"` // of the device's newest block, when it said so
}

// unknown is the readiness of a device without a receipt.
const unknown = "unknown"

// receiptsAtOnce bounds the requests under way.
const receiptsAtOnce = 8

// Readiness asks the mirrors for the receipts of devices, by their ids. Each has
// an answer.
func (d *Desk) Readiness(ctx context.Context, devices []Device) (map[string]Readiness, error) {
	var ids []string
	for _, shown := range devices {
		ids = append(ids, shown.ID)
	}
	return d.readinessOf(ctx, ids)
}

// PeopleReadiness is Readiness for people: who has received everything that is final.
func (d *Desk) PeopleReadiness(ctx context.Context, people []Person) (map[string]Readiness, error) {
	var ids []string
	for _, p := range people {
		if !p.Retired {
			ids = append(ids, p.ID)
		}
	}
	return d.readinessOf(ctx, ids)
}

func (d *Desk) readinessOf(ctx context.Context, ids []string) (map[string]Readiness, error) {
	var members []bundle.RosterMember
	scopes := []state.Word{d.Anchor.Org}
	for _, id := range ids {
		m, err := d.findRecipient(id)
		if err != nil {
			return nil, err
		}
		members, scopes = append(members, m), append(scopes, m.Zone, m.Device)
	}
	if err := d.need(ctx, scopes...); err != nil {
		return nil, err
	}
	receipts, err := d.receiptsOf(ctx, members)
	if err != nil {
		return nil, err
	}
	out := make(map[string]Readiness, len(members))
	for i, m := range members {
		out[m.Device.String()] = d.judge(m, receipts[i])
	}
	return out, nil
}

// receiptsOf asks the mirrors for the receipts of members, in their order.
func (d *Desk) receiptsOf(ctx context.Context, members []bundle.RosterMember) ([]*bundle.Receipt, error) {
	return d.receiptsBy(ctx, members, func(m bundle.RosterMember) *bundle.Receipt {
		return newestReceipt(ctx, d.Receipts, m.SigningKey, func(r *bundle.Receipt) bool { return r.Device == m.Device && r.Anchor == d.Anchor })
	})
}

// receiptsBy asks for some at a time.
func (d *Desk) receiptsBy(ctx context.Context, members []bundle.RosterMember, ask func(bundle.RosterMember) *bundle.Receipt) ([]*bundle.Receipt, error) {
	receipts := make([]*bundle.Receipt, len(members))
	var all sync.WaitGroup
	free := make(chan struct{}, receiptsAtOnce)
	for i, m := range members {
		free <- struct{}{}
		all.Go(func() {
			defer func() { <-free }()
			receipts[i] = ask(m)
		})
	}
	all.Wait()
	return receipts, ctx.Err()
}

// newestReceipt is the newest receipt that a device's own key has signed and that
// fits, nil where no source has one.
func newestReceipt(ctx context.Context, sources []ReceiptSource, signingKey string, fits func(*bundle.Receipt) bool) (newest *bundle.Receipt) {
	key, err := bundle.SigningKeyBytes(signingKey)
	if err != nil {
		return nil
	}
	for _, source := range sources {
		b, err := source.Receipt(ctx, key)
		if err != nil {
			continue
		}
		r, err := bundle.ParseReceipt(b)
		if err != nil || r.SigningKey != signingKey || !fits(r) {
			continue
		}
		if newest == nil || r.Time > newest.Time {
			newest = r
		}
	}
	return newest
}

func (d *Desk) judge(m bundle.RosterMember, r *bundle.Receipt) Readiness {
	if r == nil {
		return Readiness{Text: unknown}
	}
	out := Readiness{Time: Time(r.Time)}
	for _, scope := range []state.Word{d.Anchor.Org, m.Zone, m.Device} {
		mark, ok := r.Of(scope)
		last := d.lastFinal(scope)
		switch {
		case !ok:
			out.Text = unknown + " in " + d.scopeName(scope)
		case mark.Seq < last:
			out.Text = fmt.Sprintf("%s: %d of %d entries", d.scopeName(scope), mark.Seq, last)
		case mark.Result != bundle.Applied:
			out.Text = fmt.Sprintf("%s: %s", d.scopeName(scope), mark.Result)
		default:
			continue
		}
		return out
	}
	out.Ready, out.Text = true, "ready"
	return out
}

// lastFinal is the sequence of a log's last entry that cannot be reorganised.
func (d *Desk) lastFinal(scope state.Word) (seq uint64) {
	final := d.Ledger.Head().Finalized
	for _, e := range d.Ledger.Entries(scope) {
		if e.Block <= final {
			seq = e.Seq
		}
	}
	return seq
}
