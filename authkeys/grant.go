package authkeys

import (
	"crypto/sha256"
	"iter"

	"dpki/sshca/profile"
	"dpki/state"
)

// best picks, among grants that could let the request in, the one that does and ends last; where none does, it reports the one
// that got furthest.
func (q *question) best(grants iter.Seq[*state.GrantFact]) (*state.GrantFact, Reason) {
	var best *state.GrantFact
	reason := GrantUnknown
	for g := range grants {
		switch r := q.judge(g); {
		case r == Accepted && (best == nil || g.Until > best.Until):
			best = g
		case best == nil:
			reason = max(reason, r)
		}
	}
	if best != nil {
		return best, Accepted
	}
	return nil, reason
}

// judge holds one grant against the request. The order is that of the reasons.
func (q *question) judge(g *state.GrantFact) Reason {
	switch {
	// A grant stands in one device's mailbox, or in a zone for all of its devices.
	case g.Scope != q.state.Scopes.Mailbox && g.Scope != q.state.Scopes.Zone:
		return GrantElsewhere
	case g.Key != q.key.Hash:
		return GrantOtherKey
	case g.Account != q.req.Account:
		return GrantOtherAccount
	}
	if r := grantReason(q.state.Standing(&g.Fact, tolerate(g.Fact.From, q.now.Time))); r != Accepted {
		return r
	}
	if q.key.Cert != nil && !q.issuedFor(g) {
		return NotIssuedFor
	}
	if q.privileged() {
		switch {
		case g.Kind != state.KindGrantPriv:
			return NeedsPrivilegedGrant
		case q.freshness != Fresh:
			return NotFresh
		}
	}
	if q.req.Stage == StageSudo && g.Flags&state.GrantSudo == 0 {
		return NoSudo
	}
	return Accepted
}

// issuedFor reports whether the certificate was made for this grant with all that it says, on this device. The grant's id alone does
// not tell: whoever may enter grants can enter the same id again, in a scope where it was not used yet, for more than the CA's holder
// has signed for.
func (q *question) issuedFor(g *state.GrantFact) bool {
	t := profile.Terms{Zone: q.state.Scopes.Zone, Kind: g.Kind, Grant: g.Grant}
	if g.Scope == q.state.Scopes.Mailbox {
		if t.Device = q.state.Name; t.Device == "" {
			return false // its own grants are not the zone's
		}
	}
	id, err := profile.GrantKeyID(g.Subject, t)
	return err == nil && q.key.Cert.KeyId == id
}

// tolerate moves now to a start that is at most StartTolerance ahead.
func tolerate(from, now uint64) uint64 {
	if now < from && from-now <= StartTolerance {
		return from
	}
	return now
}

func blobHash(blob []byte) state.Word { return sha256.Sum256(blob) }
