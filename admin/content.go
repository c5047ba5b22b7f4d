package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/state"
)

// content is a block that an entry of the log names.
type content struct {
	id   bundle.CID
	what string // "files web for plant/gate-7"
	rank rank
	mine bool   // this account has announced it
	idle string // why nobody needs it any more; empty = it is needed
	kept string // why it is kept although it is idle
	void bool   // its entry has no effect, which may not be for good: nobody needs it, and it is kept
}

// rank orders what is let go of: a list goes after what it names, so that who
// is interrupted finds the rest again.
type rank int

const (
	rankBundle rank = iota
	rankLeaf
	rankRoot
)

// contents is everything that the organisation's log names, as far as this
// administrator can know it.
type contents struct {
	list []content
	// unread are lists that nobody serves: what they name is not known.
	unread []content
	// strange says of what this administrator cannot know what it names.
	strange []string
}

// fetchWait bounds the fetching of a list that nobody may have any more.
const fetchWait = 10 * time.Second

// contents reads all logs that this administrator knows of, and the lists of all
// batches. unacknowledged takes a successor as applied although no receipt says so.
func (d *Desk) contents(ctx context.Context, unacknowledged bool) (*contents, error) {
	if err := d.open(ctx); err != nil {
		return nil, err
	}
	members := slices.Concat(d.roster.Devices, d.roster.People)
	if err := d.need(ctx, mailboxesOf(members)...); err != nil {
		return nil, err
	}
	c := &contents{strange: d.strangers()}
	if err := d.batchContents(ctx, c, members); err != nil {
		return nil, err
	}
	receipts, err := d.receiptsOf(ctx, members)
	if err != nil {
		return nil, err
	}
	for i, m := range members {
		applied := func(seq uint64) bool {
			if receipts[i] == nil {
				return unacknowledged
			}
			mark, ok := receipts[i].Of(m.Device)
			return unacknowledged || ok && mark.Seq >= seq && mark.Result == bundle.Applied
		}
		d.deliveryContents(c, m, applied)
	}
	return c, ctx.Err()
}

// expiry is the time by which something has expired for good: a wall clock that
// runs ahead must not make everything look so, and a block's time may not either.
func (d *Desk) expiry() uint64 { return min(uint64(d.Now().Unix()), d.Ledger.Head().Time) }

// final reports whether an entry cannot be reorganised away.
func (d *Desk) final(e *state.Entry) bool { return e.Block <= d.Ledger.Head().Finalized }

// revokedForGood reports whether an entry was revoked by one that is final.
func (d *Desk) revokedForGood(scope state.Word, kind state.Kind, subject state.Word) bool {
	for _, e := range d.Ledger.Entries(scope) {
		if e.Action == state.ActionRevoke && e.Kind == kind && e.Subject == subject && d.final(&e) {
			return true
		}
	}
	return false
}

// strangers are zones whose deliveries this administrator cannot read: he does not
// know what they name. Those whom the roster does not know show in the batches.
func (d *Desk) strangers() []string {
	var list []string
	for _, zone := range d.liveZones() {
		if !d.ring.Has(zone) {
			list = append(list, "zone "+short(zone))
		}
	}
	if len(d.warnings) > 0 { // a part of the roster could not be read
		list = append(list, "the roster: "+d.warnings[0])
	}
	return list
}

// sent is a delivery and how it stands.
type sent struct {
	state.DeliveryFact
	final, revoked bool // revoked: by an entry that is final
	live           bool // in force now, for whatever reason
	void           bool
}

// voided reports whether an entry has no effect, for a reason that may pass.
func voided(s state.Standing) bool { return s == state.Revoked || s == state.Distrusted }

// deliveryContents adds what was delivered to one recipient.
func (d *Desk) deliveryContents(c *contents, m bundle.RosterMember, applied func(seq uint64) bool) {
	clock, to := d.expiry(), d.memberName(m)
	all, sealed := d.sentTo(m, clock)
	for _, subject := range sealed {
		c.strange = append(c.strange, fmt.Sprintf("entry %s of %s", short(subject), to))
	}
	gone := d.goneForGood(m)
	for _, s := range all {
		b := content{id: bundle.CID(s.Delivery.Block), what: s.what() + " for " + to, mine: slices.Contains(s.Authors, d.Account), void: s.void}
		if gone && s.final {
			b.idle = "recipient retired"
		} else {
			b.idle, b.kept = s.idle(all, clock, applied)
		}
		c.list = append(c.list, b)
	}
}

// sentTo is everything that was ever delivered to one recipient, and the subjects
// of the entries that cannot be read.
func (d *Desk) sentTo(m bundle.RosterMember, now uint64) (all []sent, sealed []state.Word) {
	view := d.view(m.Zone, m.Device)
	for _, e := range d.Ledger.Entries(m.Device) {
		if e.Kind != state.KindDelivery || e.Action != state.ActionPut {
			continue
		}
		payload, err := d.ring.Open(m.Device, &e)
		var delivery state.Delivery
		if err == nil {
			delivery, err = state.ParseDelivery(payload)
		}
		if err != nil {
			sealed = append(sealed, e.Subject)
			continue
		}
		fact := ledger.FactOf(m.Device, &e)
		standing := view.Standing(fact, now)
		all = append(all, sent{
			DeliveryFact: state.DeliveryFact{Fact: *fact, Delivery: delivery}, final: d.final(&e), live: standing == state.Live, void: voided(standing),
			revoked: d.revokedForGood(m.Device, state.KindDelivery, e.Subject),
		})
	}
	return all, sealed
}

// what is a delivery in words: "files web".
func (s *sent) what() string {
	if s.Delivery.Name == "" {
		return bundle.Purpose(s.Purpose).String()
	}
	return bundle.Purpose(s.Purpose).String() + " " + s.Delivery.Name
}

// idle says why nobody needs a delivery's block any more, empty where somebody
// may; and why it is kept all the same. Everything that it goes by is final: what
// is reorganised away must not have cost a block.
func (s *sent) idle(all []sent, clock uint64, applied func(seq uint64) bool) (why, kept string) {
	switch {
	case !s.final:
		return "", ""
	case s.revoked:
		return "revoked", ""
	case s.Until <= clock:
		return "expired", ""
	}
	for _, o := range all {
		// A successor that ends, or is revoked, before this one leaves it in force.
		if o.Supersedes != s.Subject || o.Seq <= s.Seq || !o.final || !o.live || o.Until < s.Until {
			continue
		}
		why = "superseded by " + short(o.Subject)
		if applied(o.Seq) {
			return why, ""
		}
		kept = "no receipt says that " + short(o.Subject) + " was applied"
	}
	return why, kept
}

// goneForGood reports whether the recipient or its zone was revoked, finally.
func (d *Desk) goneForGood(m bundle.RosterMember) bool {
	return d.revokedForGood(m.Zone, state.KindDevice, m.Device) || d.revokedForGood(d.Anchor.Org, state.KindZone, m.Zone)
}

func (d *Desk) allMailboxes() []state.Word { return mailboxesOf(d.roster.Devices) }

// memberName is ZONE/NAME, or the name alone of who stands below the organisation.
func (d *Desk) memberName(m bundle.RosterMember) string {
	if m.Zone == d.Anchor.Org {
		return m.Name
	}
	return d.zoneName(m.Zone) + "/" + m.Name
}
