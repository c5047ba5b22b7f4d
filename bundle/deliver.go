package bundle

import (
	"context"
	"errors"
	"fmt"
	"math"

	"dpki/internal/anchor"
	"dpki/state"
)

// Outgoing is one bundle announced by a DELIVERY entry of its own, in the
// recipient's mailbox.
type Outgoing struct {
	To          Recipient
	Mailbox     state.Word // the recipient's scope; the ring must have its key
	From, Until uint64     // window of the entry, Unix seconds
	Purpose     Purpose
	Content     []byte
	Supersedes  state.Word // subject of the DELIVERY that this one replaces, or zero
	Name        string     // the content's, or empty
}

// Deliver seals a bundle and the DELIVERY entry that announces it. Both need
// the entry's subject, which is drawn here. Store the block, then write the entry.
func (r *Ring) Deliver(a anchor.Anchor, o Outgoing) (Block, Sealed, error) {
	if a.String() != r.anchor {
		return Block{}, Sealed{}, fmt.Errorf("delivery for another organisation: %w", ErrWrongPlace)
	}
	subject := r.draw()
	h := Header{Anchor: a, Scope: o.Mailbox, Subject: subject, Purpose: o.Purpose}
	block, commitment, err := Seal(o.To, h, o.Content)
	if err != nil {
		return Block{}, Sealed{}, err
	}
	payload, err := state.Delivery{
		Commitment: commitment, Block: state.Word(block.CID), Purpose: uint8(o.Purpose), Supersedes: o.Supersedes, Name: o.Name,
	}.Marshal()
	if err != nil {
		return Block{}, Sealed{}, fmt.Errorf("delivery: %w", err)
	}
	sealed, err := r.sealAs(subject, Entry{Scope: o.Mailbox, Kind: state.KindDelivery, From: o.From, Until: o.Until}, payload)
	if err != nil {
		return Block{}, Sealed{}, err
	}
	return block, sealed, nil
}

// ReadDelivery fetches and opens the bundle that a DELIVERY entry announced, if
// its purpose is one of those given.
func (i *Identity) ReadDelivery(ctx context.Context, get Getter, a anchor.Anchor, d *state.DeliveryFact, purposes ...Purpose) (*Bundle, error) {
	want := Expect{Anchor: a, Scope: d.Scope, Subject: d.Subject, Commitment: d.Commitment}
	for _, p := range purposes {
		if p == Purpose(d.Purpose) {
			want.Purposes = []Purpose{p}
		}
	}
	if want.Purposes == nil { // nothing to fetch
		return nil, fmt.Errorf("delivery %v with %v: %w", d.Subject, Purpose(d.Purpose), ErrWrongPlace)
	}
	block, err := Fetch(ctx, get, CID(d.Delivery.Block), MaxBlock)
	if err != nil {
		return nil, fmt.Errorf("delivery %v: %w", d.Subject, err)
	}
	return i.Open(block, want)
}

// ReadBatch fetches and opens each part that a BATCH entry announced for this
// recipient, and gives it to use, in order. ErrNotInBatch says that there is
// none; use's error ends the reading.
func (i *Identity) ReadBatch(ctx context.Context, get Getter, a anchor.Anchor, f *state.BatchFact, use func(*Bundle) error, purposes ...Purpose) error {
	batch, err := OpenBatch(ctx, get, f.Subject, f.Root)
	if err != nil {
		return err
	}
	want := Expect{Anchor: a, Scope: f.Scope, Subject: f.Subject, Purposes: purposes}
	for part := range math.MaxUint16 + 1 {
		block, err := batch.Block(ctx, i.mailbox, uint16(part))
		if part > 0 && errors.Is(err, ErrNotInBatch) {
			return nil
		}
		if err != nil {
			return err
		}
		b, err := i.Open(block, want)
		if err != nil {
			return fmt.Errorf("part %d of batch %v: %w", part, f.Subject, err)
		}
		if err := use(b); err != nil {
			return err
		}
	}
	return nil
}
