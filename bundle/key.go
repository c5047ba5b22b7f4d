package bundle

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"dpki/state"
)

// Key is 32 secret bytes: a scope's key, or the key of one entry.
type Key [32]byte

// MailboxSecret is what a recipient makes for its mailbox and shows to the
// admins in its enrolment request, and to nobody else.
type MailboxSecret [32]byte

const redacted = "(secret)"

// Format keeps secrets out of messages, whatever the verb.
func (Key) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// Format keeps secrets out of messages, whatever the verb.
func (MailboxSecret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalText is standard base64 with padding: the form inside bundles.
func (k Key) MarshalText() ([]byte, error) { return encodeSecret(k[:]), nil }

// UnmarshalText accepts exactly what MarshalText prints.
func (k *Key) UnmarshalText(b []byte) error { return decodeSecret(k[:], b) }

// MarshalText is standard base64 with padding.
func (s MailboxSecret) MarshalText() ([]byte, error) { return encodeSecret(s[:]), nil }

// UnmarshalText accepts exactly what MarshalText prints.
func (s *MailboxSecret) UnmarshalText(b []byte) error { return decodeSecret(s[:], b) }

// NewKey draws a scope key.
func NewKey() Key {
	var k Key
	rand.Read(k[:]) // crypto/rand.Read ends the program rather than fail
	return k
}

// NewMailboxSecret draws a mailbox secret.
func NewMailboxSecret() MailboxSecret {
	var s MailboxSecret
	rand.Read(s[:])
	return s
}

// Commitment is what the mailbox scope is derived from:
// sha256("dpki/mailbox/1" | secret).
func (s MailboxSecret) Commitment() state.Word {
	return sha256.Sum256(append([]byte("dpki/mailbox/1"), s[:]...))
}

// Mailbox is the mailbox's scope in a zone, which is also the identifier of the
// device or person.
func (s MailboxSecret) Mailbox(zone state.Word) state.Word {
	return state.MailboxID(zone, s.Commitment())
}

// Key is the key of a mailbox scope:
// HKDF-SHA-256(secret, no salt, "dpki/mailbox-key/1" | scope).
func (s MailboxSecret) Key(mailbox state.Word) Key {
	return derive(s[:], "dpki/mailbox-key/1"+string(mailbox[:]))
}

// Tag names a recipient inside one batch, and in no other.
type Tag [16]byte

// Tag is HMAC-SHA-256(secret, "dpki/tag/1" | subject of the BATCH entry | u16 part)[:16].
func (s MailboxSecret) Tag(subject state.Word, part uint16) Tag {
	mac := hmac.New(sha256.New, s[:])
	mac.Write([]byte("dpki/tag/1"))
	mac.Write(subject[:])
	mac.Write(binary.BigEndian.AppendUint16(nil, part))
	return Tag(mac.Sum(nil)[:16])
}

// derive cannot fail: HKDF refuses only outputs of more than 255 blocks and, in
// FIPS mode, short secrets.
func derive(secret []byte, info string) Key {
	k, err := hkdf.Key(sha256.New, secret, nil, info, 32)
	if err != nil {
		panic("bundle: hkdf: " + err.Error())
	}
	return Key(k)
}

func encodeSecret(b []byte) []byte {
	return base64.StdEncoding.AppendEncode(nil, b)
}

// decodeSecret says nothing about the text that it refuses: it may be a secret.
func decodeSecret(dst, text []byte) error {
	if len(text) != base64.StdEncoding.EncodedLen(len(dst)) {
		return malformed("a secret is not %d bytes of base64", len(dst))
	}
	b, err := base64.StdEncoding.Strict().AppendDecode(nil, text)
	if err != nil || len(b) != len(dst) {
		return malformed("a secret is not %d bytes of base64", len(dst))
	}
	copy(dst, b)
	return nil
}
