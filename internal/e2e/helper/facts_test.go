package helper

import (
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness/sshkey"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"
)

// cert is a good certificate of u for a grant.
func (s *site) cert(u user, subject state.Word) *ssh.Certificate {
	s.t.Helper()
	c, err := sshca.IssueGrant(s.ca, u.signer.PublicKey(), sshca.Grant{Subject: subject, Until: uint64(time.Now().Unix()) + 600, Terms: s.terms(subject)})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// TestFactsDecide changes one fact at a time under one sshd: each refusal stands between two logins that are accepted.
func TestFactsDecide(t *testing.T) {
	s := newSite(t)
	s.daemon()
	alice, bob := newUser(t), newUser(t)
	step := func(name string, u user, account string, subject state.Word, want bool) {
		t.Helper()
		if err := s.present(u, account, s.cert(u, subject)); (err == nil) != want {
			t.Errorf("%s: logged in: %v, want %v (%v)", name, err == nil, want, err)
		}
	}
	first := s.grant(alice, "first", state.Grant{Account: "alice"})
	step("granted", alice, "alice", first, true)
	step("as somebody else", alice, "bob", first, false)
	step("as root", alice, "root", first, false)
	step("with somebody else's key", bob, "alice", first, false)
	if err := s.present(alice, "nobody-here", s.cert(alice, first)); err == nil {
		t.Error("an account that does not exist logged in")
	}
	step("still granted", alice, "alice", first, true)

	s.add(state.Entry{Action: state.ActionRevoke, Kind: state.KindGrant, Subject: first}, s.scopes.Mailbox)
	step("revoked", alice, "alice", first, false)
	second := s.grant(alice, "second", state.Grant{Account: "alice"})
	step("granted again", alice, "alice", second, true)

	now := uint64(time.Now().Unix())
	ended := state.Entry{Kind: state.KindGrant, Subject: word("ended"), From: now - 60, Until: now,
		Data: payload(t, state.Grant{Account: "alice", Key: profile.Hash(alice.signer.PublicKey())})}
	s.add(ended, s.scopes.Mailbox)
	step("ended this second", alice, "alice", word("ended"), false)
	later := ended
	later.Subject, later.From, later.Until = word("later"), now+600, now+900
	s.add(later, s.scopes.Mailbox)
	step("not yet valid", alice, "alice", word("later"), false)
	elsewhere := ended
	elsewhere.Subject, elsewhere.Until = word("elsewhere"), now+900
	s.add(elsewhere, word("another device"))
	step("for another device", alice, "alice", word("elsewhere"), false)
	asRoot := elsewhere
	asRoot.Subject, asRoot.Data = word("as root"), payload(t, state.Grant{Account: "root", Key: profile.Hash(alice.signer.PublicKey())})
	s.add(asRoot, s.scopes.Mailbox)
	step("root under GRANT", alice, "root", word("as root"), false)
	step("root under GRANT_PRIV", alice, "root", s.grant(alice, "privileged", state.Grant{Account: "root"}), true)

	deny := state.Entry{Kind: state.KindDeny, Subject: word("deny"), Data: payload(t, state.Deny{Key: profile.Hash(alice.signer.PublicKey()), Before: state.Never})}
	s.add(deny, s.scopes.Zone)
	step("denied", alice, "alice", second, false)
	s.add(state.Entry{Action: state.ActionRevoke, Kind: state.KindDeny, Subject: word("deny")}, s.scopes.Zone)
	step("no longer denied", alice, "alice", second, true)
	s.add(state.Entry{Kind: state.KindDeny, Subject: word("sealed"), Data: []byte("of an unknown version")}, s.scopes.Zone)
	step("a denial that cannot be read", alice, "alice", second, false)
	s.add(state.Entry{Action: state.ActionRevoke, Kind: state.KindDeny, Subject: word("sealed")}, s.scopes.Zone)
	step("that denial revoked", alice, "alice", second, true)

	s.add(state.Entry{Action: state.ActionRevoke, Kind: state.KindCAUser, Subject: word("ca")}, s.scopes.Zone)
	step("CA revoked", alice, "alice", second, false)
	s.ca = sshkey.New(t)
	s.add(state.Entry{Kind: state.KindCAUser, Subject: word("ca 2"), Data: payload(t, state.CA{Key: profile.Hash(s.ca.PublicKey())})}, s.scopes.Zone)
	step("a new CA", alice, "alice", second, true)
	s.add(state.Entry{Action: state.ActionRevoke, Kind: state.KindDevice, Subject: s.scopes.Mailbox}, s.scopes.Zone)
	step("device retired", alice, "alice", second, false)
}

// A plain key logs in where the zone says so, by a grant alone, and never where it does not.
func TestGrantedKeyInSshd(t *testing.T) {
	s := newSite(t)
	s.daemon()
	alice, bob := newUser(t), newUser(t)
	s.grant(alice, "alice's", state.Grant{Account: "alice"})
	if got := s.login(alice, "alice", "", "true"); got.Code != 255 {
		t.Errorf("by default: %+v", got)
	}
	s.add(state.Entry{Kind: state.KindPolicy, Subject: word("policy"), Data: payload(t, state.Policy{Modes: state.ModeGrantedKey})}, s.scopes.Zone)
	if got := s.login(alice, "alice", "", "id", "-un"); got.Code != 0 || got.Stdout != "alice\n" {
		t.Errorf("with the policy: %+v", got)
	}
	if got := s.login(bob, "alice", "", "true"); got.Code != 255 {
		t.Errorf("another key: %+v", got)
	}
	s.add(state.Entry{Action: state.ActionRevoke, Kind: state.KindGrant, Subject: word("alice's")}, s.scopes.Mailbox)
	if got := s.login(alice, "alice", "", "true"); got.Code != 255 {
		t.Errorf("revoked: %+v", got)
	}
}
