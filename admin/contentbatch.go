package admin

import (
	"context"
	"reflect"
	"slices"

	"dpki/bundle"
	"dpki/state"
)

// listed is a batch whose lists were read.
type listed struct {
	batchEntry
	void   bool                       // of no effect, perhaps not for good
	why    string                     // revoked or expired, finally; empty = it counts
	admins map[state.Word]bool        // whose roster it has a copy for
	parts  []*bundle.Roster           // this administrator's copy; nil where there is none, or it is not read
	read   bool                       // there is one and it was read
	leaves []leafContent              // with what each names
	names  map[bundle.Tag]recipientOf // of those whom this administrator knows
}

type leafContent struct {
	id    bundle.CID
	named map[bundle.Tag]bundle.CID
	err   error
}

type recipientOf struct {
	id     state.Word
	name   string
	admin  bool
	device bool
}

// batchContents adds what batches name: root, leaves and every recipient's block.
func (d *Desk) batchContents(ctx context.Context, c *contents, members []bundle.RosterMember) error {
	var all []*listed
	for _, b := range d.everyBatch() {
		l := &listed{batchEntry: b, why: d.overFor(b), void: d.voidBatch(b), admins: map[state.Word]bool{}, names: map[bundle.Tag]recipientOf{}}
		root, err := state.ParseBatch(b.Data)
		if err != nil {
			continue // names nothing
		}
		at := content{id: bundle.CID(root), what: "list of batch " + short(b.Subject), rank: rankRoot, mine: slices.Contains(b.Authors, d.Account), void: l.void}
		if err := d.readLists(ctx, l, bundle.CID(root), members); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if at.idle = l.why; l.why == "" && !l.void {
				c.unread = append(c.unread, at)
			}
			c.list = append(c.list, at)
			continue
		}
		all = append(all, l)
	}
	d.readRosters(ctx, all)
	for _, l := range all {
		d.addBatch(c, l, all)
	}
	return nil
}

// overFor says why a batch is over for good.
func (d *Desk) overFor(b batchEntry) string {
	switch {
	case !d.final(&b.Entry):
		return ""
	case d.revokedForGood(b.scope, state.KindBatch, b.Subject):
		return "revoked"
	case b.Until <= d.expiry():
		return "expired"
	}
	return ""
}

// readLists reads a batch's root and leaves and finds the members in them. A leaf
// that nobody serves is noted.
func (d *Desk) readLists(ctx context.Context, l *listed, root bundle.CID, members []bundle.RosterMember) error {
	ctx, cancel := context.WithTimeout(ctx, fetchWait)
	defer cancel()
	b, err := bundle.OpenBatch(ctx, d.cache, l.Subject, state.Word(root))
	if err != nil {
		return err
	}
	here := map[bundle.Tag]bool{}
	b.Leaves(ctx, func(id bundle.CID, named map[bundle.Tag]bundle.CID, err error) {
		l.leaves = append(l.leaves, leafContent{id, named, err})
		for tag := range named {
			here[tag] = true
		}
	})
	for _, m := range members {
		for part := uint16(0); ; part++ {
			tag := m.MailboxSecret.Tag(l.Subject, part)
			if !here[tag] {
				break
			}
			l.names[tag] = recipientOf{id: m.Device, name: d.memberName(m), admin: m.Zone == d.Anchor.Org, device: m.HostKey != ""}
			if m.Zone == d.Anchor.Org {
				l.admins[m.Device] = true
			}
		}
	}
	return nil
}

// readRosters reads this administrator's copies, where an expired batch makes it
// matter what they say.
func (d *Desk) readRosters(ctx context.Context, all []*listed) {
	if !slices.ContainsFunc(all, func(l *listed) bool { return l.why == "expired" && len(l.admins) > 0 }) {
		return
	}
	known := &bundle.Roster{Version: 1}
	for _, l := range all {
		if l.why == "revoked" || len(l.admins) == 0 {
			continue
		}
		parts, err := d.readRoster(ctx, l.batchEntry, known)
		if err != nil {
			continue
		}
		l.parts, l.read = parts, true
		for _, p := range parts {
			known = known.Merge(p)
		}
	}
}

// supersededRoster reports whether what an expired batch tells the administrators
// stands in later ones too, for each of them. The roster of an organisation is the
// sum of its batches, whatever their windows: a new laptop reads them all.
func supersededRoster(l *listed, all []*listed) bool {
	if l.why != "expired" || !l.read {
		return false
	}
	for admin := range l.admins {
		with, without := &bundle.Roster{Version: 1}, &bundle.Roster{Version: 1}
		for _, other := range all {
			// Only what does not expire with this one may stand for it.
			if other != l && (other.why != "" || !other.read || !other.admins[admin]) {
				continue
			}
			for _, p := range other.parts {
				with = with.Merge(p)
				if other != l {
					without = without.Merge(p)
				}
			}
		}
		if !reflect.DeepEqual(with, without) {
			return false
		}
	}
	return true
}

// toldElsewhere reports whether a recipient needs nothing of an expired batch. A
// device goes by those that live alone; a person learns where he is enrolled from
// the newest that names him, also on a new machine, whatever its window.
func toldElsewhere(to recipientOf, l *listed, all []*listed) bool {
	return to.device || slices.ContainsFunc(all, func(other *listed) bool {
		if other == l || other.scope != l.scope || other.why != "" || other.void {
			return false
		}
		for _, r := range other.names {
			if r.id == to.id {
				return true
			}
		}
		return false
	})
}

// addBatch adds a batch's blocks. A list is idle when all that it names is.
func (d *Desk) addBatch(c *contents, l *listed, all []*listed) {
	mine, rosterSuperseded := slices.Contains(l.Authors, d.Account), supersededRoster(l, all)
	over, stranger := l.why, false
	for _, leaf := range l.leaves {
		at := content{id: leaf.id, what: "part of the list of batch " + short(l.Subject), rank: rankLeaf, mine: mine, idle: l.why, void: l.void}
		if leaf.err != nil && l.why == "" && !l.void {
			c.unread = append(c.unread, at)
		}
		if leaf.err != nil {
			at.idle, over = "", "" // what it names is not known: nothing of the batch's lists goes
		}
		for tag, id := range leaf.named {
			b := content{id: id, what: "content for somebody who is not in the roster", mine: mine, idle: l.why, void: l.void}
			to, known := l.names[tag]
			if known {
				b.what = "content for " + to.name
			}
			stranger = stranger || !known
			if l.why == "expired" && (!known || to.admin && !rosterSuperseded || !to.admin && !toldElsewhere(to, l, all)) {
				b.kept = "an expired batch still says who is enrolled"
				at.kept = b.kept
			}
			c.list = append(c.list, b)
		}
		c.list = append(c.list, at)
	}
	if stranger && l.why != "revoked" {
		c.strange = append(c.strange, "somebody of batch "+short(l.Subject)+" who is not in the roster")
	}
	root, err := state.ParseBatch(l.Data)
	if err != nil {
		return
	}
	at := content{id: bundle.CID(root), what: "list of batch " + short(l.Subject), rank: rankRoot, mine: mine, idle: over, void: l.void}
	if slices.ContainsFunc(c.list, func(b content) bool { return b.rank == rankLeaf && b.kept != "" && l.has(b.id) }) {
		at.kept = "an expired batch still says who is enrolled"
	}
	c.list = append(c.list, at)
}

func (l *listed) has(leaf bundle.CID) bool {
	return slices.ContainsFunc(l.leaves, func(c leafContent) bool { return c.id == leaf })
}
