package separation

import (
	"strings"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/state"
)

// ends is what the rest of the organisation does about the theft, in words. What
// they say is done by respond.
func (s set) ends() string {
	if s.lost() {
		return "**nothing**"
	}
	var parts []string
	say := func(c class, n int8, words string) {
		if s[c] == n {
			parts = append(parts, words)
		}
	}
	say(userCA, 1, "`dpki ca revoke --replace`")
	if s[rootAdmin] == 0 && s[grantsAdmin]+s[zoneAdmin]+s[enroller] > 0 {
		parts = append(parts, "two roots: `dpki admin revoke`, `dpki distrust`")
	}
	say(rootAdmin, 1, "the other two roots: `dpki admin revoke`, `dpki distrust`")
	say(rootAdmin, 2, "all guardians: `dpki freeze`, `dpki recover`; the new roots: `dpki distrust`")
	say(guardian, 1, "two roots: `dpki guardian set`")
	say(guardian, 2, "two roots, **within the timelock**: `dpki recover veto`, `dpki guardian set`")
	say(neighbour, 1, "`dpki device retire`, `dpki zone rekey`")
	say(itself, 1, "`dpki device retire`, and enrol it anew")
	say(user, 1, "`dpki revoke`, `dpki deny`")
	say(witnessKey, 1, "the other witnesses name another in its place")
	say(witnessKey, 2, "other witnesses, given to each device by its root")
	say(endpoint, 1, "one look through an honest endpoint")
	return strings.Join(parts, "; ")
}

// lost reports whether the thief outnumbers whoever could take the power back.
func (s set) lost() bool { return s[guardian] == 3 || s[guardian] == 2 && s[rootAdmin] >= 2 }

// respond does what ends says, on the chain as the thief has left it, and returns
// two root administrators who are nobody's but the organisation's.
func (w *world) respond(c *chain, s set) []holder {
	w.Helper()
	c.pass(time.Minute)
	honest, theft := w.roots[s[rootAdmin]:], w.chain.time()+1
	distrusted := append([]holder{}, w.roots[:s[rootAdmin]]...)
	if s[guardian] == 2 {
		w.approve(c, honest, group(w.org.Org, contracts.VetoRecovery(w.thievesRecovery()))) // if there is one
		c.pass(7*24*time.Hour + time.Minute)                                                // a freeze stops what follows
	}
	if len(honest) < 2 {
		w.guarded(c, w.guardians, contracts.Freeze(c.time()+7*24*3600)) // if there is none
		recovery := state.Recovery{Salt: state.Word{2}, Threshold: 2, Roots: []state.Address{w.rescue[0].account, w.rescue[1].account}}
		w.must(w.guarded(c, w.guardians, contracts.Recover(recovery)))
		c.pass(timelock + time.Minute)
		data, err := contracts.PackCompleteRecovery(w.org.Org, w.guard, recovery)
		w.must(err)
		w.must(c.send(w.rescue[0].account, data))
		honest = append([]holder{}, w.rescue...)
		for i := range honest {
			honest[i].admin = state.RootAdmin(honest[i].account, w.org.Org, w.afterComplete(c))
		}
	}
	honest = honest[:2]
	sign := func(g contracts.Group) {
		w.Helper()
		w.must(w.approve(c, honest, g))
	}
	recovered := w.epoch(c) > 0
	for class, h := range map[class]holder{grantsAdmin: w.grants, zoneAdmin: w.officer, enroller: w.enroller} {
		if s[class] > 0 {
			distrusted = append(distrusted, h)
		}
	}
	for _, h := range distrusted {
		if !recovered {
			sign(group(w.org.Org, revokeOf(adminEntry(h.admin, 0))))
		}
		sign(group(w.org.Org, w.put(state.KindDistrust, state.Distrust{Author: h.account, From: theft, To: c.time()}.Marshal())))
	}
	w.lift(c, sign)
	if s[guardian] > 0 {
		others := state.Guardians{Timelock: uint64(timelock / time.Second), Needed: 2, Final: 3, Salt: state.Word{3}, Accounts: w.guard.Accounts[s[guardian]:]}
		others.Accounts = append([]state.Address{}, others.Accounts...)
		for _, h := range w.rescue[:s[guardian]] {
			others.Accounts = append(others.Accounts, h.account)
		}
		others.Accounts = ascending(others.Accounts)
		sign(group(w.org.Org, contracts.SetGuardians(others)))
		c.pass(2*timelock + time.Minute)
	}
	if s[userCA] > 0 {
		for zone, entry := range w.caEntries {
			sign(group(zone, revokeOf(entry)))
		}
	}
	if s[user] > 0 {
		sign(w.at(w.gate7.mailbox, revokeOf(w.aliceGrant)))
		denial := w.put(state.KindDenyClear, nil)
		denial.Subject = hashOf(w.alice)
		sign(group(w.org.Org, denial))
	}
	for class, g := range map[class]*gadget{neighbour: w.gate8, itself: w.gate7} {
		if s[class] > 0 {
			sign(group(g.zone, contracts.Change{Action: state.ActionRevoke, Kind: state.KindDevice, Subject: g.mailbox}))
		}
	}
	return honest
}

// lift takes back what restricts and was entered since the theft, which DISTRUST
// leaves alone, and a limit that was entered since.
func (w *world) lift(c *chain, sign func(contracts.Group)) {
	w.Helper()
	since := w.chain.number()
	ours := map[state.Word]bool{}
	for _, a := range w.entries(c, w.org.Org) {
		if a.Kind == state.KindDistrust && a.Action == state.ActionPut {
			d, err := state.ParseDistrust(a.Data)
			w.must(err)
			ours[a.Subject] = !d.Author.IsZero()
		}
	}
	for _, scope := range []state.Word{w.org.Org, w.plant, w.gate7.mailbox} {
		for _, e := range w.entries(c, scope) {
			if e.Block <= since || e.Action != state.ActionPut || ours[e.Subject] {
				continue
			}
			switch {
			case e.Kind.Restrictive():
				sign(w.at(scope, contracts.Change{Action: state.ActionRevoke, Kind: e.Kind, Subject: e.Subject}))
			case e.Kind == state.KindLimit:
				sign(group(scope, w.limit(state.KindGrantPriv, 2)))
			}
		}
	}
}

// admitsAlice reports whether alice, who was kept out, can be let in again: by a new
// grant, on a device that was enrolled anew where the thief has retired it. by are
// root administrators.
func (w *world) admitsAlice(c *chain, by []holder) bool {
	w.Helper()
	c = c.fork()
	g := w.gate7
	if g.sees(c).state.Retired() {
		g = w.gadget("gate-7", w.plant)
		g.hint = w.plant
		w.must(w.direct(c, by[0], group(w.plant, w.announce(w.plant, g.request, w.materials("gate-7", w.plant)))))
	}
	ring := bundle.NewRing(w.org)
	w.must(ring.AddMailbox(g.mailbox, g.identity.MailboxSecret()))
	grant := w.grantEntry(ring, g.mailbox, state.KindGrant, "deploy", w.alice.PublicKey())
	w.must(w.direct(c, by[0], contracts.Group{Scope: g.mailbox, Salt: g.identity.MailboxSecret().Commitment(), Changes: []contracts.Change{grant}}))
	ca := w.ca
	if !w.trusts(g.sees(c), ca) { // the thief has revoked it
		ca = w.nextCA
		w.must(w.approve(c, by, group(w.plant, w.caEntry(w.ring, w.plant, ca))))
	}
	return g.sees(c).admits("deploy", w.certificate(ca, w.alice.PublicKey(), grant))
}

// readsOn reports whether a thief opens what is written after the zone has another
// key and the device another identity.
func (t *thief) readsOn() bool {
	t.Helper()
	g := t.gadget("gate-7", t.plant)
	next := bundle.NewRing(t.org)
	t.must(next.AddMailbox(g.mailbox, g.identity.MailboxSecret()))
	t.must(next.Add(t.plant, 2, bundle.NewKey()))
	block, delivery := t.delivery(next, g.request.Recipient, g.mailbox)
	ca := t.caEntry(next, t.plant, t.nextCA)
	t.must(t.direct(t.c, t.roots[2], contracts.Group{Scope: g.mailbox, Salt: g.identity.MailboxSecret().Commitment(), Changes: []contracts.Change{delivery}}))
	t.must(t.approve(t.c, t.roots[1:], group(t.plant, ca)))
	if !t.opens(next, g.mailbox, delivery.Subject) || !t.opens(next, t.plant, ca.Subject) {
		t.Error("twin: who has the new keys does not read on")
	}
	ring := t.ring()
	reads := t.opens(ring, g.mailbox, delivery.Subject) || t.opens(ring, t.plant, ca.Subject)
	expect := bundle.Expect{Anchor: t.org, Scope: g.mailbox, Subject: delivery.Subject, Purposes: []bundle.Purpose{bundle.PurposeFiles}}
	if _, err := g.identity.Open(block.Bytes, expect); err != nil {
		t.Errorf("twin: whom it is for does not open it: %v", err)
	}
	for _, id := range t.identities() {
		_, err := id.Open(block.Bytes, expect)
		reads = reads || err == nil
	}
	return reads
}
