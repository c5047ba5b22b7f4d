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

// parcel is what goes to one recipient.
type parcel struct {
	content []byte               // secret; overwritten once it is sealed
	with    []contracts.Group    // entered in the same transaction
	changed *bundle.RosterMember // the recipient as the roster is to have it
	watch   *WatchFile           // where it stands if watchdogs are to sign; nil = it cannot wait for them
	shown   Delivery
}

// packer makes the parcel of one recipient. With DryRun its content may be empty.
type packer func(ctx context.Context, m bundle.RosterMember, from, until uint64) (*parcel, error)

// deliver seals a parcel for each recipient, stores the bundles and announces them,
// so many in a transaction.
func (d *Desk) deliver(ctx context.Context, r Delivering, purpose bundle.Purpose, name string, pack packer) (*Deliveries, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	all, err := d.recipients(ctx, r.To)
	if err != nil {
		return nil, err
	}
	if _, _, err := d.window(r.For); err != nil { // before a passphrase is asked for
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
		if err := d.deliverSome(ctx, r, purpose, name, pack, some, out); err != nil {
			if done == 0 {
				return nil, err
			}
			return out, because(err, Failed, "run it again with --missing", "%d of %d were delivered", done, len(all))
		}
		if done += len(some); r.Progress != nil {
			r.Progress(done, len(all))
		}
	}
	return out, out.waiting()
}

func (d *Desk) deliverSome(ctx context.Context, r Delivering, purpose bundle.Purpose, name string, pack packer, some []bundle.RosterMember, out *Deliveries) error {
	from, until, err := d.window(r.For)
	if err != nil {
		return err
	}
	if until, err = d.limited(state.KindDelivery, r.For, from, until); err != nil {
		return err
	}
	var groups []contracts.Group
	var blocks []bundle.Block
	var list []*Delivery
	changed := map[state.Word]*bundle.Roster{}
	watch := &WatchFile{Anchor: d.Anchor, comparable: r.Comparable}
	for _, m := range some {
		before := d.inForce(m, purpose, name)
		if r.Missing && before != nil {
			out.Deliveries = append(out.Deliveries, d.showDelivery(m, before, until, true))
			continue
		}
		p, err := pack(ctx, m, from, until)
		if err != nil {
			return err
		}
		p.watch = watch
		sealed, block, err := d.sealDelivery(m, purpose, name, p, before, from, until)
		if err != nil {
			return err
		}
		blocks = append(blocks, block)
		put := put(state.KindDelivery, sealed, from, until)
		groups = append(groups, contracts.Group{Scope: m.Device, Salt: m.MailboxSecret.Commitment(), Changes: []contracts.Change{put}})
		groups = append(groups, p.with...)
		list = append(list, &p.shown)
		if p.changed != nil {
			delta := changed[m.Zone]
			if delta == nil {
				delta = &bundle.Roster{Version: 1}
				changed[m.Zone] = delta
			}
			delta.Devices = append(delta.Devices, *p.changed)
		}
	}
	if len(list) == 0 {
		return nil
	}
	for zone, delta := range changed {
		group, err := d.rosterChange(ctx, zone, delta, from)
		if err != nil {
			return err
		}
		groups = append(groups, group)
	}
	if err := d.publish(ctx, blocks); err != nil {
		return err
	}
	if len(watch.Deliveries) > 0 {
		watch.Groups = merged(groups)
		file, err := d.askWatchdogs(watch)
		if err != nil {
			return err
		}
		for _, shown := range list {
			shown.Standing = waitsForWatchdogs
		}
		out.Deliveries, out.Watch = append(out.Deliveries, list...), append(out.Watch, file)
		return nil
	}
	posted, err := d.write(ctx, merged(groups)...)
	if err != nil {
		return err
	}
	out.Deliveries, out.Posted = append(out.Deliveries, list...), append(out.Posted, posted)
	if d.DryRun || len(changed) == 0 {
		return nil
	}
	return d.reload(ctx)
}

// sealDelivery seals what goes to one recipient and says so in the parcel, and
// where watchdogs are to sign it in their file.
func (d *Desk) sealDelivery(m bundle.RosterMember, purpose bundle.Purpose, name string, p *parcel, before *state.DeliveryFact, from, until uint64) (bundle.Sealed, bundle.Block, error) {
	o := bundle.Outgoing{To: m.Recipient, Mailbox: m.Device, From: from, Until: until, Purpose: purpose, Content: p.content, Name: name}
	if before != nil {
		o.Supersedes = before.Subject
		p.shown.Supersedes = before.Subject.String()
	}
	defer clear(p.content)
	block, sealed, err := d.sealOne(m, o, p.watch)
	if err != nil {
		return sealed, block, because(err, Failed, "the roster may be incomplete: dpki store check", "the delivery could not be sealed")
	}
	s := &p.shown
	s.To, s.Purpose, s.Name, s.ID, s.CID = d.zoneName(m.Zone)+"/"+m.Name, purpose.String(), name, sealed.Subject.String(), block.CID.String()
	s.Standing, s.Until = state.Live.String(), Time(until)
	return sealed, block, nil
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
