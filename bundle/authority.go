package bundle

import (
	"bytes"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/internal/anchor"
	"dpki/sshca/profile"
	"dpki/state"
)

// Authority leads a recipient to the entry by which the organisation trusts the
// CA that signed for it: its subject, and the one key that opens it. Devices know
// their zone's CAs; people hold no zone key, and can check this one with it.
type Authority struct {
	Subject state.Word `json:"subject"` // of the CA_USER or CA_HOST entry in the recipient's zone
	Key     Key        `json:"key"`     // of that entry alone
}

// Open reads the CA that the entry announces.
func (a Authority) Open(org anchor.Anchor, zone state.Word, e *state.Entry) (state.CA, error) {
	if e.Action != state.ActionPut || e.Kind != state.KindCAUser && e.Kind != state.KindCAHost || e.Subject != a.Subject {
		return state.CA{}, fmt.Errorf("%v %v announces no CA: %w", e.Kind, e.Subject, ErrWrongPlace)
	}
	payload, err := OpenWith(a.Key, org, zone, e)
	if err != nil {
		return state.CA{}, err
	}
	return state.ParseCA(payload)
}

func (a Authority) check() error {
	if a.Subject.IsZero() || a.Key == (Key{}) {
		return malformed("an authority without its entry")
	}
	return nil
}

// maxPrivateKey bounds a private key's text, in bytes: RSA of 8,192 bits needs 6,400.
const maxPrivateKey = 16 << 10

// PrivateKey is an OpenSSH private key in its text form, without a passphrase. It
// is empty where the recipient made its key itself.
type PrivateKey []byte

// Format keeps the key out of messages, whatever the verb.
func (PrivateKey) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalText is the text itself.
func (p PrivateKey) MarshalText() ([]byte, error) { return p, nil }

// UnmarshalText takes any text; the content's own check parses it.
func (p *PrivateKey) UnmarshalText(text []byte) error {
	*p = bytes.Clone(text)
	return nil
}

// fits: the private key, where there is one, is the certificate's.
func (p PrivateKey) fits(public ssh.PublicKey) error {
	if len(p) == 0 {
		return nil
	}
	if len(p) > maxPrivateKey {
		return fmt.Errorf("private key of %d bytes: %w", len(p), ErrTooLarge)
	}
	s, err := ssh.ParsePrivateKey(p)
	if err != nil {
		return malformed("a private key") // the library's error may quote it
	}
	if !bytes.Equal(s.PublicKey().Marshal(), public.Marshal()) {
		return malformed("a private key that is not the certificate's")
	}
	return nil
}

// maxCertificate bounds a certificate's text, in bytes.
const maxCertificate = 32 << 10

// parseCertificate reads "TYPE BASE64" and verifies the signature. Whether the
// signer is trusted is the recipient's question.
func parseCertificate(text string) (*ssh.Certificate, error) {
	if len(text) > maxCertificate {
		return nil, fmt.Errorf("certificate of %d bytes: %w", len(text), ErrTooLarge)
	}
	k, err := parseKeyText(text)
	if err != nil {
		return nil, err
	}
	if k.Cert == nil {
		return nil, malformed("a plain key instead of a certificate")
	}
	if err := profile.CheckSignature(k.Cert); err != nil {
		return nil, fmt.Errorf("certificate: %w: %w", err, ErrMalformed)
	}
	return k.Cert, nil
}

func parseKeyText(text string) (*profile.Key, error) {
	kind, blob, ok := strings.Cut(text, " ")
	if !ok {
		return nil, malformed("a public key")
	}
	k, err := profile.ParseText(kind, blob)
	if err != nil {
		return nil, fmt.Errorf("public key: %w: %w", err, ErrMalformed)
	}
	return k, nil
}
