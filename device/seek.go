package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"dpki/bundle"
	"dpki/state"
)

const (
	// maxParts is how many bundles one batch may hold for one device.
	maxParts = 4
	// seekBudget bounds the search through one batch.
	seekBudget = time.Minute
	firstSeek  = 2 * time.Second
	lastSeek   = 10 * time.Minute
)

// found is what a search through one batch gave.
type found struct {
	batch     state.BatchFact
	materials []*bundle.DeviceMaterials // none: nothing for this device
	err       error                     // fetching failed: try again
	refused   error                     // the batch holds something for this device that is no use
}

// untried are the live batches in which nobody has looked yet, the newest
// first: a device's own is among the last when it joins.
func (e *Engine) untried(s *state.State, now uint64) []state.BatchFact {
	var batches []state.BatchFact
	for b := range s.Batches(now) {
		if !e.tried[b.Subject] && (e.enrolment == nil || b.Block >= e.enrolment.First) {
			batches = append(batches, *b)
		}
	}
	slices.Reverse(batches)
	return batches
}

// seek starts a worker on the newest batch that was not looked through, unless
// one is at work or the last attempt was a moment ago. Fetching may take long;
// logins and revocations must not wait for it.
func (e *Engine) seek(ctx context.Context) {
	if e.seeking || e.c.Clock.Boot() < e.seekAt {
		return
	}
	v := e.view.Load()
	batches := e.untried(v.State, e.time.Now(e.c.Clock.Read()))
	if len(batches) == 0 {
		return
	}
	// One that cannot be fetched must not stand in the way of the others.
	batch := batches[e.seekFails%len(batches)]
	e.seeking = true
	e.workers.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, seekBudget)
		defer cancel()
		e.found <- search(ctx, e.c, batch) // capacity 1, and one worker
	})
}

// search looks through one batch. It touches nothing of the engine's.
func search(ctx context.Context, c Config, batch state.BatchFact) found {
	f := found{batch: batch}
	root, err := bundle.OpenBatch(ctx, c.Fetcher, batch.Subject, batch.Root)
	if err != nil {
		return classify(f, err)
	}
	for part := range uint16(maxParts) {
		block, err := root.Block(ctx, c.Identity.MailboxSecret(), part)
		if errors.Is(err, bundle.ErrNotInBatch) {
			return f
		}
		if err != nil {
			return classify(f, err)
		}
		b, err := c.Identity.Open(block, bundle.Expect{
			Anchor: c.Anchor, Scope: batch.Scope, Subject: batch.Subject, Purposes: []bundle.Purpose{bundle.PurposeDeviceMaterials},
		})
		if err != nil {
			f.refused = err
			return f
		}
		m, err := bundle.ParseDeviceMaterials(b.Content)
		if err != nil {
			f.refused = err
			return f
		}
		f.materials = append(f.materials, m)
	}
	return f
}

// classify tells what may be better next time from what never will: blocks that
// are what their digest says and still malformed.
func classify(f found, err error) found {
	if errors.Is(err, bundle.ErrMalformed) {
		f.refused = err
	} else {
		f.err = err
	}
	return f
}

// take applies what a search gave. It reports whether to look at the chain at
// once: a new zone and mailbox are to be read.
func (e *Engine) take(f found) bool {
	e.seeking = false
	if !e.stands(&f.batch) {
		return false
	}
	if f.err != nil {
		e.seekFails++
		e.seekAt = e.c.Clock.Boot() + min(firstSeek<<min(e.seekFails-1, 10), lastSeek)
		e.c.Log.Warn("a batch could not be fetched", "batch", f.batch.Subject.String(), "error", f.err)
		return false
	}
	e.seekFails = 0
	next, err := e.enrolmentAfter(f)
	if err == nil {
		err = f.refused
	}
	if err != nil {
		e.c.Log.Error("a bundle for this device was refused", "batch", f.batch.Subject.String(), "error", err)
	}
	var record []byte
	if next != e.enrolment {
		if record, err = next.marshal(); err != nil {
			e.c.Log.Error("enrolment", "error", err)
			return false
		}
	}
	if err := e.flush(); err != nil { // what follows is built from the journal
		e.seekAt = e.c.Clock.Boot() + firstSeek
		return false
	}
	if err := e.c.Journal.Enrol(f.batch.Subject, record); err != nil {
		e.c.Log.Error("the journal could not be written", "error", err)
		e.seekAt = e.c.Clock.Boot() + lastSeek
		return false
	}
	e.tried[f.batch.Subject] = true
	if record == nil {
		return false
	}
	e.enrolment = next
	e.c.Log.Info("materials applied", "device", next.Materials.Name, "zone", next.Materials.ZoneName, "zone_keys", len(next.Materials.ZoneKeys))
	if err := e.rewire(e.reader.Known()); err != nil {
		e.c.Log.Error("materials could not be used", "error", err)
	}
	e.changed = e.c.Clock.Boot()
	return true
}

// stands reports whether a batch that was looked through is in the log still, in
// the same place: a reorganisation may have taken it back meanwhile, or reset-trust
// all that was known.
func (e *Engine) stands(f *state.BatchFact) bool {
	for b := range e.replica.state(e.head).Batches(e.time.Now(e.c.Clock.Read())) {
		if b.Scope == f.Scope && b.Subject == f.Subject && b.Root == f.Root && b.Block == f.Block && b.Seq == f.Seq {
			return true
		}
	}
	return false
}

// enrolmentAfter checks the bundles and adds them. On error the enrolment is
// the one before.
func (e *Engine) enrolmentAfter(f found) (*Enrolment, error) {
	next, known := e.enrolment, e.replica.state(e.head)
	for _, m := range f.materials {
		moved := next.movedBy(m, &f.batch, known)
		if err := e.admissible(m, f.batch.Scope, moved); err != nil {
			return e.enrolment, err
		}
		o := origin{f.batch.Block, f.batch.Seq, known.MayPolicy(f.batch.Authors, f.batch.Time)}
		if n, err := parsePlaces(m.Network, e.c.Anchor); err == nil && o.directs {
			if err := e.follows(n); err != nil {
				e.c.Log.Error("ALARM: a bundle's network file was refused", "batch", f.batch.Subject.String(), "error", err)
				o.directs = false // the rest of the bundle counts
			}
		}
		var err error
		merged := next
		if moved {
			merged, err = next.moved(m, e.c.Anchor, o)
		} else {
			merged, err = next.with(m, e.c.Anchor, o)
		}
		if err != nil {
			return e.enrolment, err
		}
		next = merged
	}
	return next, nil
}

// admissible: a batch in a zone speaks for that zone alone, and a zone exists
// when the organisation says so. A device joins no other zone than it was told to;
// the organisation may move it on from there.
func (e *Engine) admissible(m *bundle.DeviceMaterials, scope state.Word, moved bool) error {
	if scope != e.c.Anchor.Org && scope != m.Zone || !e.c.ZoneHint.IsZero() && m.Zone != e.c.ZoneHint && !e.away(m.Zone, moved) {
		return fmt.Errorf("zone %v: %w", m.Zone, ErrOtherZone)
	}
	for zone := range e.replica.state(e.head).Zones(e.time.Now(e.c.Clock.Read())) {
		if zone == m.Zone {
			return nil
		}
	}
	return fmt.Errorf("zone %v: %w", m.Zone, ErrUnknownZone)
}

// away reports whether a bundle of this zone is no longer a matter of joining: it
// moves the device, or an earlier one has.
func (e *Engine) away(zone state.Word, moved bool) bool {
	return moved || e.enrolment != nil && e.enrolment.Materials.Zone == zone
}

// maxZones is how many zones a device looks through for its first bundle; the
// reader proves few words at once. In larger organisations enrolment names the
// zone.
const maxZones = 8

// widen adds zones to look through. It reports whether there are new ones.
func (r *replica) widen(zones []state.Word) (more bool) {
	for _, zone := range zones {
		known := false
		for _, z := range r.also {
			known = known || z == zone
		}
		if !known && len(r.also) < maxZones {
			r.also = append(r.also, zone)
			more = true
		}
	}
	return more
}
