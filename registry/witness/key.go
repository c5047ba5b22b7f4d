package witness

import (
	"crypto/ed25519"
	"encoding/hex"
	"errors"
)

// Key is a witness's Ed25519 public key.
type Key [ed25519.PublicKeySize]byte

// ErrKey says that a text is no key.
var ErrKey = errors.New("not a witness's key: want 64 lower-case hex digits")

// KeyOf is the public half of a witness's key.
func KeyOf(private ed25519.PrivateKey) Key { return Key(private.Public().(ed25519.PublicKey)) }

// ParseKey parses 64 lower-case hex digits.
func ParseKey(s string) (Key, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Key{}) || hex.EncodeToString(b) != s {
		return Key{}, ErrKey
	}
	return Key(b), nil
}

func (k Key) String() string { return hex.EncodeToString(k[:]) }

// Short is enough of a key for people to tell witnesses apart.
func (k Key) Short() string { return k.String()[:16] }

func (k Key) verify(message, signature []byte) bool {
	return ed25519.Verify(ed25519.PublicKey(k[:]), message, signature)
}
