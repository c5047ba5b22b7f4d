package sshsig

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
)

// MaxLen is the longest signature that is parsed, in bytes: of RSA-8192, key and
// signature have 2.2 KB.
const MaxLen = 4 << 10

const (
	// Begin is the first line of the armored form, which has no more than
	// MaxArmored bytes.
	Begin      = "-----BEGIN SSH SIGNATURE-----"
	MaxArmored = 2 * MaxLen

	end     = "-----END SSH SIGNATURE-----"
	width   = 70 // of a line of base64
	magic   = "SSHSIG"
	version = 1
	hash    = "sha512"
)

// Digest is the SHA-512 of a message, for those too long to be held.
type Digest = [sha512.Size]byte

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
	return SignDigest(s, namespace, sha512.Sum512(message))
}

// SignDigest signs a message by its digest.
func SignDigest(s ssh.Signer, namespace string, digest Digest) (*Signature, error) {
	key, err := profile.ParseBlob(s.PublicKey().Marshal())
	if err != nil {
		return nil, err
	}
	var made *ssh.Signature
	if as, ok := s.(ssh.AlgorithmSigner); ok && key.Public.Type() == ssh.KeyAlgoRSA {
		made, err = as.SignWithAlgorithm(rand.Reader, Blob(namespace, digest), ssh.KeyAlgoRSASHA512)
	} else {
		made, err = s.Sign(rand.Reader, Blob(namespace, digest))
	}
	if err != nil {
		return nil, err
	}
	blob := append([]byte(magic), ssh.Marshal(wire{version, key.Blob, namespace, "", hash, ssh.Marshal(made)})...)
	sig, err := Parse(blob)
	if err != nil {
		return nil, err
	}
	return sig, sig.VerifyDigest(namespace, digest)
}

// Blob is what a key signs for a message of this digest.
func Blob(namespace string, digest Digest) []byte {
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

// ParseArmored reads what ssh-keygen -Y sign writes, and no other spelling of it.
func ParseArmored(text []byte) (*Signature, error) {
	if len(text) > MaxArmored {
		return nil, fmt.Errorf("%d bytes: %w", len(text), ErrMalformed)
	}
	body, begins := bytes.CutPrefix(text, []byte(Begin+"\n"))
	body, ends := bytes.CutSuffix(body, []byte(end+"\n"))
	blob, err := base64.StdEncoding.DecodeString(string(bytes.ReplaceAll(body, []byte("\n"), nil)))
	if !begins || !ends || err != nil {
		return nil, fmt.Errorf("armor: %w", ErrMalformed)
	}
	s, err := Parse(blob)
	if err == nil && !bytes.Equal(s.Armor(), text) {
		return nil, fmt.Errorf("armor in another spelling: %w", ErrMalformed)
	}
	return s, err
}

// Marshal is the binary form.
func (s *Signature) Marshal() []byte { return bytes.Clone(s.blob) }

// Armor is the form of ssh-keygen, byte for byte.
func (s *Signature) Armor() []byte {
	b := []byte(Begin + "\n")
	for line := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(s.blob)), width) {
		b = append(append(b, line...), '\n')
	}
	return append(b, end+"\n"...)
}

// Verify reports whether the signature is by its key over the message, for this
// namespace. Whose key it is, the caller decides.
func (s *Signature) Verify(namespace string, message []byte) error {
	return s.VerifyDigest(namespace, sha512.Sum512(message))
}

// VerifyDigest is Verify for a message of this digest.
func (s *Signature) VerifyDigest(namespace string, digest Digest) error {
	if s.Namespace != namespace {
		return fmt.Errorf("%.40q: %w", s.Namespace, ErrNamespace)
	}
	if err := s.Key.Public.Verify(Blob(namespace, digest), s.sig); err != nil {
		return fmt.Errorf("%w: %v", ErrSignature, err)
	}
	return nil
}
