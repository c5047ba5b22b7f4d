package signer

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"dpki/internal/file"
	"encoding/pem"
	"errors"
	"fmt"
)

const (
	keyBlock = "PRIVATE KEY" // RFC 7468, PKCS #8
	maxKey   = 4 << 10
)

// Why a key file is not used.
var (
	// ErrKeyFile: the file holds no Ed25519 key.
	ErrKeyFile = errors.New("no Ed25519 private key in PKCS #8 PEM")
	// ErrKeyMode: others could read it.
	ErrKeyMode = errors.New("a witness's key must be a plain file of mode 0600 that belongs to whoever uses it")
)

// CreateKey makes a key in a new file of mode 0600. One that exists is
// file.ErrExists. The key has no passphrase, since nobody is there to type one: it
// signs blocks, and opens nothing.
func CreateKey(path string) (ed25519.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	if err := file.Create(path, pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), 0o600); err != nil {
		return nil, err
	}
	return private, nil
}

// LoadKey reads a key.
func LoadKey(path string) (ed25519.PrivateKey, error) {
	b, err := file.ReadSecret(path, maxKey, file.NoLinks)
	switch {
	case errors.Is(err, file.ErrUnsafe):
		return nil, fmt.Errorf("%s: %w", path, ErrKeyMode)
	case errors.Is(err, file.ErrTooLong):
		return nil, fmt.Errorf("%s: %w", path, ErrKeyFile)
	case err != nil:
		return nil, err
	}
	private, err := parseKey(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return private, nil
}

func parseKey(b []byte) (ed25519.PrivateKey, error) {
	block, rest := pem.Decode(b)
	if block == nil || block.Type != keyBlock || len(block.Headers) > 0 || len(rest) > 0 {
		return nil, ErrKeyFile
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	private, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, ErrKeyFile
	}
	return private, nil
}
