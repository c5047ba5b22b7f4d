package separation

import (
	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

func granting(name string, kind state.Kind) *goal {
	return &goal{area: entries, name: name, ways: []*way{{name: "entered", try: func(t *thief) gain {
		entry, grant := t.ownGrant(t.ring(), t.gate7, kind, "operator")
		if !t.enter(entry) {
			return nil
		}
		return func(c *chain) bool {
			l := t.gate7.sees(c)
			for g := range l.state.Grants(grant.Subject) {
				if l.state.Standing(&g.Fact, l.now.Time) == state.Live {
					return true
				}
			}
			return false
		}
	}}}}
}

func enrolling() *goal {
	return &goal{area: entries, name: "enrol a device of his own", ways: []*way{{name: "announced", try: func(t *thief) gain {
		newcomer := t.newcomer()
		ring, keys := t.ring(), []bundle.NumberedKey{{ID: 1, Key: t.thief.guess}}
		if ring.Has(t.plant) {
			keys = t.zoneKeys[t.plant]
		}
		m := t.materials("gate-10", t.plant)
		m.ZoneKeys = keys
		if !t.enter(group(t.plant, t.once("enrolment", func() contracts.Change { return t.announce(t.plant, newcomer.request, m) }))) {
			return nil
		}
		return func(c *chain) bool {
			l := newcomer.sees(c)
			return l.problem == nil && l.enrolled && !l.state.Retired()
		}
	}}}}
}

// newcomer is a device of the thief's own.
func (w *world) newcomer() *gadget {
	w.Helper()
	if w.stranger == nil {
		w.stranger = w.gadget("gate-10", w.plant)
		w.stranger.hint = w.plant
	}
	return w.stranger
}

// once is an entry that is made once, so that attempts that do the same make the
// same blocks.
func (w *world) once(name string, make func() contracts.Change) contracts.Change {
	if _, ok := w.sealed[name]; !ok {
		w.sealed[name] = make()
	}
	return w.sealed[name]
}

func delivering() *goal {
	return &goal{area: entries, name: "deliver files to devices", ways: []*way{{name: "announced", try: func(t *thief) gain {
		c := t.sealed("delivery", t.ring(), t.gate7.mailbox, func(r *bundle.Ring) contracts.Change {
			_, c := t.delivery(r, t.gate7.request.Recipient, t.gate7.mailbox)
			return c
		})
		if !t.enter(t.at(t.gate7.mailbox, c)) {
			return nil
		}
		return func(now *chain) bool {
			l := t.gate7.sees(now)
			for d := range l.state.Deliveries(l.now.Time) {
				if d.Subject == c.Subject {
					_, err := t.gate7.identity.Open(t.blocks[bundle.CID(d.Delivery.Block)], bundle.Expect{
						Anchor: t.org, Scope: d.Scope, Subject: d.Subject, Commitment: d.Commitment, Purposes: []bundle.Purpose{bundle.PurposeFiles},
					})
					return err == nil
				}
			}
			return false
		}
	}}}}
}

// revoking is to end something of others.
func revoking(name string, what func(*thief) contracts.Group) *goal {
	return &goal{area: entries, name: name, locksOut: true, ways: []*way{{name: "revoked", try: func(t *thief) gain {
		if !t.enter(what(t)) {
			return nil
		}
		return t.locksOut()
	}}}}
}

func denying() *goal {
	clear := func(t *thief) contracts.Group {
		c := t.put(state.KindDenyClear, nil)
		c.Subject = hashOf(t.alice)
		return group(t.org.Org, c)
	}
	return &goal{area: entries, name: "deny people their keys", ways: []*way{
		{name: "in clear", try: func(t *thief) gain {
			if !t.enter(clear(t)) {
				return nil
			}
			return t.locksOut()
		}},
		{name: "what nobody can read, which denies everybody", try: func(t *thief) gain {
			payload, err := state.Deny{Key: hashOf(t.alice)}.Marshal()
			ring := bundle.NewRing(t.org)
			t.must(ring.Add(t.gate7.mailbox, 1, t.thief.guess))
			if !t.enter(t.at(t.gate7.mailbox, t.once("denial", func() contracts.Change {
				return t.world.seal(ring, t.gate7.mailbox, state.KindDeny, payload, err)
			}))) {
				return nil
			}
			return t.locksOut()
		}},
	}}
}

// locksOut is a gain while alice is kept out.
func (t *thief) locksOut() gain {
	return func(c *chain) bool {
		l := t.gate7.sees(c)
		return !l.admits("deploy", t.aliceCert)
	}
}
