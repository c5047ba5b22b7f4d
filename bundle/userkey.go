package bundle

import (
	"errors"
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
	// Account and Hosts say what it is for, so that the recipient's ssh can be told:
	// they let nobody in. Empty where the sender does not know.
	Account string      `json:"account,omitempty"`
	Hosts   []LoginHost `json:"hosts,omitempty"` // at most MaxLoginHosts, names strictly ascending
}

// MaxLoginHosts is how many hosts one key may name.
const MaxLoginHosts = 256

// LoginHost is a device to log in to.
type LoginHost struct {
	Name    string     `json:"name"`
	Device  state.Word `json:"device"`
	Address string     `json:"address"`  // HOST:PORT, empty where nobody has said
	HostKey string     `json:"host_key"` // of its enrolment; a host certificate counts more
}

func (u *UserKey) checkHosts() error {
	switch {
	case u.Account != "" && !state.ValidAccount(u.Account):
		return malformed("user key: account %.80q", u.Account)
	case len(u.Hosts) > 0 && u.Account == "" || len(u.Hosts) > MaxLoginHosts:
		return malformed("user key: %d hosts", len(u.Hosts))
	}
	last := ""
	for _, h := range u.Hosts {
		if !state.ValidName(h.Name) || h.Name <= last || h.Device.IsZero() || h.Address != "" && !ValidAddress(h.Address) {
			return malformed("user key: host %.80q at %.80q", h.Name, h.Address)
		}
		if err := checkHostKey(h.HostKey); err != nil {
			return err
		}
		last = h.Name
	}
	return nil
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
	if err := errors.Join(u.Authority.check(), u.checkHosts()); err != nil {
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
