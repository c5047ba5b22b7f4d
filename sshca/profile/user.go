package profile

import (
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"
)

// Critical options of PROTOCOL.certkeys that sshd itself enforces and that a certificate of another issuer may carry.
const (
	ForceCommand   = "force-command"
	SourceAddress  = "source-address"
	VerifyRequired = "verify-required"
)

const (
	// MaxWindow is the longest validity of a certificate that carries its own window, in seconds.
	MaxWindow = 400 * 24 * 3600

	maxKeyID   = 256 // bytes
	maxOptions = 32
)

// Errors of the user certificate profile.
var (
	ErrNotCertificate = errors.New("not a certificate")
	ErrCertType       = errors.New("not a user certificate")
	ErrNoPrincipal    = errors.New("certificate has no principal")
	ErrManyPrincipals = errors.New("certificate has more than one principal")
	ErrCriticalOption = errors.New("critical option is not known")
	ErrCertWindow     = errors.New("certificate's window is not the profile's")
	ErrSignatureType  = errors.New("signature algorithm is not accepted")
	ErrSignature      = errors.New("certificate's signature is wrong")
	ErrOversized      = errors.New("certificate has too many or too long fields")
)

// CheckUser holds a user certificate against the profile and returns its only principal. It looks at neither the signature
// (CheckSignature) nor the authority nor the time: those need facts that this package has not.
func CheckUser(cert *ssh.Certificate) (Principal, error) {
	if cert == nil {
		return Principal{}, ErrNotCertificate
	}
	if cert.CertType != ssh.UserCert {
		return Principal{}, ErrCertType
	}
	switch len(cert.ValidPrincipals) {
	case 0:
		return Principal{}, ErrNoPrincipal
	case 1:
	default:
		return Principal{}, ErrManyPrincipals
	}
	p, err := ParsePrincipal(cert.ValidPrincipals[0])
	if err != nil {
		return Principal{}, err
	}
	for name, value := range cert.CriticalOptions {
		if !knownCritical(name, value) {
			return Principal{}, fmt.Errorf("%w: %.64q", ErrCriticalOption, name)
		}
	}
	if len(cert.KeyId) > maxKeyID || len(cert.Extensions) > maxOptions || len(cert.Reserved) != 0 {
		return Principal{}, ErrOversized
	}
	if err := checkWindow(cert, p); err != nil {
		return Principal{}, err
	}
	return p, nil
}

func knownCritical(name, value string) bool {
	switch name {
	case ForceCommand, SourceAddress:
		return value != ""
	case VerifyRequired:
		return value == ""
	}
	return false
}

// checkWindow: a grant carries the start, so that a certificate can be made before its grant is mined; without a grant the
// certificate carries both ends.
func checkWindow(cert *ssh.Certificate, p Principal) error {
	// sshd and x/crypto read the ends as signed numbers in places: refuse what changes sign, and with it "for ever".
	if cert.ValidBefore > 1<<62 || cert.ValidAfter >= cert.ValidBefore {
		return ErrCertWindow
	}
	if !p.Account {
		if cert.ValidAfter != 0 {
			return ErrCertWindow
		}
		return nil
	}
	if cert.ValidAfter == 0 || cert.ValidBefore-cert.ValidAfter > MaxWindow {
		return ErrCertWindow
	}
	return nil
}

// signatureTypes lists, per type of the authority's key, the only signature algorithm that is accepted: no SHA-1, and SHA-512
// with RSA.
var signatureTypes = map[string]string{
	ssh.KeyAlgoED25519:    ssh.KeyAlgoED25519,
	ssh.KeyAlgoECDSA256:   ssh.KeyAlgoECDSA256,
	ssh.KeyAlgoECDSA384:   ssh.KeyAlgoECDSA384,
	ssh.KeyAlgoECDSA521:   ssh.KeyAlgoECDSA521,
	ssh.KeyAlgoSKED25519:  ssh.KeyAlgoSKED25519,
	ssh.KeyAlgoSKECDSA256: ssh.KeyAlgoSKECDSA256,
	ssh.KeyAlgoRSA:        ssh.KeyAlgoRSASHA512,
}

// CheckSignature verifies that the key named in the certificate as its authority has signed it. Whether that key is an
// authority of anything is for the caller to decide, and first.
func CheckSignature(cert *ssh.Certificate) error {
	if cert == nil || cert.SignatureKey == nil || cert.Signature == nil {
		return ErrSignature
	}
	if _, ok := cert.SignatureKey.(*ssh.Certificate); ok {
		return ErrAuthority
	}
	want, ok := signatureTypes[cert.SignatureKey.Type()]
	if !ok || cert.Signature.Format != want {
		return ErrSignatureType
	}
	if err := cert.SignatureKey.Verify(signedBytes(cert), cert.Signature); err != nil {
		return ErrSignature
	}
	return nil
}

// signedBytes is the certificate up to its signature field (PROTOCOL.certkeys, "signature is computed over all preceding
// fields"). Without a signature Marshal ends with the field's length, four zero bytes.
func signedBytes(cert *ssh.Certificate) []byte {
	c := *cert
	c.Signature = nil
	b := c.Marshal()
	return slices.Clip(b[:len(b)-4])
}
