package authkeys

import (
	"errors"

	"dpki/sshca/profile"
	"dpki/state"
)

// Candidate is a request whose key was parsed, once. It keeps what does not depend on the State, so that a decision after a
// refresh costs no second signature check. It is not safe for concurrent use.
type Candidate struct {
	req      Request
	key      *profile.Key
	ca       state.Word // of key.Cert.SignatureKey
	parse    Reason     // Accepted, or why the key is refused
	verified Reason     // Undecided until the signature is checked, then Accepted or why not
}

// Parse reads the request's key. It never fails: what is wrong is in every later answer.
func Parse(req Request) *Candidate {
	c := &Candidate{req: req}
	key, err := profile.ParseText(req.KeyType, req.Key)
	if err != nil {
		c.parse = parseReason(err)
		return c
	}
	c.key, c.parse = key, Accepted
	if key.Cert != nil {
		c.ca = profile.Hash(key.Cert.SignatureKey)
	}
	return c
}

func parseReason(err error) Reason {
	switch {
	case errors.Is(err, profile.ErrTooLong):
		return KeyTooLong
	case errors.Is(err, profile.ErrKeyType):
		return KeyTypeMismatch
	case errors.Is(err, profile.ErrAuthority):
		return CertificateAsAuthority
	case errors.Is(err, profile.ErrAlgorithm):
		return KeyAlgorithm
	}
	return KeyMalformed
}

// Plain reports whether a plain key is offered, which no signature vouches for.
func (c *Candidate) Plain() bool { return c.key != nil && c.key.Cert == nil }

// Vouched reports whether a user CA that is live in s has signed the certificate: the question before a request may cost
// network traffic. Strangers' keys and certificates are not vouched for.
func (c *Candidate) Vouched(s *state.State, now uint64) bool {
	return s != nil && c.parse == Accepted && c.key.Cert != nil && c.authority(s, now) == Accepted
}

// authority checks the certificate's CA first and then, once, its signature: a signature by an unknown CA is not worth its time.
func (c *Candidate) authority(s *state.State, now uint64) Reason {
	standing, otherUse := s.CA(state.KindCAUser, c.ca, now)
	if otherUse {
		return CAWrongKind
	}
	if r := caReason(standing); r != Accepted {
		return r
	}
	if c.verified == Undecided {
		c.verified = signatureReason(profile.CheckSignature(c.key.Cert))
	}
	return c.verified
}

func signatureReason(err error) Reason {
	switch {
	case err == nil:
		return Accepted
	case errors.Is(err, profile.ErrSignatureType):
		return SignatureAlgorithm
	case errors.Is(err, profile.ErrAuthority):
		return CertificateAsAuthority
	}
	return SignatureWrong
}
