package authkeys

import (
	"crypto/sha256"
	"iter"

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

// tolerate moves now to a start that is at most StartTolerance ahead.
func tolerate(from, now uint64) uint64 {
	if now < from && from-now <= StartTolerance {
		return from
	}
	return now
}

func blobHash(blob []byte) state.Word { return sha256.Sum256(blob) }
