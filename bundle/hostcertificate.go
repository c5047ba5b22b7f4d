package bundle

import (
	"bytes"
	"fmt"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
	"dpki/state"
)

// maxAhead is how many windows one bundle certifies ahead.
const maxAhead = 64

// HostCertificate is the content of purpose 4: what a device's sshd proves itself
// with. Several certificates of one key follow each other in time, so that a
// device goes on when nobody is there to sign.
type HostCertificate struct {
	Version      int        `json:"version"`      // 1
	PrivateKey   PrivateKey `json:"private_key"`  // empty: of the host key that the device has
	Certificates []string   `json:"certificates"` // "TYPE BASE64", 1 to 64, one key and one CA, starts strictly ascending
	Authority    Authority  `json:"authority"`    // the CA_HOST entry
}

// Marshal checks and encodes the content.
func (h *HostCertificate) Marshal() ([]byte, error) {
	if _, _, err := h.Certs(); err != nil {
		return nil, err
	}
	return marshalContent(h)
}

// ParseHostCertificate decodes the content of a bundle with purpose 4.
func ParseHostCertificate(b []byte) (*HostCertificate, error) {
	h := &HostCertificate{}
	if err := decodeStrict(b, MaxContent, h); err != nil {
		return nil, fmt.Errorf("host certificate: %w", err)
	}
	if _, _, err := h.Certs(); err != nil {
		return nil, err
	}
	return h, nil
}

// Certs are the certificates, checked, and the device that they name.
func (h *HostCertificate) Certs() (certs []*ssh.Certificate, device state.Word, err error) {
	if h.Version != 1 {
		return nil, device, malformed("host certificate of version %d", h.Version)
	}
	if n := len(h.Certificates); n == 0 || n > maxAhead {
		return nil, device, malformed("%d host certificates", n)
	}
	if err := h.Authority.check(); err != nil {
		return nil, device, err
	}
	for i, text := range h.Certificates {
		cert, err := parseCertificate(text)
		if err != nil {
			return nil, device, err
		}
		names, err := profile.CheckHost(cert)
		if err != nil {
			return nil, device, fmt.Errorf("host certificate: %w: %w", err, ErrMalformed)
		}
		if i > 0 {
			last := certs[i-1]
			same := names == device && bytes.Equal(cert.Key.Marshal(), last.Key.Marshal()) && bytes.Equal(cert.SignatureKey.Marshal(), last.SignatureKey.Marshal())
			if !same || cert.ValidAfter <= last.ValidAfter {
				return nil, device, malformed("host certificates that do not follow each other")
			}
		}
		certs, device = append(certs, cert), names
	}
	return certs, device, h.PrivateKey.fits(certs[0].Key)
}
