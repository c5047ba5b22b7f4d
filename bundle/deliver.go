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
	Signs       state.Word // subject of the DELIVERY that signatures are for, or zero
}

// Deliver seals a bundle and the DELIVERY entry that announces it. Both need
// the entry's subject, which is drawn here. Store the block, then write the entry.
func (r *Ring) Deliver(a anchor.Anchor, o Outgoing) (Block, Sealed, error) {
	s, err := r.deliver(a, o)
	return s.block, s.entry, err
}

// sent is a delivery as it was sealed.
type sent struct {
	block Block
	entry Sealed
	fact  state.DeliveryFact // as its reader will know it, but for where it stands in the log
	salt  [32]byte
}

func (r *Ring) deliver(a anchor.Anchor, o Outgoing) (s sent, err error) {
	if a.String() != r.anchor {
		return sent{}, fmt.Errorf("delivery for another organisation: %w", ErrWrongPlace)
	}
	s.fact = state.DeliveryFact{
		Fact:     state.Fact{Scope: o.Mailbox, Subject: r.draw(), Kind: state.KindDelivery, From: o.From, Until: o.Until},
		Delivery: state.Delivery{Purpose: uint8(o.Purpose), Supersedes: o.Supersedes, Name: o.Name, Signs: o.Signs},
	}
	h := Header{Anchor: a, Scope: o.Mailbox, Subject: s.fact.Subject, Purpose: o.Purpose}
	if s.block, s.salt, err = sealSalted(o.To, h, o.Content); err != nil {
		return sent{}, err
	}
	s.fact.Commitment, s.fact.Delivery.Block = commit(s.salt, o.Content), state.Word(s.block.CID)
	payload, err := s.fact.Delivery.Marshal()
	if err != nil {
		return sent{}, fmt.Errorf("delivery: %w", err)
	}
	s.entry, err = r.sealAs(s.fact.Subject, Entry{Scope: o.Mailbox, Kind: state.KindDelivery, From: o.From, Until: o.Until}, payload)
	if err != nil {
		return sent{}, err
	}
	return s, nil
}

// Watched is a delivery that watchdogs are to sign before it is announced.
type Watched struct {
	Block     Block
	Entry     Sealed
	Statement *Statement
	Summary   *Summary
	Salt      state.Word // the bundle's: who knows it can compare files with the summary's digests
}

// DeliverWatched is Deliver where watchdogs are to sign. recipient is the
// recipient's name, as it was enrolled.
func (r *Ring) DeliverWatched(a anchor.Anchor, recipient string, o Outgoing) (*Watched, error) {
	s, err := r.deliver(a, o)
	if err != nil {
		return nil, err
	}
	w := &Watched{Block: s.block, Entry: s.entry, Salt: s.salt}
	if w.Summary, err = Summarize(o.Purpose, s.salt, o.Content); err != nil {
		return nil, err
	}
	w.Statement, err = statementOf(a, recipient, &s.fact, s.salt, o.Content)
	return w, err
}

// ReadDelivery fetches and opens the bundle that a DELIVERY entry announced, if
// its purpose is one of those given, its content has the name by which it was
// announced, and the demand on it is met (ErrNotCosigned where it is not, yet).
func (i *Identity) ReadDelivery(ctx context.Context, get Getter, a anchor.Anchor, d *state.DeliveryFact, demand Demand, purposes ...Purpose) (*Bundle, error) {
	if err := demand.Possible(); err != nil {
		return nil, err
	}
	b, err := i.readAnnounced(ctx, get, a, d, purposes...)
	if err != nil {
		return nil, err
	}
	err = b.announcedAs(d.Delivery.Name)
	if err == nil {
		err = demand.check(ctx, get, i, a, d, b)
	}
	if err != nil {
		clear(b.Content)
		return nil, err
	}
	return b, nil
}

// announcedAs refuses a content that was announced by another name than its own.
func (b *Bundle) announcedAs(name string) error {
	if name == "" || b.Purpose == PurposeHostCertificate { // which has no name
		return nil
	}
	s, err := Summarize(b.Purpose, b.Salt, b.Content)
	if err != nil {
		return err
	}
	return s.announcedAs(name)
}

func (i *Identity) readAnnounced(ctx context.Context, get Getter, a anchor.Anchor, d *state.DeliveryFact, purposes ...Purpose) (*Bundle, error) {
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
