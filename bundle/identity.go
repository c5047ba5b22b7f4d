package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"dpki/internal/file"
	"encoding/json"
	"errors"
	"fmt"

	"filippo.io/age"
)

// maxIdentity bounds an identity file, in bytes.
const maxIdentity = 4 << 10

// Identity is what a recipient makes for itself and keeps: the private keys
// that open its bundles and sign its enrolment, and its mailbox secret.
type Identity struct {
	age     *age.HybridIdentity
	signing ed25519.PrivateKey
	mailbox MailboxSecret
}

// GenerateIdentity makes a new identity.
func GenerateIdentity() (*Identity, error) {
	hybrid, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	_, signing, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return &Identity{age: hybrid, signing: signing, mailbox: NewMailboxSecret()}, nil
}

// Recipient is where others encrypt to.
func (i *Identity) Recipient() Recipient { return Recipient{age: i.age.Recipient()} }

// SigningKey is the enrolment key, which also signs what the recipient asks for later.
func (i *Identity) SigningKey() ed25519.PrivateKey { return i.signing }

// MailboxSecret is the secret that mailbox scope, mailbox key and batch tags
// are derived from.
func (i *Identity) MailboxSecret() MailboxSecret { return i.mailbox }

// Format keeps the identity out of messages, whatever the verb.
func (Identity) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// identityFile is the file form, one JSON object and a line feed:
//
//	{"version":1,"age":"AGE-SECRET-KEY-PQ-1...","signing_seed":"<base64, 32 bytes>","mailbox_secret":"<base64, 32 bytes>"}
type identityFile struct {
	Version       int           `json:"version"`
	Age           string        `json:"age"`
	SigningSeed   Key           `json:"signing_seed"`
	MailboxSecret MailboxSecret `json:"mailbox_secret"`
}

// Marshal encodes the file form, which is secret.
func (i *Identity) Marshal() ([]byte, error) {
	b, err := json.Marshal(identityFile{
		Version: 1, Age: i.age.String(), SigningSeed: Key(i.signing.Seed()), MailboxSecret: i.mailbox,
	})
	if err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	return append(b, '\n'), nil
}

// ParseIdentity decodes the file form.
func ParseIdentity(b []byte) (*Identity, error) {
	var f identityFile
	if err := decodeStrict(b, maxIdentity, &f); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if f.Version != 1 {
		return nil, malformed("identity of version %d", f.Version)
	}
	hybrid, err := age.ParseHybridIdentity(f.Age)
	if err != nil || hybrid.String() != f.Age { // age's error may quote the secret
		return nil, malformed("identity: the age key")
	}
	if f.MailboxSecret == (MailboxSecret{}) || f.SigningSeed == (Key{}) {
		return nil, malformed("identity: a secret is missing")
	}
	return &Identity{age: hybrid, signing: ed25519.NewKeyFromSeed(f.SigningSeed[:]), mailbox: f.MailboxSecret}, nil
}

// Save writes the identity to a new file of mode 0600. An existing file is
// never replaced (ErrExists), and a crash leaves either the whole file or none.
func (i *Identity) Save(path string) error {
	b, err := i.Marshal()
	if err != nil {
		return err
	}
	err = file.Create(path, b, 0o600)
	if errors.Is(err, file.ErrExists) {
		return fmt.Errorf("identity %q: %w", path, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("identity: %w", err)
	}
	return nil
}

// LoadIdentity reads an identity file. It must be a regular file that belongs
// to the effective user and is closed to everybody else, as seen on the opened
// descriptor, so that nobody can swap it between check and use.
func LoadIdentity(path string) (*Identity, error) {
	b, err := file.ReadSecret(path, maxIdentity, file.NoLinks)
	switch {
	case errors.Is(err, file.ErrUnsafe):
		return nil, fmt.Errorf("identity %q: %w", path, ErrFileMode)
	case errors.Is(err, file.ErrTooLong):
		return nil, fmt.Errorf("identity: %w: %w", ErrTooLarge, err)
	case err != nil:
		return nil, fmt.Errorf("identity: %w", err)
	}
	return ParseIdentity(b)
}
