package separation

import (
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/contracts"
	"dpki/state"
)

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
