package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"dpki/admin/ledger"
	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// RotateDue is what `rotate --due` asks for: how host certificates are made. What
// else ends is entered again as it is.
type RotateDue struct {
	Windows int           // certified ahead, 1 to 64
	Each    time.Duration // how long each is
}

// Rotation is one thing that was due.
type Rotation struct {
	What  string `json:"what"` // "host certificate", "policy", "denial", "enrolment", "user CA", "host CA"
	Name  string `json:"name"`
	Until Time   `json:"until"` // of what it takes the place of; 0 = there was none
	Why   string `json:"why"`
	// Left says why nothing was done about it; empty = it was done.
	Left string `json:"left,omitempty"`
}

// Rotated is the outcome of RotateDue.
type Rotated struct {
	Rotations []Rotation `json:"rotations"`
	Posted    []*Posted  `json:"transactions"`
}

// RotateDue renews what ends soon, so that nobody has to think of it: host
// certificates, zones' policies and denials, and what enrolments announced, each once less than
// a third of its time is left. It is for a timer, under an account that need not
// have all these powers: what it may not do is listed and left, and so is a CA that
// ends soon and has no successor.
func (d *Desk) RotateDue(ctx context.Context, r RotateDue) (*Rotated, error) {
	if err := checkWindows(r.Windows, r.Each); err != nil {
		return nil, err
	}
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	out := &Rotated{Rotations: []Rotation{}, Posted: []*Posted{}}
	for _, z := range d.zones() {
		d.endingCAs(z, out)
		for _, rotate := range []func(context.Context, bundle.RosterZone, RotateDue, *Rotated) error{d.rotateHosts, d.rotatePolicy, d.rotateDenials, d.rotateEnrolments} {
			if err := rotate(ctx, z, r, out); err != nil {
				return out, err
			}
		}
	}
	return out, nil
}

// endingCAs names the CAs without a successor: a key is made by somebody who can
// keep it, not by a timer.
func (d *Desk) endingCAs(z bundle.RosterZone, out *Rotated) {
	newest := map[state.Kind]bool{}
	for _, ca := range d.cas() { // the newest entry first
		if ca.Scope != z.Zone || ca.standing != state.Live || newest[ca.Kind] {
			continue
		}
		newest[ca.Kind] = true
		if d.endsSoon(ca.Time, ca.Until) {
			out.Rotations = append(out.Rotations, Rotation{
				What: useName(ca.Kind) + " CA", Name: z.Name + "/" + ca.Label, Until: Time(ca.Until), Why: "it ends soon", Left: "make its successor: dpki ca prepare",
			})
		}
	}
}

// endsSoon: less than a third of the time is left.
func (d *Desk) endsSoon(from, until uint64) bool {
	now := uint64(d.Now().Unix())
	return until < state.Never && until-min(now, until) < (until-min(from, until))/3
}

// may reports whether this account can enter a kind into a scope, by itself.
func (d *Desk) may(scope, salt state.Word, kind state.Kind) bool {
	_, err := d.authority([]contracts.Group{{Scope: scope, Salt: salt, Changes: []contracts.Change{{Action: state.ActionPut, Kind: kind}}}})
	return err == nil
}

const notMine = "this account has no power to enter it"

// rotateHosts certifies the host keys whose certificates end soon, were never made,
// or were made by another CA than signs now.
func (d *Desk) rotateHosts(ctx context.Context, z bundle.RosterZone, r RotateDue, out *Rotated) error {
	view, now := d.view(z.Zone, state.Word{}), uint64(d.Now().Unix())
	if !d.hasHostCA(view, now) {
		return nil
	}
	ca, here := d.signing(z.Zone, state.KindCAHost)
	_, since := d.stage(ca.CA.Key)
	members := d.living(z.Zone)
	if err := d.need(ctx, mailboxesOf(members)...); err != nil {
		return err
	}
	var due []string
	for _, m := range members {
		t := Rotation{What: bundle.PurposeHostCertificate.String(), Name: z.Name + "/" + m.Name}
		f := d.inForce(m, bundle.PurposeHostCertificate, hostName)
		switch {
		case f == nil:
			t.Why = "there is none"
		case here == nil && f.Time < max(ca.Time, since):
			t.Until, t.Why = Time(f.Until), "another CA signs now"
		case d.endsSoon(f.Time, f.Until):
			t.Until, t.Why = Time(f.Until), "it ends soon"
		default:
			continue
		}
		switch {
		case here != nil:
			t.Left = here.Error()
		case !d.may(m.Device, m.MailboxSecret.Commitment(), state.KindDelivery):
			t.Left = notMine
		case d.hostKeyDenied(m):
			t.Left = OneLine(deniedHostKey(m))
		default:
			due = append(due, t.Name)
		}
		out.Rotations = append(out.Rotations, t)
	}
	if len(due) == 0 {
		return nil
	}
	done, err := d.DeliverHostCertificate(ctx, DeliverHostCertificate{Delivering: Delivering{To: due}, Windows: r.Windows, Each: r.Each})
	if done != nil {
		out.Posted = append(out.Posted, done.Posted...)
	}
	var waits *WatchedError
	if errors.As(err, &waits) {
		for i, t := range out.Rotations {
			if t.What == bundle.PurposeHostCertificate.String() && slices.Contains(due, t.Name) {
				out.Rotations[i].Left = waitsForWatchdogs + ": " + waits.Error()
			}
		}
		return nil
	}
	return err
}

// rotatePolicy enters a zone's policy again as it is. Without it the zone would fall
// back to the defaults: privileged accounts would be unprivileged.
func (d *Desk) rotatePolicy(ctx context.Context, z bundle.RosterZone, _ RotateDue, out *Rotated) error {
	latest := d.latestPolicyEntry(z)
	if latest == nil || !d.endsSoon(latest.Time, latest.Until) {
		return nil
	}
	t := Rotation{What: "policy", Name: z.Name, Until: Time(latest.Until), Why: "it ends soon"}
	defer func() { out.Rotations = append(out.Rotations, t) }()
	if !d.may(z.Zone, state.Word{}, state.KindPolicy) {
		t.Left = notMine
		return nil
	}
	payload, err := d.ring.Open(z.Zone, latest)
	if err != nil {
		t.Left = err.Error()
		return nil
	}
	// A policy that could not be read denies; only one that says what this version knows is repeated.
	policy, err := state.ParsePolicy(payload)
	if err != nil {
		t.Left = err.Error()
		return nil
	}
	length := min(latest.Until-latest.Time, longestEntry)
	shown, err := d.SetPolicy(ctx, z.Name, policy, time.Duration(length)*time.Second)
	if err != nil {
		return err
	}
	out.Posted = append(out.Posted, shown.Posted)
	return nil
}

// latestPolicyEntry is the zone's policy that counts, nil where there is none.
func (d *Desk) latestPolicyEntry(z bundle.RosterZone) *state.Entry {
	view, now := d.view(z.Zone, state.Word{}), uint64(d.Now().Unix())
	var latest *state.Entry
	entries := d.Ledger.Entries(z.Zone)
	for i := range entries {
		e := &entries[i]
		if e.Kind == state.KindPolicy && e.Action == state.ActionPut && view.Standing(ledger.FactOf(z.Zone, e), now) == state.Live {
			latest = e
		}
	}
	return latest
}

// rotateEnrolments announces the members and keys of a zone again, where the batch
// that says who they are ends soon: a new laptop and a device that reads its log
// anew find nothing that is older.
func (d *Desk) rotateEnrolments(ctx context.Context, z bundle.RosterZone, _ RotateDue, out *Rotated) error {
	members := slices.Concat(d.living(z.Zone), d.persons(z.Zone))
	first := uint64(state.Never)
	for _, m := range members {
		if a, ok := d.announced[m.Device]; ok && d.endsSoon(a.from, a.until) {
			first = min(first, a.until)
		}
	}
	for _, k := range z.Keys {
		if a, ok := d.announcedKeys[zoneKey{z.Zone, k.ID}]; ok && d.endsSoon(a.from, a.until) {
			first = min(first, a.until)
		}
	}
	if first == state.Never {
		return nil
	}
	t := Rotation{What: "enrolment", Name: fmt.Sprintf("%s (%d members)", z.Name, len(members)), Until: Time(first), Why: "the batch ends soon"}
	defer func() { out.Rotations = append(out.Rotations, t) }()
	if !d.may(z.Zone, state.Word{}, state.KindBatch) {
		t.Left = notMine
		return nil
	}
	devices := d.living(z.Zone)
	posted, err := d.announce(ctx, z, devices, d.wholeZone(z, devices))
	if err != nil {
		return err
	}
	out.Posted = append(out.Posted, posted)
	if d.DryRun {
		return nil
	}
	return d.reload(ctx)
}

// Rekeyed is the outcome of RekeyZone.
type Rekeyed struct {
	Zone    string  `json:"zone"`
	Key     uint32  `json:"key"`     // number of the new one
	Devices int     `json:"devices"` // that are given it
	Posted  *Posted `json:"transaction,omitempty"`
}

// RekeyZone gives a zone another key, for what is entered from now on, and hands it
// to the devices that are not retired and to the administrators, in one batch. Who
// has only the keys of before reads nothing new. Whatever was sealed before stays
// readable to who could read it.
func (d *Desk) RekeyZone(ctx context.Context, zone string) (*Rekeyed, error) {
	if err := d.member(ctx); err != nil {
		return nil, err
	}
	z, err := d.findZone(zone)
	if err != nil {
		return nil, err
	}
	if z, err = d.nextKey(z); err != nil {
		return nil, err
	}
	devices := d.living(z.Zone)
	out := &Rekeyed{Zone: z.Name, Key: newestKey(z), Devices: len(devices)}
	if out.Posted, err = d.announce(ctx, z, devices, d.wholeZone(z, devices)); err != nil || d.DryRun {
		return out, err
	}
	return out, d.reload(ctx)
}

// nextKey is a zone with another key.
func (d *Desk) nextKey(z bundle.RosterZone) (bundle.RosterZone, error) {
	id, err := d.ring.NextKeyID(z.Zone)
	if err != nil {
		return z, because(err, Failed, "", "zone %s cannot have another key", z.Name)
	}
	z.Keys = append(slices.Clone(z.Keys), bundle.NumberedKey{ID: id, Key: bundle.NewKey()})
	return z, nil
}

// newestKey is the number of the key that a zone's entries are sealed with.
func newestKey(z bundle.RosterZone) uint32 { return z.Keys[len(z.Keys)-1].ID }

// wholeZone is what administrators know of a zone with these devices.
func (d *Desk) wholeZone(z bundle.RosterZone, devices []bundle.RosterMember) *bundle.Roster {
	return &bundle.Roster{Version: 1, Zones: []bundle.RosterZone{z}, Devices: devices, People: d.persons(z.Zone)}
}

// living are the devices of a zone that are not retired, by their names.
func (d *Desk) living(zone state.Word) []bundle.RosterMember { return d.inZone(d.roster.Devices, zone) }

// persons are the people of a zone, not its administrators.
func (d *Desk) persons(zone state.Word) []bundle.RosterMember { return d.inZone(d.roster.People, zone) }

func (d *Desk) inZone(list []bundle.RosterMember, zone state.Word) []bundle.RosterMember {
	var in []bundle.RosterMember
	for _, m := range list {
		if m.Zone == zone && !d.retired(m) {
			in = append(in, m)
		}
	}
	slices.SortFunc(in, func(a, b bundle.RosterMember) int { return strings.Compare(a.Name, b.Name) })
	return in
}

// announcedFor is the time in which a batch holds.
type announcedFor struct{ from, until uint64 }

// zoneKey is one key of a zone.
type zoneKey struct {
	zone state.Word
	id   uint32
}

// noteAnnounced keeps until when a batch says what it says.
func (d *Desk) noteAnnounced(b batchEntry, part *bundle.Roster) {
	for _, list := range [][]bundle.RosterMember{part.Devices, part.People} {
		for _, m := range list {
			if b.Until > d.announced[m.Device].until {
				d.announced[m.Device] = announcedFor{b.Time, b.Until}
			}
		}
	}
	for _, z := range part.Zones {
		for _, k := range z.Keys {
			if b.Until > d.announcedKeys[zoneKey{z.Zone, k.ID}].until {
				d.announcedKeys[zoneKey{z.Zone, k.ID}] = announcedFor{b.Time, b.Until}
			}
		}
	}
}
