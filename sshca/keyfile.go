package sshca

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"dpki/internal/file"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"
)

// Errors of key files.
var (
	ErrPassphrase    = errors.New("wrong passphrase")
	ErrNoPassphrase  = errors.New("the key file is encrypted and no passphrase was given")
	ErrKeyFileMode   = errors.New("key file is not a regular file that belongs to you and that you alone can read")
	ErrKeyFileFormat = errors.New("not an OpenSSH private key")
)

const maxKeyFile = 64 << 10 // bytes

// Passphrase asks for the secret of a key file. It is called only where the file is encrypted, and once; the returned bytes are
// overwritten after use.
type Passphrase func() ([]byte, error)

// LoadKey opens an OpenSSH private key file as a CA's signer. ask may be nil for a file without a passphrase.
func LoadKey(path string, ask Passphrase) (ssh.Signer, error) {
	text, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	s, err := ssh.ParsePrivateKey(text)
	var missing *ssh.PassphraseMissingError
	if errors.As(err, &missing) {
		s, err = decryptKey(text, ask)
	}
	if err != nil {
		if errors.Is(err, ErrPassphrase) || errors.Is(err, ErrNoPassphrase) {
			return nil, fmt.Errorf("sshca: %q: %w", path, err)
		}
		return nil, fmt.Errorf("sshca: %q: %w: %v", path, ErrKeyFileFormat, err)
	}
	return Restrict(s)
}

func decryptKey(text []byte, ask Passphrase) (ssh.Signer, error) {
	if ask == nil {
		return nil, ErrNoPassphrase
	}
	secret, err := ask()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoPassphrase, err)
	}
	defer clear(secret)
	if len(secret) == 0 {
		return nil, ErrPassphrase
	}
	s, err := ssh.ParsePrivateKeyWithPassphrase(text, secret)
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, ErrPassphrase
	}
	return s, err
}

func readKeyFile(path string) ([]byte, error) {
	text, err := file.ReadSecret(path, maxKeyFile, file.FollowLinks)
	switch {
	case errors.Is(err, file.ErrUnsafe):
		return nil, fmt.Errorf("sshca: %q: %w", path, ErrKeyFileMode)
	case errors.Is(err, file.ErrTooLong):
		return nil, fmt.Errorf("sshca: %q: %w: too long", path, ErrKeyFileFormat)
	case err != nil:
		return nil, fmt.Errorf("sshca: %w", err)
	}
	return text, nil
}

// CreateKey makes an Ed25519 CA key in OpenSSH's format at path, which must not exist, readable by its owner alone. An empty
// passphrase leaves the file unencrypted.
func CreateKey(path, comment string, passphrase []byte) (ssh.PublicKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	block, err := ssh.MarshalPrivateKey(key, comment)
	if len(passphrase) > 0 {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, comment, passphrase)
	}
	if err != nil {
		return nil, fmt.Errorf("sshca: %w", err)
	}
	text := pem.EncodeToMemory(block)
	defer clear(text)
	if err := file.Create(path, text, 0o600); err != nil {
		return nil, fmt.Errorf("sshca: %w", err)
	}
	pub, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		return nil, fmt.Errorf("sshca: %w", err)
	}
	return pub, nil
}
