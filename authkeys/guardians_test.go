package authkeys

import (
	"testing"

	"dpki/state"
)

// Two administrators; rows tell who of them is distrusted.
var (
	hacked = state.Address{19: 2}
	third  = state.Address{19: 3}
)

// distrusts are rows about DISTRUST: it voids what permits, whatever the entry
// is, and never what restricts.
var distrusts = []row{
	{"grant at that very second", grantBy(hacked), distrustOf(state.Distrust{Author: hacked, From: now - 60, To: now - 60}, nil), GrantDistrusted},
	{"everybody, at the grant's time", distrustOf(state.Distrust{From: now - 59, To: now}, nil), distrustOf(state.Distrust{From: now - 60, To: now}, func(e *entry) {
		e.subject = word("distrust 2")
	}), GrantDistrusted},
	{"everybody, at the CA's time", nil, distrustOf(state.Distrust{From: now - 3600, To: now - 3600}, nil), CADistrusted},
	{"one of two who signed", func(l *login) { l.grant.with = hacked }, distrustOf(state.Distrust{Author: hacked, To: now}, nil), GrantDistrusted},
	{"in the overlay", grantBy(hacked), distrustOf(state.Distrust{Author: hacked, To: now}, func(e *entry) { e.overlay = true }), GrantDistrusted},
	{"and a reorganisation dropped that", grantBy(hacked), distrustOf(state.Distrust{Author: hacked, To: now}, func(e *entry) { e.sticky = true }), GrantDistrusted},
	{"entered by one who is distrusted himself", both(grantBy(hacked), distrustOf(state.Distrust{Author: third, To: now}, func(e *entry) { e.subject = word("other") })),
		distrustOf(state.Distrust{Author: hacked, To: now}, func(e *entry) { e.author = third }), GrantDistrusted},
	{"plain key", both(plain, grantBy(hacked)), distrustOf(state.Distrust{Author: hacked, To: now}, nil), GrantDistrusted},
	{"privileged", both(privileged, grantBy(hacked)), distrustOf(state.Distrust{Author: hacked, To: now}, nil), GrantDistrusted},
	{"certificate only", both(byAccount, func(l *login) { l.caEntry.author = hacked }), distrustOf(state.Distrust{Author: hacked, To: now}, nil), CADistrusted},
	{"a distrusted author's revoke of a grant counts", distrustOf(state.Distrust{Author: hacked, To: now}, nil), later(func(l *login) entry {
		e := revokeGrant(l)
		e.author = hacked
		return e
	}), GrantRevoked},
	{"a distrusted author's denial counts", distrustOf(state.Distrust{Author: hacked, To: now}, nil), later(func(l *login) entry {
		return entry{scope: l.scopes.Org, kind: state.KindDenyClear, subject: userHash(l), from: now - 600, until: state.Never, author: hacked}
	}), Denied},
	// Lifting a denial gives a right: who is distrusted did not lift it.
	{"a distrusted author's lifting of a denial does not count", both(denyClear, liftedBy(hacked)), distrustOf(state.Distrust{Author: hacked, To: now}, nil), Denied},
}

func grantBy(a state.Address) func(*login) { return grant(func(e *entry) { e.author = a }) }

func distrustOf(d state.Distrust, alter func(*entry)) func(*login) {
	return later(func(l *login) entry {
		e := entry{scope: l.scopes.Org, kind: state.KindDistrust, subject: word("distrust"), from: 1, until: state.Never, raw: string(d.Marshal())}
		if alter != nil {
			alter(&e)
		}
		return e
	})
}

func denyClear(l *login) {
	l.later = append(l.later, entry{scope: l.scopes.Org, kind: state.KindDenyClear, subject: userHash(l), from: now - 600, until: state.Never})
}

func liftedBy(a state.Address) func(*login) {
	return later(func(l *login) entry {
		return entry{scope: l.scopes.Org, kind: state.KindDenyClear, subject: userHash(l), revoke: true, author: a}
	})
}

// What guardians do ends no login by itself: they stop those who write, not
// those who were let in.
func TestGuardiansEndNothing(t *testing.T) {
	guardians := state.Guardians{Timelock: state.MinTimelock, Needed: 1, Final: 1, Accounts: []state.Address{third}}
	recovery := state.Recovery{Threshold: 1, Roots: []state.Address{third}}
	act := func(action state.Action, subject state.Word, until uint64, data []byte) func(*login) {
		return later(func(l *login) entry {
			return entry{scope: l.scopes.Org, kind: state.KindGuardian, action: action, subject: subject, until: until, raw: string(data), author: third}
		})
	}
	named := act(state.ActionPut, guardians.ID(), state.Never, guardians.Marshal())
	recovering := act(state.ActionRecover, recovery.ID(), 0, recovery.Marshal())
	revoked := distrustOf(state.Distrust{Author: hacked, To: now}, nil)
	for _, row := range []struct {
		name string
		edit func(*login)
		is   func(state.Guardianship) bool
	}{
		{"guardians", named, func(g state.Guardianship) bool { return len(g.Guardians.Accounts) == 1 }},
		{"frozen", both(named, act(state.ActionFreeze, state.Word{}, now+3600, nil)), func(g state.Guardianship) bool { return g.Frozen(now) }},
		{"recovering", both(named, recovering), func(g state.Guardianship) bool { return g.Recovery != nil }},
		{"vetoed", both(named, recovering, act(state.ActionVeto, recovery.ID(), 0, nil)), func(g state.Guardianship) bool { return g.Vetoed }},
		{"recovered", both(named, recovering, act(state.ActionComplete, recovery.ID(), 0, nil)), func(g state.Guardianship) bool { return g.Epoch == 1 }},
		{"a DISTRUST that was revoked", both(grantBy(hacked), revoked, later(func(l *login) entry {
			return entry{scope: l.scopes.Org, kind: state.KindDistrust, subject: word("distrust"), revoke: true, author: hacked}
		})), func(state.Guardianship) bool { return true }},
	} {
		for _, as := range []struct {
			name string
			edit func(*login)
		}{{"alice", func(*login) {}}, {"root", privileged}, {"plain key", plain}} {
			l := newLogin(t)
			as.edit(l)
			row.edit(l)
			req, s, n := l.build()
			if !row.is(s.Guardianship(now)) {
				t.Errorf("%s: %+v", row.name, s.Guardianship(now))
			}
			if d := Decide(req, s, n); !d.Allow || d.Reason != Accepted {
				t.Errorf("%s, %s: %v %q", row.name, as.name, d.Reason, d.Text())
			}
		}
	}
}
