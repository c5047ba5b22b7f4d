package sshsig

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
)

// MaxLen is the longest signature that is parsed, in bytes: of RSA-8192, key and
// signature have 2.2 KB.
const MaxLen = 4 << 10

const (
	magic   = "SSHSIG"
	version = 1
	hash    = "sha512"
	armor   = "SSH SIGNATURE"
)

// Outcomes that callers branch on. Each is a refusal.
var (
	// ErrMalformed: not the one form of a signature that is known here.
	ErrMalformed = errors.New("not an SSH signature")
	// ErrNamespace: a signature for another use.
	ErrNamespace = errors.New("signature for another use")
	// ErrSignature: not this key's over this message.
	ErrSignature = errors.New("signature does not verify")
)

// Signature is a parsed signature. It says nothing before Verify.
type Signature struct {
	Key       *profile.Key // never a certificate
	Namespace string
	blob      []byte
	sig       *ssh.Signature
}

// wire is what follows the magic.
type wire struct {
	Version                   uint32
	Key                       []byte
	Namespace, Reserved, Hash string
	Signature                 []byte
}

// Sign signs a message.
func Sign(s ssh.Signer, namespace string, message []byte) (*Signature, error) {
	key, err := profile.ParseBlob(s.PublicKey().Marshal())
	if err != nil {
		return nil, err
	}
	var made *ssh.Signature
	if as, ok := s.(ssh.AlgorithmSigner); ok && key.Public.Type() == ssh.KeyAlgoRSA {
		made, err = as.SignWithAlgorithm(rand.Reader, signed(namespace, message), ssh.KeyAlgoRSASHA512)
	} else {
		made, err = s.Sign(rand.Reader, signed(namespace, message))
	}
	if err != nil {
		return nil, err
	}
	blob := append([]byte(magic), ssh.Marshal(wire{version, key.Blob, namespace, "", hash, ssh.Marshal(made)})...)
	sig, err := Parse(blob)
	if err != nil {
		return nil, err
	}
	return sig, sig.Verify(namespace, message)
}

// signed is what the key signs.
func signed(namespace string, message []byte) []byte {
	digest := sha512.Sum512(message)
	return append([]byte(magic), ssh.Marshal(struct {
		Namespace, Reserved, Hash string
		Digest                    []byte
	}{namespace, "", hash, digest[:]})...)
}

// Parse reads the binary form, and no other spelling of it.
func Parse(blob []byte) (*Signature, error) {
	if len(blob) > MaxLen || !bytes.HasPrefix(blob, []byte(magic)) {
		return nil, fmt.Errorf("%d bytes: %w", len(blob), ErrMalformed)
	}
	var w wire
	if err := ssh.Unmarshal(blob[len(magic):], &w); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	if w.Version != version || w.Reserved != "" || w.Hash != hash || w.Namespace == "" {
		return nil, fmt.Errorf("version %d, hash %.20q: %w", w.Version, w.Hash, ErrMalformed)
	}
	key, err := profile.ParseBlob(w.Key)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	sig := new(ssh.Signature)
	if err := ssh.Unmarshal(w.Signature, sig); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrMalformed, err)
	}
	want := key.Public.Type()
	if want == ssh.KeyAlgoRSA {
		want = ssh.KeyAlgoRSASHA512 // Verify of the key would take SHA-1
	}
	if key.Cert != nil || sig.Format != want {
		return nil, fmt.Errorf("algorithm %.40q: %w", sig.Format, ErrMalformed)
	}
	s := &Signature{Key: key, Namespace: w.Namespace, sig: sig, blob: bytes.Clone(blob)}
	w.Signature = ssh.Marshal(sig)
	if again := append([]byte(magic), ssh.Marshal(w)...); !bytes.Equal(again, blob) {
		return nil, fmt.Errorf("another spelling: %w", ErrMalformed)
	}
	return s, nil
}

// ParseArmored reads what ssh-keygen -Y sign writes.
func ParseArmored(text []byte) (*Signature, error) {
	if len(text) > 2*MaxLen {
		return nil, fmt.Errorf("%d bytes: %w", len(text), ErrMalformed)
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != armor || len(block.Headers) > 0 || len(bytes.TrimSpace(rest)) > 0 {
		return nil, ErrMalformed
	}
	return Parse(block.Bytes)
}

// Marshal is the binary form.
func (s *Signature) Marshal() []byte { return bytes.Clone(s.blob) }

// Armor is the form of ssh-keygen.
func (s *Signature) Armor() []byte { return pem.EncodeToMemory(&pem.Block{Type: armor, Bytes: s.blob}) }

// Verify reports whether the signature is by its key over the message, for this
// namespace. Whose key it is, the caller decides.
func (s *Signature) Verify(namespace string, message []byte) error {
	if s.Namespace != namespace {
		return fmt.Errorf("%.40q: %w", s.Namespace, ErrNamespace)
	}
	if err := s.Key.Public.Verify(signed(namespace, message), s.sig); err != nil {
		return fmt.Errorf("%w: %v", ErrSignature, err)
	}
	return nil
}
