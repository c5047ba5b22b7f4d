package authkeys

import (
	"errors"
	"time"

	"dpki/sshca/profile"
	"dpki/state"
)

// Decide answers one request. s may be nil; it denies then.
func Decide(req Request, s *state.State, now Now) Decision {
	return Parse(req).Decide(s, now)
}

// Decide answers the candidate's request from s.
func (c *Candidate) Decide(s *state.State, now Now) Decision {
	var d Decision
	if c.key != nil {
		d.Key, d.CA = c.key.Hash, c.ca
		if c.key.Cert != nil {
			d.Serial = c.key.Cert.Serial
		}
	}
	if d.Reason = c.asked(s, now); d.Reason != Accepted {
		return d
	}
	q := question{Candidate: c, state: s, now: now, policy: s.Policy(now.Time)}
	d.Freshness = FreshnessOf(q.policy, now)
	q.freshness = d.Freshness
	permit, reason := q.permit()
	d.Mode = permit.mode
	if d.Reason = reason; reason != Accepted {
		return d
	}
	if d.Reason = q.restriction(permit); d.Reason != Accepted {
		return d
	}
	line := ""
	if c.req.Stage == StageOffer {
		if line, d.Reason = q.line(permit); d.Reason != Accepted {
			return d
		}
	}
	d.Line, d.Until, d.Flags = line, permit.until, permit.flags
	if permit.grant != nil {
		d.Grant, d.Kind = permit.grant.Subject, permit.grant.Kind
	}
	d.Allow = true
	return d
}

// FreshnessOf says how old the verified State is for this policy.
func FreshnessOf(p state.Policy, now Now) Freshness {
	switch {
	case now.Time == 0 || now.Age < 0 || now.Age > seconds(p.Offline):
		return Offline
	case now.Age > seconds(p.Fresh):
		return Stale
	}
	return Fresh
}

func seconds(n uint32) time.Duration { return time.Duration(n) * time.Second }

// asked is the first check: is there something to decide, and to decide from?
func (c *Candidate) asked(s *state.State, now Now) Reason {
	switch {
	case c.req.Stage < StageOffer || c.req.Stage > StageSudo || !state.ValidAccount(c.req.Account):
		return BadRequest
	case s == nil || s.Head.Number == 0 || now.Time == 0:
		return NotReady
	case s.Scopes.Zone.IsZero() || s.Scopes.Mailbox.IsZero():
		return NotEnrolled
	}
	return c.parse
}

// question is one decision's ground.
type question struct {
	*Candidate
	state     *state.State
	now       Now
	policy    state.Policy
	freshness Freshness
}

// permit is what lets a key in.
type permit struct {
	mode      state.LoginModes
	principal string           // "" for a plain key
	grant     *state.GrantFact // nil in certificate-only mode
	flags     state.GrantFlags
	entered   uint64 // when it was entered, which a DENY with a `before` compares
	until     uint64
}

// permit finds what lets the key in, in one of the three modes.
func (q *question) permit() (permit, Reason) {
	if q.key.Cert == nil {
		return q.grantedKey()
	}
	if r := q.authority(q.state, q.now.Time); r != Accepted {
		return permit{}, r
	}
	principal, err := profile.CheckUser(q.key.Cert)
	if err != nil {
		return permit{}, profileReason(err)
	}
	// profile.CheckUser has bounded both ends, so that the sum cannot overflow.
	switch cert := q.key.Cert; {
	case q.now.Time+StartTolerance < cert.ValidAfter:
		return permit{}, CertificateNotYet
	case q.now.Time >= cert.ValidBefore:
		return permit{}, CertificateExpired
	}
	if principal.Account {
		return q.certificateOnly(principal)
	}
	return q.certificateAndGrant(principal)
}

func profileReason(err error) Reason {
	switch {
	case errors.Is(err, profile.ErrCertType):
		return NotUserCertificate
	case errors.Is(err, profile.ErrNoPrincipal):
		return NoPrincipal
	case errors.Is(err, profile.ErrManyPrincipals):
		return ManyPrincipals
	case errors.Is(err, profile.ErrPrincipal):
		return BadPrincipal
	case errors.Is(err, profile.ErrCriticalOption):
		return CriticalOption
	case errors.Is(err, profile.ErrCertWindow):
		return CertificateWindow
	}
	return CertificateOversized
}

// allowed checks what holds for all grants of a mode: the policy has it, and the State is not too old for anybody.
func (q *question) allowed(mode state.LoginModes) Reason {
	if q.policy.Modes&mode == 0 {
		return ModeNotAllowed
	}
	if q.freshness == Offline {
		return TooOld
	}
	return Accepted
}

func (q *question) certificateAndGrant(p profile.Principal) (permit, Reason) {
	v := permit{mode: state.ModeCertificateAndGrant, principal: p.Text}
	if r := q.allowed(v.mode); r != Accepted {
		return v, r
	}
	g, r := q.best(q.state.Grants(p.Grant))
	if r != Accepted {
		return v, r
	}
	v.use(g)
	v.until = min(v.until, q.key.Cert.ValidBefore)
	if forced := q.key.Cert.CriticalOptions[profile.ForceCommand]; forced != "" && g.Command != "" && forced != g.Command {
		return v, CommandConflict
	}
	return v, Accepted
}

func (q *question) grantedKey() (permit, Reason) {
	v := permit{mode: state.ModeGrantedKey}
	if r := q.allowed(v.mode); r != Accepted {
		return v, r
	}
	g, r := q.best(q.state.GrantsForKey(q.key.Hash))
	if r == Accepted {
		v.use(g)
	}
	return v, r
}

// certificateOnly: the certificate names zone and account itself. It cannot be privileged, for only a GRANT_PRIV is.
func (q *question) certificateOnly(p profile.Principal) (permit, Reason) {
	cert := q.key.Cert
	v := permit{
		mode: state.ModeCertificateOnly, principal: p.Text,
		flags: extensionFlags(cert.Extensions), entered: cert.ValidAfter, until: cert.ValidBefore,
	}
	if r := q.allowed(v.mode); r != Accepted {
		return v, r
	}
	switch {
	case p.Text != profile.AccountPrincipal(q.state.Scopes.Zone, q.req.Account):
		return v, GrantOtherAccount
	case q.privileged():
		return v, NeedsPrivilegedGrant
	}
	return v, Accepted
}

// privileged reports whether only a GRANT_PRIV will do.
func (q *question) privileged() bool {
	return q.policy.NeedsPrivilege(q.req.Account) || q.req.Superuser || q.req.Stage == StageSudo
}

func (v *permit) use(g *state.GrantFact) {
	v.grant, v.flags, v.entered, v.until = g, g.Flags, g.Time, g.Until
}

// restriction checks what refuses a key that was let in.
func (q *question) restriction(v permit) Reason {
	t := q.now.Time
	if q.state.Denied(q.key.Hash, v.entered, t) {
		return Denied
	}
	if cert := q.key.Cert; cert != nil {
		// A DENY may also name the authority, or this very certificate.
		if q.state.Denied(q.ca, v.entered, t) || q.state.Denied(blobHash(q.key.Blob), v.entered, t) {
			return Denied
		}
	}
	if q.state.Retired() {
		return Retired
	}
	if _, ok := q.state.Unreadable(t); ok {
		return Unreadable
	}
	return Accepted
}
