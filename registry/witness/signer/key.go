package signer

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
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
// fs.ErrExist. The key has no passphrase, since nobody is there to type one: it
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
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(path)
		return nil, err
	}
	return private, nil
}

// LoadKey reads a key.
func LoadKey(path string) (ed25519.PrivateKey, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || int(owner.Uid) != os.Geteuid() {
		return nil, fmt.Errorf("%s: %w", path, ErrKeyMode)
	}
	b, err := io.ReadAll(io.LimitReader(f, maxKey))
	if err != nil {
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
