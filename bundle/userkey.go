package bundle

import (
	"fmt"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
	"dpki/state"
)

// UserKey is the content of purpose 3: a key for logging in elsewhere and its
// certificate.
type UserKey struct {
	Version     int        `json:"version"`     // 1
	Name        string     `json:"name"`        // of the file, state.ValidName
	PrivateKey  PrivateKey `json:"private_key"` // empty: the recipient has it, and it never travelled
	Certificate string     `json:"certificate"` // "TYPE BASE64", by the profile of user certificates
	Authority   Authority  `json:"authority"`   // the CA_USER entry
}

// Marshal checks and encodes the content.
func (u *UserKey) Marshal() ([]byte, error) {
	if _, err := u.Cert(); err != nil {
		return nil, err
	}
	return marshalContent(u)
}

// ParseUserKey decodes the content of a bundle with purpose 3. Whether its CA is
// trusted is the recipient's question.
func ParseUserKey(b []byte) (*UserKey, error) {
	u := &UserKey{}
	if err := decodeStrict(b, MaxContent, u); err != nil {
		return nil, fmt.Errorf("user key: %w", err)
	}
	if _, err := u.Cert(); err != nil {
		return nil, err
	}
	return u, nil
}

// Cert is the certificate, checked: profile, signature, and that the private key
// is its own.
func (u *UserKey) Cert() (*ssh.Certificate, error) {
	switch {
	case u.Version != 1:
		return nil, malformed("user key of version %d", u.Version)
	case !state.ValidName(u.Name):
		return nil, malformed("user key: name %.80q", u.Name)
	}
	if err := u.Authority.check(); err != nil {
		return nil, err
	}
	cert, err := parseCertificate(u.Certificate)
	if err != nil {
		return nil, err
	}
	if _, err := profile.CheckUser(cert); err != nil {
		return nil, fmt.Errorf("user key: %w: %w", err, ErrMalformed)
	}
	return cert, u.PrivateKey.fits(cert.Key)
}
