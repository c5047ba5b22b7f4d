package bundle

import (
	"fmt"

	"filippo.io/age"
)

// maxRecipient bounds the text of a recipient; a hybrid one has 1,959
// characters.
const maxRecipient = 2048

// Recipient is the public half of an Identity: where bundles are encrypted to.
type Recipient struct {
	age *age.HybridRecipient
}

// ParseRecipient accepts the canonical text of an age hybrid recipient
// (ML-KEM-768 and X25519, "age1pq1..."). Other age recipients are refused: what
// lies on IPFS is public for ever, so none may rest on elliptic curves alone.
func ParseRecipient(s string) (Recipient, error) {
	if len(s) > maxRecipient {
		return Recipient{}, malformed("recipient of %d characters", len(s))
	}
	r, err := age.ParseHybridRecipient(s)
	if err != nil || r.String() != s {
		return Recipient{}, malformed("recipient %.20q", s)
	}
	return Recipient{age: r}, nil
}

func (r Recipient) String() string {
	if r.age == nil {
		return ""
	}
	return r.age.String()
}

// MarshalText is the age text form.
func (r Recipient) MarshalText() ([]byte, error) {
	if r.age == nil {
		return nil, fmt.Errorf("empty recipient: %w", ErrMalformed)
	}
	return []byte(r.String()), nil
}

// UnmarshalText accepts exactly what MarshalText prints.
func (r *Recipient) UnmarshalText(b []byte) error {
	v, err := ParseRecipient(string(b))
	if err == nil {
		*r = v
	}
	return err
}
