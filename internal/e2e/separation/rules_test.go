package separation

import (
	"time"

	"dpki/contracts"
	"dpki/state"
)

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
