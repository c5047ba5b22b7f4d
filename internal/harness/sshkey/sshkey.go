package sshkey

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"testing"

	"golang.org/x/crypto/ssh"
)

// Key is an Ed25519 key pair.
type Key struct {
	ssh.Signer
	Private ed25519.PrivateKey
}

// New makes a key pair.
func New(t testing.TB) Key {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return Key{signer, private}
}

// Save writes the private key to a file and the public one beside it, as
// ssh-keygen does.
func (k Key) Save(t testing.TB, path string) {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(k.Private, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path+".pub", ssh.MarshalAuthorizedKey(k.PublicKey()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// SaveCertificate writes a certificate of the key in a file to where ssh looks
// for it, and returns that path.
func SaveCertificate(t testing.TB, path string, cert *ssh.Certificate) string {
	t.Helper()
	path += "-cert.pub"
	if err := os.WriteFile(path, ssh.MarshalAuthorizedKey(cert), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
