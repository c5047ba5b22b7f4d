package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// maxAtOnce is how many deliveries one transaction announces.
const maxAtOnce = 50

// Delivering is what every `deliver` command asks for.
type Delivering struct {
	To  []string // devices and people
	For time.Duration
	// Missing leaves out those who have a delivery of this purpose and name: an
	// interrupted run is continued by it.
	Missing bool
	// Comparable has watchdogs compare files with their own. Whoever has what they
	// are shown can then guess at short contents.
	Comparable bool
	// Progress is told after each transaction; nil = nobody.
	Progress func(done, all int)
}

// Delivery is one bundle for one recipient.
type Delivery struct {
	To         string `json:"to"` // ZONE/NAME
	Purpose    string `json:"purpose"`
	Name       string `json:"name,omitempty"`
	ID         string `json:"id,omitempty"`
	CID        string `json:"cid,omitempty"`
	Supersedes string `json:"supersedes,omitempty"`
	Standing   string `json:"standing"`
	Until      Time   `json:"until"`
	Grant      *Grant `json:"grant,omitempty"` // that a user key is for
	HostKey    string `json:"host_key,omitempty"`
	Skipped    bool   `json:"skipped,omitempty"` // had one already
}

// Deliveries is the outcome of a `deliver` command.
type Deliveries struct {
	Deliveries []*Delivery `json:"deliveries"`
	Posted     []*Posted   `json:"transactions"`
	// Watch are the files of deliveries that wait for watchdogs' signatures.
	Watch []string `json:"watch,omitempty"`
}

// errand is one `deliver` command: what goes to whom.
type errand struct {
	Delivering
	purpose bundle.Purpose
	name    string
	// pack puts into a parcel what goes to its recipient. With DryRun the content
	// may stay empty.
	pack func(context.Context, *parcel) error
}

// parcel is what goes to one recipient.
type parcel struct {
	to          bundle.RosterMember
	purpose     bundle.Purpose
	name        string
	from, until uint64              // Unix seconds
	before      *state.DeliveryFact // whose place it takes, nil for none

	content []byte               // secret; overwritten once it is sealed
	with    []contracts.Group    // entered in the same transaction
	changed *bundle.RosterMember // the recipient as the roster is to have it; nil = as it is
	shown   Delivery

	// Once it is sealed:
	block     bundle.Block
	announced []contracts.Group // with what is entered in the same transaction
}

// deliver seals a parcel for each recipient, stores the bundles and announces them,
// so many in a transaction.
func (d *Desk) deliver(ctx context.Context, e errand) (*Deliveries, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	all, err := d.recipients(ctx, e.To)
	if err != nil {
		return nil, err
	}
	if _, _, err := d.window(e.For); err != nil { // before a passphrase is asked for
		return nil, err
	}
	if err := d.unlock(); err != nil {
		return nil, err
	}
	if err := d.single(len(all) > maxAtOnce, fmt.Sprintf("name %d recipients at most", maxAtOnce)); err != nil {
		return nil, err
	}
	out := &Deliveries{}
	done := 0
	for some := range slices.Chunk(all, maxAtOnce) {
		if err := d.deliverSome(ctx, e, some, out); err != nil {
			if done == 0 {
				return nil, err
			}
			return out, because(err, Failed, "run it again with --missing", "%d of %d were delivered", done, len(all))
		}
		if done += len(some); e.Progress != nil {
			e.Progress(done, len(all))
		}
	}
	return out, out.waiting()
}

// deliverSome is deliver for so many as fit into one transaction, or into one file
// for watchdogs.
func (d *Desk) deliverSome(ctx context.Context, e errand, some []bundle.RosterMember, out *Deliveries) error {
	watch := &WatchFile{Anchor: d.Anchor, comparable: e.Comparable}
	parcels, err := d.parcels(ctx, e, some, watch, out)
	if err != nil || len(parcels) == 0 {
		return err
	}
	var groups []contracts.Group
	var blocks []bundle.Block
	for _, p := range parcels {
		groups, blocks = append(groups, p.announced...), append(blocks, p.block)
	}
	changes, err := d.rosterChanges(ctx, parcels)
	if err != nil {
		return err
	}
	groups = append(groups, changes...)
	if err := d.publish(ctx, blocks); err != nil {
		return err
	}
	if len(watch.Deliveries) > 0 {
		for _, p := range parcels {
			p.shown.Standing = waitsForWatchdogs // all of them: they go together
		}
		watch.Groups = groups
		file, err := d.askWatchdogs(watch)
		if err != nil {
			return err
		}
		out.add(parcels)
		out.Watch = append(out.Watch, file)
		return nil
	}
	posted, err := d.write(ctx, merged(groups)...)
	if err != nil {
		return err
	}
	out.add(parcels)
	out.Posted = append(out.Posted, posted)
	if d.DryRun || len(changes) == 0 {
		return nil
	}
	return d.reload(ctx)
}

// parcels packs and seals what goes to each, one after the other: no content lies
// open while the next is made. It lists those who are left out, for they have one.
func (d *Desk) parcels(ctx context.Context, e errand, some []bundle.RosterMember, watch *WatchFile, out *Deliveries) ([]*parcel, error) {
	from, until, err := d.window(e.For)
	if err != nil {
		return nil, err
	}
	if until, err = d.limited(state.KindDelivery, e.For, from, until); err != nil {
		return nil, err
	}
	var list []*parcel
	for _, m := range some {
		p := &parcel{to: m, purpose: e.purpose, name: e.name, from: from, until: until, before: d.inForce(m, e.purpose, e.name)}
		if e.Missing && p.before != nil {
			out.Deliveries = append(out.Deliveries, d.showDelivery(m, p.before, until, true))
			continue
		}
		if err := e.pack(ctx, p); err != nil {
			return nil, err
		}
		if err := d.seal(p, watch); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// add lists what was sealed.
func (out *Deliveries) add(parcels []*parcel) {
	for _, p := range parcels {
		out.Deliveries = append(out.Deliveries, &p.shown)
	}
}

// seal seals a parcel. Where a policy demands watchdogs' signatures, the delivery is
// added to their file, and waits.
func (d *Desk) seal(p *parcel, watch *WatchFile) error {
	m, s := p.to, &p.shown
	o := bundle.Outgoing{To: m.Recipient, Mailbox: m.Device, From: p.from, Until: p.until, Purpose: p.purpose, Content: p.content, Name: p.name}
	if p.before != nil {
		o.Supersedes = p.before.Subject
		s.Supersedes = p.before.Subject.String()
	}
	defer clear(p.content)
	block, sealed, watched, err := d.sealOne(m, o, watch)
	if err != nil {
		return because(err, Failed, "the roster may be incomplete: dpki store check", "the delivery could not be sealed")
	}
	s.To, s.Purpose, s.Name, s.ID, s.CID = d.memberName(m), p.purpose.String(), p.name, sealed.Subject.String(), block.CID.String()
	s.Standing, s.Until = state.Live.String(), Time(p.until)
	if watched {
		s.Standing = waitsForWatchdogs
	}
	p.block, p.announced = block, append([]contracts.Group{inMailbox(m, put(state.KindDelivery, sealed, p.from, p.until))}, p.with...)
	return nil
}

// rosterChanges tells the administrators of the recipients' zones what a delivery
// changes of its recipient.
func (d *Desk) rosterChanges(ctx context.Context, parcels []*parcel) (groups []contracts.Group, err error) {
	var zones []state.Word
	changed := map[state.Word]*bundle.Roster{}
	for _, p := range parcels {
		if p.changed == nil {
			continue
		}
		delta := changed[p.to.Zone]
		if delta == nil {
			delta = &bundle.Roster{Version: 1}
			zones, changed[p.to.Zone] = append(zones, p.to.Zone), delta
		}
		delta.Devices = append(delta.Devices, *p.changed)
	}
	for _, zone := range zones {
		group, err := d.rosterChange(ctx, zone, changed[zone], parcels[0].from)
		if err != nil {
			return nil, err
		}
		groups = append(groups, group)
	}
	return groups, nil
}

// rosterChange announces changed members of a zone to its administrators.
func (d *Desk) rosterChange(ctx context.Context, zone state.Word, delta *bundle.Roster, from uint64) (contracts.Group, error) {
	b := d.newBatch(zone)
	if err := d.addRoster(b, delta); err != nil {
		return contracts.Group{}, err
	}
	change, err := d.finish(ctx, b, from, from+longestEntry)
	return contracts.Group{Scope: zone, Changes: []contracts.Change{change}}, err
}

// merged has each scope once, in the order in which they came.
func merged(groups []contracts.Group) []contracts.Group {
	var list []contracts.Group
	for _, g := range groups {
		i := slices.IndexFunc(list, func(have contracts.Group) bool { return have.Scope == g.Scope })
		if i < 0 {
			list = append(list, g)
			continue
		}
		list[i].Changes = slices.Concat(list[i].Changes, g.Changes)
	}
	return list
}

// recipients resolves names of devices and people and reads their mailboxes.
func (d *Desk) recipients(ctx context.Context, names []string) ([]bundle.RosterMember, error) {
	var list []bundle.RosterMember
	var mailboxes []state.Word
	for _, name := range names {
		m, err := d.findRecipient(name)
		if err != nil {
			return nil, err
		}
		if slices.Contains(mailboxes, m.Device) {
			return nil, problem(Usage, "name each once", "%s stands there twice", name)
		}
		list, mailboxes = append(list, m), append(mailboxes, m.Device)
	}
	return list, d.need(ctx, mailboxes...)
}

// findRecipient resolves a device, or a person of a zone.
func (d *Desk) findRecipient(name string) (bundle.RosterMember, error) {
	var found []bundle.RosterMember
	for _, m := range d.people() {
		if m.Name == name || d.zoneName(m.Zone)+"/"+m.Name == name || isPrefix(name, m.Device) {
			found = append(found, m)
		}
	}
	device, err := d.findDevice(name)
	switch {
	case len(found) == 0:
		return device, err
	case len(found) > 1 || err == nil:
		return device, problem(Failed, "write ZONE/NAME, or the beginning of the identifier", "%.80q is the name of several recipients", name)
	}
	return found[0], nil
}

// people are the recipients of zones that are no devices, the retired left out.
func (d *Desk) people() []bundle.RosterMember {
	return slices.DeleteFunc(slices.Clone(d.roster.People), func(m bundle.RosterMember) bool { return m.Zone == d.Anchor.Org || d.retired(m) })
}

// inForce is the latest live delivery of a purpose and name, nil for none.
func (d *Desk) inForce(m bundle.RosterMember, purpose bundle.Purpose, name string) *state.DeliveryFact {
	var latest *state.DeliveryFact
	for f := range d.view(m.Zone, m.Device).Deliveries(uint64(d.Now().Unix())) {
		if f.Scope == m.Device && bundle.Purpose(f.Purpose) == purpose && f.Delivery.Name == name && (latest == nil || f.Seq > latest.Seq) {
			latest = f
		}
	}
	return latest
}

// ListDeliveries lists what was delivered, to one recipient or to all.
func (d *Desk) ListDeliveries(ctx context.Context, to []string) ([]*Delivery, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	var members []bundle.RosterMember
	var err error
	if len(to) > 0 {
		members, err = d.recipients(ctx, to)
	} else {
		members = slices.Concat(d.roster.Devices, d.people())
		err = d.need(ctx, mailboxesOf(members)...)
	}
	if err != nil {
		return nil, err
	}
	list := []*Delivery{}
	now := uint64(d.Now().Unix())
	for _, m := range members {
		retired, later := d.retired(m), map[state.Word]bool{}
		var facts []*state.DeliveryFact
		for f := range d.view(m.Zone, m.Device).Deliveries(now) {
			if f.Scope == m.Device {
				facts = append(facts, f)
				later[f.Supersedes] = true
			}
		}
		for _, f := range facts {
			if bundle.Purpose(f.Purpose) == bundle.PurposeSignatures {
				continue
			}
			list = append(list, d.showDelivery(m, f, f.Until, false))
			switch shown := list[len(list)-1]; {
			case retired: // what took its place may have the same name
				shown.Standing = "retired"
			case later[f.Subject]:
				shown.Standing = "superseded"
			}
		}
	}
	return list, nil
}

func (d *Desk) showDelivery(m bundle.RosterMember, f *state.DeliveryFact, until uint64, skipped bool) *Delivery {
	return &Delivery{
		To: d.zoneName(m.Zone) + "/" + m.Name, Purpose: bundle.Purpose(f.Purpose).String(), Name: f.Delivery.Name, ID: f.Subject.String(),
		CID: bundle.CID(f.Delivery.Block).String(), Standing: state.Live.String(), Until: Time(until), Skipped: skipped,
	}
}

func mailboxesOf(members []bundle.RosterMember) []state.Word {
	var list []state.Word
	for _, m := range members {
		list = append(list, m.Device)
	}
	return list
}

// authorityOf leads a recipient to the entry of a CA.
func (d *Desk) authorityOf(ca knownCA) (bundle.Authority, error) {
	entries := d.Ledger.Entries(ca.Scope)
	for i := range entries {
		if e := &entries[i]; e.Action == state.ActionPut && e.Kind == ca.Kind && e.Subject == ca.Subject {
			k, err := d.ring.Disclose(ca.Scope, e)
			return bundle.Authority{Subject: e.Subject, Key: k}, because(err, Failed, "dpki store check", "the entry of CA %s cannot be shown", ca.Label)
		}
	}
	return bundle.Authority{}, fmt.Errorf("CA %s has no entry", ca.Label)
}
