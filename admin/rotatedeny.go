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

// denial is what keeps one key out of one scope: an entry, or several of which
// each takes up where another ends.
type denial struct {
	scope, salt state.Word
	member      *bundle.RosterMember // whose mailbox it is; nil for a zone
	deny        state.Deny
	kind        state.Kind
	last        state.Entry  // of those in force, the one that ends last; zero where none is
	subjects    []state.Word // all of them that are not revoked
	readable    bool
}

// denialsIn are the denials of a scope, in the log's order. Those that differ in
// what they spare are different ones.
func (d *Desk) denialsIn(scope state.Word) []denial {
	type same struct {
		deny state.Deny
		id   state.Word // of one that cannot be read
	}
	entries := d.Ledger.Entries(scope)
	revoked := map[state.Word]bool{}
	for _, e := range entries {
		if e.Action == state.ActionRevoke && (e.Kind == state.KindDeny || e.Kind == state.KindDenyClear) {
			revoked[e.Subject] = true
		}
	}
	now, at := uint64(d.Now().Unix()), map[same]int{}
	var list []denial
	for _, e := range entries {
		if e.Action != state.ActionPut || e.Kind != state.KindDeny && e.Kind != state.KindDenyClear || revoked[e.Subject] {
			continue
		}
		is := same{id: e.Subject}
		deny, readable := d.denialOf(scope, &e)
		if readable {
			is = same{deny: deny}
		}
		i, known := at[is]
		if !known {
			i, at[is] = len(list), len(list)
			list = append(list, denial{scope: scope, deny: deny, kind: e.Kind, readable: readable})
		}
		list[i].subjects = append(list[i].subjects, e.Subject)
		if e.InForce(now) && e.Until >= list[i].last.Until {
			list[i].last = e
		}
	}
	return list
}

func (d *Desk) denialOf(scope state.Word, e *state.Entry) (state.Deny, bool) {
	if e.Kind == state.KindDenyClear {
		return state.Deny{Key: e.Subject, Before: state.Never}, true
	}
	b, err := d.ring.Open(scope, e)
	if err != nil {
		return state.Deny{}, false
	}
	deny, err := state.ParseDeny(b)
	return deny, err == nil
}

// denialsOf are those of a zone and of the mailboxes in it.
func (d *Desk) denialsOf(ctx context.Context, z bundle.RosterZone) ([]denial, error) {
	members := slices.Concat(d.living(z.Zone), d.persons(z.Zone))
	if err := d.need(ctx, mailboxesOf(members)...); err != nil {
		return nil, err
	}
	list := d.denialsIn(z.Zone)
	for _, m := range members {
		for _, n := range d.denialsIn(m.Device) {
			n.member, n.salt = &m, m.MailboxSecret.Commitment()
			list = append(list, n)
		}
	}
	return list, nil
}

// rotateDenials enters denials again before they end: a key that was taken away
// stays away until somebody says otherwise. The entry of before is left to its end,
// so that there is no moment without one.
func (d *Desk) rotateDenials(ctx context.Context, z bundle.RosterZone, _ RotateDue, out *Rotated) error {
	all, err := d.denialsOf(ctx, z)
	if err != nil {
		return err
	}
	from, err := d.begin()
	if err != nil {
		return err
	}
	var groups []contracts.Group
	var done []Rotation
	flush := func() error {
		if len(groups) == 0 {
			return nil
		}
		posted, err := d.write(ctx, merged(groups)...)
		if err != nil {
			return err
		}
		out.Rotations, out.Posted = append(out.Rotations, done...), append(out.Posted, posted)
		groups, done = nil, nil
		if d.DryRun {
			return nil
		}
		return d.reload(ctx)
	}
	for _, n := range all {
		if n.last.Until == 0 || !d.endsSoon(n.last.Time, n.last.Until) {
			continue
		}
		t := Rotation{What: "denial", Name: d.denialName(z, n), Until: Time(n.last.Until), Why: "it ends soon"}
		switch {
		case !n.readable:
			t.Left = "it cannot be read, and refuses everybody: dpki log " + z.Name
		case !d.may(n.scope, n.salt, state.KindDeny):
			t.Left = notMine
		}
		if t.Left != "" {
			out.Rotations = append(out.Rotations, t)
			continue
		}
		group, err := d.denyAgain(n, from)
		if err != nil {
			return err
		}
		groups, done = append(groups, group), append(done, t)
		if len(groups) == maxAtOnce {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// denyAgain seals a denial anew, for as long as it was.
func (d *Desk) denyAgain(n denial, from uint64) (contracts.Group, error) {
	until := from + min(n.last.Until-n.last.Time, longestEntry, d.longest(state.KindDeny))
	payload, err := n.deny.Marshal()
	if err != nil {
		return contracts.Group{}, err
	}
	sealed, err := d.ring.Seal(bundle.Entry{Scope: n.scope, Kind: state.KindDeny, From: from, Until: until}, payload)
	return contracts.Group{Scope: n.scope, Salt: n.salt, Changes: []contracts.Change{put(state.KindDeny, sealed, from, until)}}, err
}

func (d *Desk) denialName(z bundle.RosterZone, n denial) string {
	name := fingerprintText(n.deny.Key)
	if !n.readable {
		name = short(n.subjects[0])
	}
	if n.member != nil {
		return fmt.Sprintf("%s on %s/%s", name, z.Name, n.member.Name)
	}
	return name + " in " + z.Name
}

// checkLapses names what a timer should have entered again: without it keys that
// were denied come back, and privileged accounts are so no more.
func (d *Desk) checkLapses(ctx context.Context, z bundle.RosterZone) []Check {
	soon := uint64(d.Now().Unix()) + uint64(renewal/time.Second)
	first, ending := uint64(state.Never), 0
	note := func(until uint64) {
		if until > 0 && until < soon {
			first, ending = min(first, until), ending+1
		}
	}
	all, err := d.denialsOf(ctx, z)
	if err != nil {
		return []Check{CheckOf("zone "+z.Name, err)}
	}
	for _, n := range all {
		note(n.last.Until)
	}
	if e := d.latestPolicyEntry(z); e != nil {
		note(e.Until)
	}
	for _, m := range slices.Concat(d.living(z.Zone), d.persons(z.Zone)) {
		note(d.announced[m.Device].until)
	}
	if ending == 0 {
		return nil
	}
	return []Check{{
		What: "zone " + z.Name, Standing: Warn,
		Text: fmt.Sprintf("%d of its denials, policies and enrolments end within a month, the first at %s", ending, Time(first)),
		Hint: "dpki rotate --due, from a timer",
	}}
}
