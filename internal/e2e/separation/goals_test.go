package separation

import (
	"dpki/contracts"
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
