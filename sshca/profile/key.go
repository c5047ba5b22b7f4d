package profile

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/state"
)

const (
	// MaxBlob is the longest key or certificate that is parsed, in bytes. An RSA-8192 certificate by an RSA-8192 authority has 5 KB.
	MaxBlob = 12 << 10

	minRSABits = 2048
	maxRSABits = 8192
)

// Errors of parsing.
var (
	ErrTooLong   = errors.New("key is too long")
	ErrMalformed = errors.New("key is malformed")
	ErrKeyType   = errors.New("key type does not match the key")
	ErrAlgorithm = errors.New("key algorithm or size is not accepted")
	ErrAuthority = errors.New("a certificate cannot be an authority")
)

// Key is a parsed public key, with or without a certificate around it.
type Key struct {
	Public ssh.PublicKey    // never a certificate
	Cert   *ssh.Certificate // nil for a plain key
	Blob   []byte           // what was parsed: the whole certificate where there is one
	Hash   state.Word       // sha-256 of Public's blob: what grants and denials name
}

// ParseText parses a key as sshd's %t and %k, or the first two fields of a public key file, give it: the algorithm's name and
// the blob in base64 with padding and without white space.
func ParseText(keyType, text string) (*Key, error) {
	if len(text) > base64.StdEncoding.EncodedLen(MaxBlob) {
		return nil, ErrTooLong
	}
	blob, err := base64.StdEncoding.Strict().DecodeString(text)
	// The decoder skips line ends; the canonical text has none.
	if err != nil || base64.StdEncoding.EncodedLen(len(blob)) != len(text) {
		return nil, fmt.Errorf("%w: not base64", ErrMalformed)
	}
	k, err := ParseBlob(blob)
	if err != nil {
		return nil, err
	}
	name := k.Public.Type()
	if k.Cert != nil {
		name = k.Cert.Type()
	}
	if name != keyType {
		return nil, ErrKeyType
	}
	return k, nil
}

// ParseBlob parses a key in wire form (RFC 4253 section 6.6, PROTOCOL.certkeys). It never panics.
func ParseBlob(blob []byte) (*Key, error) {
	if len(blob) > MaxBlob {
		return nil, ErrTooLong
	}
	pub, err := ssh.ParsePublicKey(blob)
	if err != nil {
		// x/crypto refuses it before it parses it, without an error of its own for it.
		if strings.Contains(err.Error(), "is invalid for certificates") {
			return nil, ErrAuthority
		}
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	k := &Key{Public: pub, Blob: bytes.Clone(blob)}
	if cert, ok := pub.(*ssh.Certificate); ok {
		k.Cert, k.Public = cert, cert.Key
		if _, ok := cert.SignatureKey.(*ssh.Certificate); ok {
			return nil, ErrAuthority
		}
		if err := Accepted(cert.SignatureKey); err != nil {
			return nil, fmt.Errorf("authority: %w", err)
		}
	}
	if err := Accepted(k.Public); err != nil {
		return nil, err
	}
	// Two spellings of one key would be two keys to a deny list.
	if !bytes.Equal(pub.Marshal(), blob) {
		return nil, fmt.Errorf("%w: not canonical", ErrMalformed)
	}
	k.Hash = Hash(k.Public)
	return k, nil
}

// Hash is what grants, CA entries and denials name: sha-256 of the public key's blob, without any certificate.
func Hash(pub ssh.PublicKey) state.Word {
	if cert, ok := pub.(*ssh.Certificate); ok {
		pub = cert.Key
	}
	return sha256.Sum256(pub.Marshal())
}

// Line is a key or a certificate on one line, as OpenSSH writes it, without a comment.
func Line(pub ssh.PublicKey) string { return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(pub))) }

// Accepted checks the algorithm and the size of a plain key: Ed25519, ECDSA on the NIST curves, RSA of 2,048 to 8,192 bits,
// and the two kinds of security keys (PROTOCOL.u2f).
func Accepted(pub ssh.PublicKey) error {
	switch pub.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256:
		return nil
	case ssh.KeyAlgoRSA:
		return acceptedRSA(pub)
	}
	return ErrAlgorithm
}

func acceptedRSA(pub ssh.PublicKey) error {
	c, ok := pub.(ssh.CryptoPublicKey)
	if !ok {
		// An agent's key is a name and a blob.
		parsed, err := ssh.ParsePublicKey(pub.Marshal())
		if err != nil {
			return ErrAlgorithm
		}
		if c, ok = parsed.(ssh.CryptoPublicKey); !ok {
			return ErrAlgorithm
		}
	}
	r, ok := c.CryptoPublicKey().(*rsa.PublicKey)
	if !ok || r.N.BitLen() < minRSABits || r.N.BitLen() > maxRSABits {
		return ErrAlgorithm
	}
	return nil
}
