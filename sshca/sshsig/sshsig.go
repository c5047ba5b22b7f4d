package sshsig

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"dpki/sshca"
	"dpki/sshca/profile"
)

const (
	// MaxSize bounds the armoured form, in bytes: RSA of 8,192 bits needs a third.
	MaxSize = 16 << 10

	// Begin is the first line of the armoured form.
	Begin = "-----BEGIN SSH SIGNATURE-----"

	end   = "-----END SSH SIGNATURE-----"
	magic = "SSHSIG"
	width = 70 // of a line of base64
	hash  = "sha512"
)

var (
	// ErrMalformed: not the one form of a signature that is known here.
	ErrMalformed = errors.New("not an SSH signature")
	// ErrSignature: another key, another namespace, or other bytes were signed.
	ErrSignature = errors.New("the signature does not verify")
)

// Signature is a signature by Key over bytes with some digest.
type Signature struct {
	Key       ssh.PublicKey
	Namespace string

	signature *ssh.Signature
}

// blob is the binary form, after the magic.
type blob struct {
	Version                   uint32 // 1
	Key                       []byte
	Namespace, Reserved, Hash string
	Signature                 []byte
}

// signed is what a key signs for a message of this digest.
func signed(namespace string, digest [sha512.Size]byte) []byte {
	return append([]byte(magic), ssh.Marshal(struct {
		Namespace, Reserved, Hash string
		Digest                    []byte
	}{namespace, "", hash, digest[:]})...)
}

// Sign signs the SHA-512 digest of a message.
func Sign(s ssh.Signer, namespace string, digest [sha512.Size]byte) (*Signature, error) {
	s, err := sshca.Restrict(s)
	if err != nil {
		return nil, err
	}
	var made *ssh.Signature
	if as, ok := s.(ssh.AlgorithmSigner); ok && s.PublicKey().Type() == ssh.KeyAlgoRSA {
		made, err = as.SignWithAlgorithm(rand.Reader, signed(namespace, digest), ssh.KeyAlgoRSASHA512)
	} else {
		made, err = s.Sign(rand.Reader, signed(namespace, digest))
	}
	if err != nil {
		return nil, fmt.Errorf("signing: %w", err)
	}
	sig := &Signature{Key: s.PublicKey(), Namespace: namespace, signature: made}
	return sig, sig.Verify(s.PublicKey(), namespace, digest)
}

// Verify reports whether this key has signed this digest in this namespace.
func (s *Signature) Verify(key ssh.PublicKey, namespace string, digest [sha512.Size]byte) error {
	if !bytes.Equal(key.Marshal(), s.Key.Marshal()) {
		return fmt.Errorf("it is by %s, not by %s: %w", ssh.FingerprintSHA256(s.Key), ssh.FingerprintSHA256(key), ErrSignature)
	}
	if s.Namespace != namespace {
		return fmt.Errorf("it is for %.40q, not for %q: %w", s.Namespace, namespace, ErrSignature)
	}
	if key.Type() == ssh.KeyAlgoRSA && s.signature.Format != ssh.KeyAlgoRSASHA512 {
		return fmt.Errorf("RSA without SHA-512: %w", ErrSignature)
	}
	if err := key.Verify(signed(namespace, digest), s.signature); err != nil {
		return fmt.Errorf("%w: %w", err, ErrSignature)
	}
	return nil
}

// Armor is the form that ssh-keygen writes and reads.
func (s *Signature) Armor() []byte {
	b := append([]byte(magic), ssh.Marshal(blob{1, s.Key.Marshal(), s.Namespace, "", hash, ssh.Marshal(s.signature)})...)
	text := base64.StdEncoding.EncodeToString(b)
	out := bytes.NewBufferString(Begin + "\n")
	for len(text) > 0 {
		n := min(width, len(text))
		out.WriteString(text[:n] + "\n")
		text = text[n:]
	}
	out.WriteString(end + "\n")
	return out.Bytes()
}

// Parse reads the armoured form, and nothing that Armor would not write. Nothing
// is verified.
func Parse(armored []byte) (*Signature, error) {
	if len(armored) > MaxSize {
		return nil, fmt.Errorf("%d bytes: %w", len(armored), ErrMalformed)
	}
	body, begins := bytes.CutPrefix(armored, []byte(Begin+"\n"))
	body, ends := bytes.CutSuffix(body, []byte(end+"\n"))
	b, err := base64.StdEncoding.DecodeString(string(bytes.ReplaceAll(body, []byte("\n"), nil)))
	if !begins || !ends || err != nil {
		return nil, ErrMalformed
	}
	b, is := bytes.CutPrefix(b, []byte(magic))
	var f blob
	if !is || ssh.Unmarshal(b, &f) != nil || f.Version != 1 || f.Reserved != "" || f.Hash != hash {
		return nil, ErrMalformed
	}
	s := &Signature{Namespace: f.Namespace, signature: &ssh.Signature{}}
	if s.Key, err = ssh.ParsePublicKey(f.Key); err != nil {
		return nil, fmt.Errorf("its key: %w", ErrMalformed)
	}
	if err := profile.Accepted(s.Key); err != nil {
		return nil, fmt.Errorf("its key: %w: %w", err, ErrMalformed)
	}
	if err := ssh.Unmarshal(f.Signature, s.signature); err != nil || !bytes.Equal(s.Armor(), armored) {
		return nil, ErrMalformed
	}
	return s, nil
}
