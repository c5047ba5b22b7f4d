package session

import (
	"crypto/sha256"
	"encoding/base64"

	"dpki/authkeys"
	"dpki/sshca/profile"
	"dpki/state"
)

// Extent says until when a session may last by this State: the latest end among the live grants for its account and key on this
// device, so that a new grant extends it without a login. With a certificate its authority must be live too; without a grant
// (certificate only) the certificate's end is the session's. It has the form of Manager.Extent once State and time are bound.
//
// Freshness does not count: a session that was let in while the device was fresh runs to its end without the network, like any
// other fact that the device has verified. s may be nil, and ends the session.
func Extent(s *state.State, now uint64, q Session) (uint64, authkeys.Reason) {
	if s == nil || now == 0 {
		return 0, authkeys.NotReady
	}
	if s.Retired() {
		return 0, authkeys.Retired
	}
	if _, ok := s.Unreadable(now); ok {
		return 0, authkeys.Unreadable
	}
	if !q.CA.IsZero() {
		if standing, _ := s.CA(state.KindCAUser, q.CA, now); standing != state.Live {
			return 0, authkeys.CAReason(standing)
		}
	}
	if q.Mode == state.ModeCertificateOnly {
		return certificateExtent(s, now, q)
	}
	return grantExtent(s, now, q)
}

func grantExtent(s *state.State, now uint64, q Session) (until uint64, why authkeys.Reason) {
	policy := s.Policy(now)
	why = authkeys.GrantUnknown
	for g := range s.GrantsForKey(q.Hash) {
		if g.Account != q.Account || g.Scope != s.Scopes.Mailbox && g.Scope != s.Scopes.Zone {
			continue
		}
		r := authkeys.GrantReason(s.Standing(&g.Fact, max(now, min(g.Fact.From, now+authkeys.StartTolerance))))
		switch {
		case r != authkeys.Accepted:
		case (policy.NeedsPrivilege(g.Account) || q.Superuser) && g.Kind != state.KindGrantPriv:
			r = authkeys.NeedsPrivilegedGrant
		case q.denied(s, g.Time, now):
			r = authkeys.Denied
		}
		if r == authkeys.Accepted {
			until = max(until, g.Until)
		} else if g.Subject == q.Grant || why == authkeys.GrantUnknown {
			why = r // what became of the grant that let the session in
		}
	}
	if until > 0 {
		return until, authkeys.Accepted
	}
	return 0, why
}

func certificateExtent(s *state.State, now uint64, q Session) (uint64, authkeys.Reason) {
	key, err := profile.ParseText(q.KeyType, q.Key)
	switch {
	case err != nil || key.Cert == nil || q.CA.IsZero():
		return 0, authkeys.KeyMalformed
	case s.Policy(now).Modes&state.ModeCertificateOnly == 0:
		return 0, authkeys.ModeNotAllowed
	case q.denied(s, key.Cert.ValidAfter, now):
		return 0, authkeys.Denied
	case s.Policy(now).NeedsPrivilege(q.Account), q.Superuser:
		return 0, authkeys.NeedsPrivilegedGrant
	case key.Cert.ValidBefore <= now:
		return 0, authkeys.CertificateExpired
	}
	return key.Cert.ValidBefore, authkeys.Accepted
}

// denied asks for the key, its authority and the certificate itself: a DENY may name any of them.
func (q Session) denied(s *state.State, entered, now uint64) bool {
	blob, err := base64.StdEncoding.DecodeString(q.Key)
	if err != nil || s.Denied(q.Hash, entered, now) || s.Denied(sha256.Sum256(blob), entered, now) {
		return true
	}
	return !q.CA.IsZero() && s.Denied(q.CA, entered, now)
}
