package authkeys

import (
	"encoding/base64"

	"dpki/state"
)

// Decision is the answer to one Request. The zero value denies.
type Decision struct {
	Allow     bool
	Reason    Reason
	Freshness Freshness
	Mode      state.LoginModes // one mode, or 0 where it was not found out
	Key       state.Word       // sha-256 of the public key blob; zero where it did not parse
	CA        state.Word       // sha-256 of the authority's key blob; zero for a plain key
	Serial    uint64           // of the certificate

	// The rest is set only where Allow is.

	Line  string           // for sshd, without a line end; StageOffer only
	Grant state.Word       // the grant's subject; zero in certificate-only mode
	Kind  state.Kind       // the grant's kind
	Flags state.GrantFlags // the grant's flags
	Until uint64           // the earlier of the grant's and the certificate's end, Unix seconds
}

// Text is the refusal in words and what to do next; empty where Allow is set.
func (d Decision) Text() string {
	if d.Allow {
		return ""
	}
	r := d.Reason
	if r == Accepted {
		r = Undecided
	}
	return r.String() + "; " + r.Hint()
}

// Fingerprint is the key's as ssh-keygen -l shows it, or "" where it did not parse.
func (d Decision) Fingerprint() string { return fingerprint(d.Key) }

// CAFingerprint is the authority's, or "".
func (d Decision) CAFingerprint() string { return fingerprint(d.CA) }

func fingerprint(w state.Word) string {
	if w.IsZero() {
		return ""
	}
	return "SHA256:" + base64.RawStdEncoding.EncodeToString(w[:])
}
