package separation

import (
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/harness/sshkey"
	"dpki/state"
)

// area is what a goal is about.
type area string

const (
	logins  area = "logins"
	after   area = "after a revocation"
	entries area = "entries"
	rules   area = "the organisation's rules"
	shows   area = "what a device believes"
	secrets area = "secrets"
)

// goal is something that a thief may want.
type goal struct {
	area area
	name string // "log in ..."
	ways []*way

	locksOut bool // it keeps people out, by what cannot be taken back
}

// goals are what is tried. Who is stolen from: gate-7 of zone plant, where alice
// has account deploy.
func goals() []*goal {
	return []*goal{
		login("log in where a user may", func(w *world) *gadget { return w.gate7 }, "deploy", state.KindGrant),
		login("log in to the device's other accounts", func(w *world) *gadget { return w.gate7 }, "operator", state.KindGrant),
		login("log in as root", func(w *world) *gadget { return w.gate7 }, "root", state.KindGrantPriv),
		login("log in to the zone's other devices", func(w *world) *gadget { return w.gate9 }, "operator", state.KindGrant),
		login("log in to another zone's devices", func(w *world) *gadget { return w.desk1 }, "operator", state.KindGrant),
		login("be root on another zone's devices", func(w *world) *gadget { return w.desk1 }, "root", state.KindGrantPriv),
		withheld(), hidden(),

		granting("enter grants", state.KindGrant),
		granting("enter privileged grants", state.KindGrantPriv),
		revoking("revoke the CA", func(t *thief) contracts.Group { return group(t.plant, revokeOf(t.caEntries[t.plant])) }),
		{area: entries, name: "name a CA", ways: []*way{{name: "entered", try: func(t *thief) gain {
			if !t.enter(t.ownCA(t.ring(), t.plant)) {
				return nil
			}
			return func(c *chain) bool { return t.trusts(t.gate7.sees(c), t.thief.ca) }
		}}}},
		enrolling(), delivering(),
		revoking("revoke grants", func(t *thief) contracts.Group { return t.at(t.gate7.mailbox, revokeOf(t.aliceGrant)) }),
		denying(),
		revoking("retire devices", func(t *thief) contracts.Group {
			return group(t.plant, contracts.Change{Action: state.ActionRevoke, Kind: state.KindDevice, Subject: t.gate7.mailbox})
		}),

		administrator(), removing(), policy(), threshold(), endpoints(), distrusting(), vetoing(), newGuardians(), pointing(), freezing(),
		taking("take the organisation over, unless the roots veto within the timelock", false), taking("take it over against their veto", true),

		silence(), shown(),

		reading("read a device's grants", func(w *world) (state.Word, contracts.Change) { return w.gate7.mailbox, w.aliceGrant }),
		reading("read the zone's entries", func(w *world) (state.Word, contracts.Change) { return w.plant, w.caEntries[w.plant] }),
		reading("read another zone's entries", func(w *world) (state.Word, contracts.Change) { return w.office, w.caEntries[w.office] }),
		opening(), receipt(),
	}
}

// login is to be let in to an account.
func login(name string, at func(*world) *gadget, account string, kind state.Kind) *goal {
	in := func(t *thief, cert *ssh.Certificate, l *look) gain {
		if !t.admitted(l, account, cert) {
			return nil
		}
		return func(c *chain) bool { return t.admitted(at(t.world).sees(c), account, cert) }
	}
	ownGrant := func(t *thief) (contracts.Group, contracts.Change) {
		return t.ownGrant(t.ring(), at(t.world), kind, account)
	}
	return &goal{area: logins, name: name, ways: []*way{
		{name: "a user's key and certificate, as they are", try: func(t *thief) gain {
			if !t.has(user) {
				return nil
			}
			return in(t, t.aliceCert, at(t.world).sees(t.c))
		}},
		{name: "a certificate of the CA for a user's grant", try: func(t *thief) gain {
			key := t.thief.key.PublicKey()
			if t.has(user) {
				key = t.alice.PublicKey()
			}
			return in(t, t.certificate(t.signer(), key, t.aliceGrant), at(t.world).sees(t.c))
		}},
		{name: "a grant of his own, and whatever CA he has", try: func(t *thief) gain {
			entry, grant := ownGrant(t)
			if !t.enter(entry) {
				return nil
			}
			return in(t, t.certified(grant), at(t.world).sees(t.c))
		}},
		{name: "a grant of the plain kind, and whatever CA he has", try: func(t *thief) gain {
			entry, grant := t.ownGrant(t.ring(), at(t.world), state.KindGrant, account)
			if !t.enter(entry) {
				return nil
			}
			return in(t, t.certified(grant), at(t.world).sees(t.c))
		}},
		{name: "a grant and a CA of his own", try: func(t *thief) gain {
			entry, grant := ownGrant(t)
			if !t.enter(entry) || !t.enter(t.ownCA(t.ring(), at(t.world).zone)) {
				return nil
			}
			return in(t, t.certificate(t.thief.ca, t.thief.key.PublicKey(), grant), at(t.world).sees(t.c))
		}},
		{name: "a user's certificate, and a grant of the same id for more", try: func(t *thief) gain {
			if !t.has(user) || !t.enter(t.sameGrant(at(t.world), kind, account)) {
				return nil
			}
			return in(t, t.aliceCert, at(t.world).sees(t.c))
		}},
		{name: "the organisation taken over, a grant and a CA", try: func(t *thief) gain {
			complete := t.recovery()
			if complete == nil {
				return nil
			}
			t.recovered = true
			own := complete(t.c)
			entry, grant := ownGrant(t)
			if own == nil || t.direct(t.c, *own, entry) != nil || t.direct(t.c, *own, t.ownCA(t.ring(), at(t.world).zone)) != nil {
				return nil
			}
			return in(t, t.certificate(t.thief.ca, t.thief.key.PublicKey(), grant), at(t.world).sees(t.c))
		}},
		{name: "a chain of his own with a grant and a CA", lies: true, try: func(t *thief) gain {
			entry, grant := ownGrant(t)
			groups := []contracts.Group{entry}
			if !t.has(userCA) {
				groups = append(groups, t.ownCA(t.ring(), at(t.world).zone))
			}
			shown, ok := t.lies(groups...)
			if !ok {
				return nil
			}
			return in(t, t.certified(grant), t.deceived(at(t.world), shown))
		}},
	}}
}

// withheld is to be let in by a grant that was revoked, on a device that hears of
// nothing any more: as long as its policy has it go on without news.
func withheld() *goal {
	return &goal{area: after, name: "outlive a revocation for the offline period", ways: []*way{{name: "nothing that is new", lies: true, try: func(t *thief) gain {
		t.revokeAlice()
		after := func(d time.Duration) bool {
			l := t.gate7.sees(t.c)
			if t.has(endpoint) {
				t.lying = true
				l = t.gate7.looksAt(sight{shown: t.chain, truth: t.c, late: d})
			}
			return t.has(user) && t.admitted(l, "deploy", t.aliceCert)
		}
		if !after(offline - time.Minute) {
			return nil
		}
		if after(offline + time.Minute) {
			t.Error("it goes on for longer than the offline period")
		}
		return func(c *chain) bool { return t.admitted(t.gate7.sees(c), "deploy", t.aliceCert) }
	}}}}
}

// revokeAlice is the rightful administrator's.
func (t *thief) revokeAlice() {
	t.Helper()
	t.must(t.direct(t.c, t.grants, t.at(t.gate7.mailbox, revokeOf(t.aliceGrant))))
}

// hidden is to be let in by a grant that was revoked.
func hidden() *goal {
	return &goal{area: after, name: "outlive a revocation for good", ways: []*way{{name: "a chain without the revocation", lies: true, try: func(t *thief) gain {
		t.revokeAlice()
		l := t.gate7.sees(t.c)
		if shown, ok := t.lies(); ok {
			l = t.deceived(t.gate7, shown)
		}
		if !t.has(user) || !t.admitted(l, "deploy", t.aliceCert) {
			return nil
		}
		return func(c *chain) bool { return t.admitted(t.gate7.sees(c), "deploy", t.aliceCert) }
	}}}}
}

// signer is the CA that he has: the stolen one or his own.
func (t *thief) signer() ssh.Signer {
	if t.has(userCA) {
		return t.world.ca
	}
	return t.thief.ca
}

// admitted presents a certificate, if he has its key.
func (t *thief) admitted(l *look, account string, cert *ssh.Certificate) bool {
	return l.problem == nil && l.admits(account, cert)
}

// trusts reports whether a device takes a CA's word.
func (w *world) trusts(l *look, ca sshkey.Key) bool {
	for fact := range l.state.CAs() {
		if fact.Kind == state.KindCAUser && fact.CA.Key == hashOf(ca) && l.state.Standing(&fact.Fact, l.now.Time) == state.Live {
			return true
		}
	}
	return false
}

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

// rule is an entry of the organisation's scope, and what devices then believe.
func rule(name string, c func(*thief) contracts.Change, wait time.Duration, holds func(*thief, *look) bool) *goal {
	return &goal{area: rules, name: name, ways: []*way{{name: "entered", try: func(t *thief) gain {
		if !t.enter(group(t.org.Org, c(t))) {
			return nil
		}
		due := t.c.time() + uint64(wait/time.Second)
		return func(c *chain) bool { return holds(t, t.gate7.sees(c.until(due))) }
	}}}}
}

func administrator() *goal {
	return &goal{area: rules, name: "become a root administrator", ways: []*way{{name: "entered", try: func(t *thief) gain {
		own := t.thief.accounts[0]
		own.admin = state.RootAdmin(own.account, t.org.Org, t.org.Org)
		if !t.enter(group(t.org.Org, adminEntry(own.admin, state.Never))) {
			return nil
		}
		return t.writes(own)
	}}}}
}

// writes is a gain while an account of the thief's own has a power that counts.
func (t *thief) writes(own holder) gain {
	return func(c *chain) bool {
		return t.direct(c.fork(), own, t.at(t.gate7.mailbox, t.once("trial", func() contracts.Change { return t.put(state.KindGrant, []byte{1}) }))) == nil
	}
}

func removing() *goal {
	return &goal{area: rules, name: "remove administrators", locksOut: true, ways: []*way{{name: "revoked", try: func(t *thief) gain {
		if !t.enter(group(t.org.Org, revokeOf(adminEntry(t.grants.admin, 0)))) {
			return nil
		}
		return func(c *chain) bool { return !t.writes(t.grants)(c) }
	}}}}
}

// silence is to keep from a device what happens.
func silence() *goal {
	return &goal{area: shows, name: "keep news from a device", ways: []*way{{name: "the chain as it was", lies: true, try: func(t *thief) gain {
		cert := t.newlyGranted()
		s := sight{shown: t.c, truth: t.c, late: time.Second}
		if t.has(endpoint) {
			t.lying, s.shown = true, t.chain
		}
		if t.gate7.looksAt(s).admits("operator", cert) {
			return nil
		}
		return func(c *chain) bool { return !t.gate7.sees(c).admits("operator", cert) }
	}}}}
}

// newlyGranted lets alice in to another account, rightfully, after the theft.
func (t *thief) newlyGranted() *ssh.Certificate {
	t.Helper()
	grant := t.once("news", func() contracts.Change {
		return t.grantEntry(t.world.ring, t.gate7.mailbox, state.KindGrant, "operator", t.alice.PublicKey())
	})
	t.must(t.direct(t.c, t.grants, t.at(t.gate7.mailbox, grant)))
	return t.certificate(t.world.ca, t.alice.PublicKey(), grant)
}

// shown is what a chain of his own has a device believe that needs no key to seal.
func shown() *goal {
	return &goal{area: shows, name: "have a device believe another policy", ways: []*way{{name: "a chain of his own", lies: true, try: func(t *thief) gain {
		lie, ok := t.lies(group(t.org.Org, t.loose()))
		if !ok {
			return nil
		}
		if l := t.deceived(t.gate7, lie); l.problem != nil || !isLoose(l) {
			return nil
		}
		return func(c *chain) bool { return isLoose(t.gate7.sees(c)) }
	}}}}
}

// loose is a policy by which a device goes on without news for a month.
func (t *thief) loose() contracts.Change {
	return t.once("policy", func() contracts.Change {
		data, err := state.Policy{Modes: state.ModeCertificateAndGrant | state.ModeGrantedKey, Offline: 30 * 24 * 3600}.Marshal()
		t.must(err)
		return t.put(state.KindPolicy, data)
	})
}

func isLoose(l *look) bool { return l.state.Policy(l.now.Time).Offline > uint32(offline/time.Second) }

func policy() *goal {
	return rule("loosen the policy", (*thief).loose, 0, func(_ *thief, l *look) bool { return isLoose(l) })
}

func threshold() *goal {
	return rule("lower a threshold", func(t *thief) contracts.Change {
		return t.once("limit", func() contracts.Change { return t.limit(state.KindGrantPriv, 1) })
	}, 0, func(_ *thief, l *look) bool { return l.state.Approvals(state.KindGrantPriv, l.now.Time) < 2 })
}

func newGuardians() *goal {
	own := func(t *thief) state.Guardians {
		return state.Guardians{Timelock: state.MinTimelock, Needed: 1, Final: 1, Accounts: []state.Address{t.thief.accounts[0].account}}
	}
	return rule("name guardians, unless those that there are act within twice the timelock", func(t *thief) contracts.Change { return contracts.SetGuardians(own(t)) },
		2*timelock+time.Minute, func(t *thief, l *look) bool { return l.state.Guardianship(l.now.Time).ID == own(t).ID() })
}

func distrusting() *goal {
	return rule("void what others permitted", func(t *thief) contracts.Change {
		return t.once("distrust", func() contracts.Change {
			return t.put(state.KindDistrust, state.Distrust{From: 0, To: t.chain.time()}.Marshal())
		})
	}, 0, func(t *thief, l *look) bool { return !l.admits("deploy", t.aliceCert) })
}

func pointing() *goal {
	to := func(t *thief) state.Pointer {
		return state.Pointer{Direction: state.Successor, ChainID: chainID, Contract: t.chain.contract, Org: state.Word{1}}
	}
	return rule("point the organisation elsewhere, unless the guardians act within theirs", func(t *thief) contracts.Change {
		return t.once("pointer", func() contracts.Change {
			c := t.put(state.KindPointer, to(t).Marshal())
			c.From, c.Until = t.chain.time()+uint64((timelock+time.Hour)/time.Second), state.Never
			return c
		})
	}, timelock+2*time.Hour, func(t *thief, l *look) bool {
		p, ok := l.state.PointsTo(state.Successor, l.now.Time)
		return ok && p == to(t)
	})
}

// endpoints is to have a device ask whom the thief wants it to.
func endpoints() *goal {
	return &goal{area: rules, name: "name endpoints for devices", ways: []*way{{name: "announced", try: func(t *thief) gain {
		// The device takes no bundle but one that its mailbox's secret finds.
		ring := t.ring()
		request := *t.gate7.request
		if !ring.Has(t.gate7.mailbox) {
			request.MailboxSecret = t.thief.gadget.MailboxSecret()
		}
		name := "endpoints"
		if !ring.Has(t.gate7.mailbox) {
			name += ", guessed"
		}
		c := t.once(name, func() contracts.Change {
			m := t.materials("gate-7", t.plant)
			n := t.network
			n.Endpoints = append([]string{"http://thief.example"}, n.Endpoints...)
			text, err := n.Marshal()
			t.must(err)
			m.Network = string(text)
			return t.announce(t.plant, &request, m)
		})
		// Whose signatures an entry bears decides here, more than whether it is taken.
		if !t.together(group(t.plant, c)) {
			return nil
		}
		return func(c *chain) bool { return t.gate7.sees(c).asks > 1 }
	}}}}
}

func freezing() *goal {
	return &goal{area: rules, name: "freeze the organisation for a week", ways: []*way{{name: "signed", try: func(t *thief) gain {
		some := t.guardians[:t.of(guardian)]
		if len(some) == 0 || t.guarded(t.c, some, contracts.Freeze(t.c.time()+state.MaxFreeze)) != nil {
			return nil
		}
		return func(c *chain) bool {
			l := t.gate7.sees(c)
			return l.state.Guardianship(l.now.Time).Frozen(l.now.Time)
		}
	}}}}
}

func taking(name string, veto bool) *goal {
	return &goal{area: rules, name: name, ways: []*way{{name: "recovered", try: func(t *thief) gain {
		t.watched = t.watched || veto
		complete := t.recovery()
		if complete == nil {
			return nil
		}
		return func(c *chain) bool {
			f := c.fork()
			own := complete(f)
			return own != nil && t.writes(*own)(f)
		}
	}}}}
}

// vetoing is to end a recovery that the rightful guardians have begun.
func vetoing() *goal {
	return &goal{area: rules, name: "veto a recovery, once", ways: []*way{{name: "vetoed", try: func(t *thief) gain {
		recovery := state.Recovery{Salt: state.Word{1}, Threshold: 1, Roots: []state.Address{t.thief.accounts[2].account}}
		t.must(t.guarded(t.c, t.guardians[:2], contracts.Recover(recovery)))
		if !t.enter(group(t.org.Org, contracts.VetoRecovery(recovery.ID()))) {
			return nil
		}
		return func(c *chain) bool {
			l := t.gate7.sees(c)
			return l.state.Guardianship(l.now.Time).Epoch == 0
		}
	}}}}
}

// reading is to open a sealed entry.
func reading(name string, which func(*world) (state.Word, contracts.Change)) *goal {
	return &goal{area: secrets, name: name, ways: []*way{{name: "opened", try: func(t *thief) gain {
		scope, c := which(t.world)
		ring := t.ring()
		if !t.opens(ring, scope, c.Subject) {
			return nil
		}
		return func(*chain) bool { return true }
	}}}}
}

func (t *thief) opens(ring *bundle.Ring, scope, subject state.Word) bool {
	t.Helper()
	for _, e := range t.entries(t.c, scope) {
		if e.Subject == subject {
			_, err := ring.Open(scope, e)
			return err == nil
		}
	}
	t.Fatal("no such entry")
	return false
}

// identities are those of the devices that he has, and his own.
func (t *thief) identities() []*bundle.Identity {
	list := []*bundle.Identity{t.thief.gadget}
	if t.has(neighbour) {
		list = append(list, t.gate8.identity)
	}
	if t.has(itself) {
		list = append(list, t.gate7.identity)
	}
	return list
}

func opening() *goal {
	return &goal{area: secrets, name: "open what is delivered to a device", ways: []*way{{name: "opened", try: func(t *thief) gain {
		for _, id := range t.identities() {
			if _, err := id.Open(t.deliveredBlock.Bytes, bundle.Expect{
				Anchor: t.org, Scope: t.gate7.mailbox, Subject: t.delivered.Subject, Purposes: []bundle.Purpose{bundle.PurposeFiles},
			}); err == nil {
				return func(*chain) bool { return true }
			}
		}
		return nil
	}}}}
}

func receipt() *goal {
	return &goal{area: secrets, name: "sign a device's receipts", ways: []*way{{name: "signed", try: func(t *thief) gain {
		for _, id := range t.identities() {
			r, err := id.NewReceipt(t.org, t.gate7.mailbox, t.c.time(), []bundle.Mark{{Scope: t.plant, Seq: 1, Result: bundle.Applied}})
			t.must(err)
			r.SigningKey = t.gate7.request.SigningKey
			if text, err := r.Marshal(); err == nil {
				if _, err := bundle.ParseReceipt(text); err == nil {
					return func(*chain) bool { return true }
				}
			}
		}
		return nil
	}}}}
}
