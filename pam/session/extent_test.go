package session

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"testing"

	"dpki/authkeys"
	"dpki/state"
)

const now = 1_800_000_000

func word(s string) state.Word { return sha256.Sum256([]byte(s)) }

var scopes = state.Scopes{Org: word("org"), Zone: word("zone"), Mailbox: word("device")}

type clear struct{}

func (clear) Open(_ state.Word, e *state.Entry) ([]byte, error) {
	if string(e.Data) == "unreadable" {
		return nil, io.ErrUnexpectedEOF
	}
	return e.Data, nil
}

// history is a log that the test writes.
type history struct {
	t     *testing.T
	facts *state.Facts
	seq   uint64

	author state.Address
}

func newHistory(t *testing.T) *history {
	return &history{t: t, facts: state.NewFacts(), author: state.Address{1}}
}

func (h *history) state() *state.State {
	return &state.State{Scopes: scopes, Head: state.Head{Number: 100}, Safe: 100, Finalized: 100, Confirmed: h.facts}
}

func (h *history) put(scope state.Word, kind state.Kind, subject string, until uint64, payload interface{ Marshal() ([]byte, error) }) *history {
	h.t.Helper()
	b, err := payload.Marshal()
	if err != nil {
		h.t.Fatal(err)
	}
	return h.raw(scope, kind, subject, until, b)
}

func (h *history) raw(scope state.Word, kind state.Kind, subject string, until uint64, data []byte) *history {
	h.apply(scope, &state.Entry{Action: state.ActionPut, Kind: kind, Subject: word(subject), From: now - 100, Until: until, Data: data})
	return h
}

func (h *history) revoke(scope state.Word, kind state.Kind, subject state.Word) *history {
	h.apply(scope, &state.Entry{Action: state.ActionRevoke, Kind: kind, Subject: subject})
	return h
}

func (h *history) apply(scope state.Word, e *state.Entry) {
	h.seq++
	e.Seq, e.Block, e.Time, e.Authors = h.seq, 10, now-100, []state.Address{h.author}
	h.facts.Apply(scopes, scope, e, clear{})
}

func grant(account string) state.Grant { return state.Grant{Account: account, Key: word("key")} }

var blob = []byte("a credential")

func alice() Session {
	return Session{Account: "alice", Hash: word("key"), CA: word("ca"), Grant: word("g1"), Mode: state.ModeCertificateAndGrant, Key: base64.StdEncoding.EncodeToString(blob)}
}

func TestExtent(t *testing.T) {
	const until = now + 300
	base := func(t *testing.T) *history {
		return newHistory(t).put(scopes.Zone, state.KindCAUser, "ca", now+9000, state.CA{Key: word("ca")}).
			put(scopes.Mailbox, state.KindGrant, "g1", until, grant("alice"))
	}
	for _, c := range []struct {
		name  string
		h     func(*testing.T) *history
		s     func() Session
		until uint64
		why   authkeys.Reason
	}{
		{"live", base, alice, until, authkeys.Accepted},
		{"a second grant extends it", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrant, "g2", until+50, grant("alice"))
		}, alice, until + 50, authkeys.Accepted},
		{"a shorter grant does not shorten it", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrant, "g2", until-50, grant("alice"))
		}, alice, until, authkeys.Accepted},
		{"the zone's grant counts", func(t *testing.T) *history {
			return base(t).put(scopes.Zone, state.KindGrant, "g2", until+50, grant("alice"))
		}, alice, until + 50, authkeys.Accepted},
		{"another account's grant does not", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrant, "g2", until+50, grant("bob"))
		}, alice, until, authkeys.Accepted},
		{"another key's grant does not", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrant, "g2", until+50, state.Grant{Account: "alice", Key: word("other")})
		}, alice, until, authkeys.Accepted},
		{"revoked", func(t *testing.T) *history { return base(t).revoke(scopes.Mailbox, state.KindGrant, word("g1")) }, alice, 0, authkeys.GrantRevoked},
		{"revoked, but another lives", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrant, "g2", until+50, grant("alice")).revoke(scopes.Mailbox, state.KindGrant, word("g1"))
		}, alice, until + 50, authkeys.Accepted},
		{"expired", func(t *testing.T) *history {
			return newHistory(t).put(scopes.Zone, state.KindCAUser, "ca", now+9000, state.CA{Key: word("ca")}).
				put(scopes.Mailbox, state.KindGrant, "g1", now, grant("alice"))
		}, alice, 0, authkeys.GrantExpired},
		{"its own grant's reason is told", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrant, "g0", now, grant("alice")).revoke(scopes.Mailbox, state.KindGrant, word("g1"))
		}, alice, 0, authkeys.GrantRevoked},
		{"no grant", func(t *testing.T) *history {
			return newHistory(t).put(scopes.Zone, state.KindCAUser, "ca", now+9000, state.CA{Key: word("ca")})
		}, alice, 0, authkeys.GrantUnknown},
		{"CA revoked", func(t *testing.T) *history { return base(t).revoke(scopes.Zone, state.KindCAUser, word("ca")) }, alice, 0, authkeys.CARevoked},
		{"no CA, plain key", func(t *testing.T) *history { return base(t).revoke(scopes.Zone, state.KindCAUser, word("ca")) },
			func() Session { s := alice(); s.CA = state.Word{}; return s }, until, authkeys.Accepted},
		{"device retired", func(t *testing.T) *history { return base(t).revoke(scopes.Zone, state.KindDevice, scopes.Mailbox) }, alice, 0, authkeys.Retired},
		{"author distrusted", func(t *testing.T) *history {
			return base(t).raw(scopes.Org, state.KindDistrust, "d", state.Never, state.Distrust{From: now - 100, To: now - 100}.Marshal())
		}, alice, 0, authkeys.CADistrusted},
		{"the grant's author distrusted", func(t *testing.T) *history {
			h := newHistory(t).put(scopes.Zone, state.KindCAUser, "ca", now+9000, state.CA{Key: word("ca")})
			h.author = state.Address{2}
			h.put(scopes.Mailbox, state.KindGrant, "g1", until, grant("alice"))
			h.author = state.Address{1}
			return h.raw(scopes.Org, state.KindDistrust, "d", state.Never, state.Distrust{Author: state.Address{2}, From: now - 100, To: now - 100}.Marshal())
		}, alice, 0, authkeys.GrantDistrusted},
		{"somebody else distrusted", func(t *testing.T) *history {
			return base(t).raw(scopes.Org, state.KindDistrust, "d", state.Never, state.Distrust{Author: state.Address{2}, From: now - 100, To: now - 100}.Marshal())
		}, alice, until, authkeys.Accepted},
		{"distrusted for another time", func(t *testing.T) *history {
			return base(t).raw(scopes.Org, state.KindDistrust, "d", state.Never, state.Distrust{From: now - 99, To: now - 98}.Marshal())
		}, alice, until, authkeys.Accepted},
		{"a freeze ends nothing", func(t *testing.T) *history {
			h := base(t)
			h.apply(scopes.Org, &state.Entry{Action: state.ActionFreeze, Kind: state.KindGuardian, Until: now + 7*86400})
			return h
		}, alice, until, authkeys.Accepted},
		{"a recovery ends nothing", func(t *testing.T) *history {
			h := base(t)
			h.apply(scopes.Org, &state.Entry{Action: state.ActionComplete, Kind: state.KindGuardian, Subject: word("recovery")})
			return h
		}, alice, until, authkeys.Accepted},
		{"key denied", func(t *testing.T) *history {
			return base(t).put(scopes.Zone, state.KindDeny, "d", now+9000, state.Deny{Key: word("key"), Before: state.Never})
		}, alice, 0, authkeys.Denied},
		{"certificate denied", func(t *testing.T) *history {
			return base(t).put(scopes.Zone, state.KindDeny, "d", now+9000, state.Deny{Key: sha256.Sum256(blob), Before: state.Never})
		}, alice, 0, authkeys.Denied},
		{"authority denied", func(t *testing.T) *history {
			return base(t).put(scopes.Zone, state.KindDeny, "d", now+9000, state.Deny{Key: word("ca"), Before: state.Never})
		}, alice, 0, authkeys.Denied},
		{"another key denied", func(t *testing.T) *history {
			return base(t).put(scopes.Zone, state.KindDeny, "d", now+9000, state.Deny{Key: word("other"), Before: state.Never})
		}, alice, until, authkeys.Accepted},
		{"guardians freeze", frozen(base), alice, until, authkeys.Accepted},
		{"a restriction that cannot be read", func(t *testing.T) *history {
			return base(t).raw(scopes.Zone, state.KindDeny, "d", now+9000, []byte("unreadable"))
		}, alice, 0, authkeys.Unreadable},
		{"root under GRANT", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrant, "g2", until, grant("root"))
		}, func() Session { s := alice(); s.Account, s.Grant = "root", word("g2"); return s }, 0, authkeys.NeedsPrivilegedGrant},
		{"root under GRANT_PRIV", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrantPriv, "g2", until, grant("root"))
		}, func() Session { s := alice(); s.Account, s.Grant = "root", word("g2"); return s }, until, authkeys.Accepted},
		{"uid 0 by another name, extended by a GRANT", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrantPriv, "g2", until, grant("toor")).put(scopes.Mailbox, state.KindGrant, "g3", until+9000, grant("toor"))
		}, func() Session { s := alice(); s.Account, s.Grant, s.Superuser = "toor", word("g2"), true; return s }, until, authkeys.Accepted},
		{"uid 0 by another name, extended by a GRANT_PRIV", func(t *testing.T) *history {
			return base(t).put(scopes.Mailbox, state.KindGrantPriv, "g2", until, grant("toor")).put(scopes.Mailbox, state.KindGrantPriv, "g3", until+9000, grant("toor"))
		}, func() Session { s := alice(); s.Account, s.Grant, s.Superuser = "toor", word("g2"), true; return s }, until + 9000, authkeys.Accepted},
		{"certificate only, but not a certificate", base, func() Session { s := alice(); s.Mode = state.ModeCertificateOnly; return s }, 0, authkeys.KeyMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			until, why := Extent(c.h(t).state(), now, c.s())
			if until != c.until || why != c.why {
				t.Errorf("got %d, %q; want %d, %q", until, why, c.until, c.why)
			}
		})
	}
}

// frozen adds guardians and a freeze of theirs that is in force: it stops those who write, not those who were let in.
func frozen(before func(*testing.T) *history) func(*testing.T) *history {
	return func(t *testing.T) *history {
		h := before(t)
		g := state.Guardians{Timelock: state.MinTimelock, Needed: 1, Final: 1, Accounts: []state.Address{{1}}}
		h.apply(scopes.Org, &state.Entry{Action: state.ActionPut, Kind: state.KindGuardian, Subject: g.ID(), Until: state.Never, Data: g.Marshal()})
		h.apply(scopes.Org, &state.Entry{Action: state.ActionFreeze, Kind: state.KindGuardian, Until: now + 3600})
		if !h.state().Guardianship(now).Frozen(now) {
			t.Error("nothing is frozen")
		}
		return h
	}
}

func TestExtentOfNothing(t *testing.T) {
	if until, why := Extent(nil, now, alice()); until != 0 || why == authkeys.Accepted {
		t.Errorf("no State: %d, %v", until, why)
	}
	if until, why := Extent(&state.State{}, now, alice()); until != 0 || why == authkeys.Accepted {
		t.Errorf("zero State: %d, %v", until, why)
	}
	if until, why := Extent(newHistory(t).put(scopes.Mailbox, state.KindGrant, "g1", now+9, grant("alice")).state(), 0, alice()); until != 0 || why == authkeys.Accepted {
		t.Errorf("no time: %d, %v", until, why)
	}
}
