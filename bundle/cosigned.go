package bundle

import (
	"context"
	"errors"
	"fmt"

	"dpki/internal/anchor"
	"dpki/state"
)

// maxCosigning is how many deliveries of signatures are looked at for one
// delivery, the newest first.
const maxCosigning = 8

// Demand is what the policy in force asks of one delivery before its content may
// be used, and where the signatures are. The zero value is met by nothing.
type Demand struct {
	recipient  string
	demands    []state.Watchdogs
	known      bool
	signatures []*state.DeliveryFact // of purpose 9, for this delivery
	denied     func(key state.Word, entered uint64) bool
}

// CosignError says how far a delivery is from meeting the first demand that it does
// not meet. It is an ErrNotCosigned.
type CosignError struct{ Have, Need int }

func (e *CosignError) Error() string {
	return fmt.Sprintf("%v: %d of %d watchdogs", ErrNotCosigned, e.Have, e.Need)
}

func (e *CosignError) Unwrap() error { return ErrNotCosigned }

// DemandOn is the demand of a device's State on a delivery: the organisation's and
// its zone's. recipient is the device's name, as it was enrolled.
func DemandOn(s *state.State, recipient string, d *state.DeliveryFact, now uint64) Demand {
	m := signaturesFor(s, recipient, d, now)
	m.demands, m.known = s.Watchdogs(d.Purpose, now)
	return m
}

// PersonDemandOn is the demand on a delivery to a person, who holds no zone's key:
// the organisation's, which stands in the clear.
func PersonDemandOn(s *state.State, recipient string, d *state.DeliveryFact, now uint64) Demand {
	m := signaturesFor(s, recipient, d, now)
	m.demands, m.known = s.OrganisationWatchdogs(d.Purpose, now)
	return m
}

func signaturesFor(s *state.State, recipient string, d *state.DeliveryFact, now uint64) Demand {
	m := Demand{recipient: recipient, denied: func(key state.Word, entered uint64) bool { return s.Denied(key, entered, now) }}
	for f := range s.Deliveries(now) {
		if f.Scope == d.Scope && Purpose(f.Purpose) == PurposeSignatures && f.Signs == d.Subject {
			m.signatures = append(m.signatures, f)
		}
	}
	if n := len(m.signatures); n > maxCosigning {
		m.signatures = m.signatures[n-maxCosigning:]
	}
	return m
}

// Nothing reports whether nothing is demanded.
func (m *Demand) Nothing() bool { return m.known && len(m.demands) == 0 }

// Blocks are the blocks that hold signatures, for who fetches before he reads.
func (m *Demand) Blocks() []CID {
	var list []CID
	for _, f := range m.signatures {
		if m.known && len(m.demands) > 0 {
			list = append(list, CID(f.Delivery.Block))
		}
	}
	return list
}

// Possible says why no content could meet the demand yet, or nil: nothing needs to
// be fetched to know it.
func (m *Demand) Possible() error {
	switch {
	case !m.known:
		return fmt.Errorf("%w: a policy cannot be read", ErrNotCosigned)
	case len(m.demands) > 0 && len(m.signatures) == 0:
		return m.missing(nil)
	}
	return nil
}

// missing names the first demand that these keys do not meet, nil where all are met.
func (m *Demand) missing(keys map[state.Word]bool) error {
	for _, d := range m.demands {
		have := 0
		for _, k := range d.Keys {
			if keys[k] {
				have++
			}
		}
		if d.Need == 0 || have < int(d.Need) {
			return &CosignError{have, int(d.Need)}
		}
	}
	return nil
}

// check is nil where enough watchdogs have signed what this delivery brings.
func (m *Demand) check(ctx context.Context, get Getter, i *Identity, a anchor.Anchor, d *state.DeliveryFact, b *Bundle) error {
	if err := m.Possible(); err != nil || len(m.demands) == 0 {
		return err
	}
	s, err := statementOf(a, m.recipient, d, b.Salt, b.Content)
	if err != nil {
		return err
	}
	digest, keys := s.Digest(), map[state.Word]bool{}
	var why []error
	for _, f := range m.signatures {
		signed, err := i.readSignatures(ctx, get, a, f)
		if err == nil && !signed.covers(digest) {
			err = errors.New("signatures of something else")
		}
		if err != nil {
			why = append(why, err)
			continue
		}
		for _, sig := range signed.Signatures {
			if h := sig.Key.Hash; !m.denied(h, f.Time) {
				keys[h] = true
			}
		}
	}
	if err := m.missing(keys); err != nil {
		return errors.Join(append([]error{err}, why...)...)
	}
	return nil
}

func (i *Identity) readSignatures(ctx context.Context, get Getter, a anchor.Anchor, f *state.DeliveryFact) (*Signatures, error) {
	b, err := i.readAnnounced(ctx, get, a, f, PurposeSignatures)
	if err != nil {
		return nil, err
	}
	return ParseSignatures(b.Content)
}

// statementOf is the statement that a watchdog must have signed for a content.
func statementOf(a anchor.Anchor, recipient string, d *state.DeliveryFact, salt [32]byte, content []byte) (*Statement, error) {
	summary, err := Summarize(Purpose(d.Purpose), salt, content)
	if err != nil {
		return nil, err
	}
	digest, err := summary.digest()
	if err != nil {
		return nil, err
	}
	return &Statement{
		Anchor: a, Recipient: recipient, Mailbox: d.Scope, Subject: d.Subject, Purpose: Purpose(d.Purpose), From: d.From, Until: d.Until,
		Supersedes: d.Supersedes, Name: d.Delivery.Name, Commitment: d.Commitment, Block: CID(d.Delivery.Block), Summary: digest,
	}, nil
}
