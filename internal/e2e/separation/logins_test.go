package separation

import (
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/contracts"
	"dpki/internal/harness/sshkey"
	"dpki/state"
)

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

// admitted presents a certificate whose key he has.
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
