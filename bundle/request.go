package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"dpki/internal/anchor"
	"dpki/sshca/profile"
	"dpki/state"
)

// MaxRequest bounds an enrolment request, in bytes.
const MaxRequest = 16 << 10

// Request is an enrolment request: what a device or person shows to the
// admins, once, over a channel of their choice. It holds the mailbox secret and
// is therefore confidential; a reader of it learns what is written to that
// mailbox, but cannot open bundles.
type Request struct {
	Anchor        anchor.Anchor
	Name          string
	Recipient     Recipient
	SigningKey    string // "ssh-ed25519 <base64>"
	HostKey       string // "<type> <base64>", empty for a person
	LoginKey      string // "<type> <base64>", by which a person logs in elsewhere; empty for a device, and for who has none
	Account       string // 0x and 40 hex digits, that an administrator writes from; empty for all others, and where it was not said
	MailboxSecret MailboxSecret
	Nonce         [16]byte
	Signature     [ed25519.SignatureSize]byte
}

// requestJSON is the wire form (docs/formats.md section 6).
type requestJSON struct {
	Version       int           `json:"version"`
	Anchor        anchor.Anchor `json:"anchor"`
	Name          string        `json:"name"`
	Recipient     Recipient     `json:"recipient"`
	SigningKey    string        `json:"signing_key"`
	HostKey       string        `json:"host_key"`
	LoginKey      string        `json:"login_key,omitempty"`
	Account       string        `json:"account,omitempty"`
	MailboxSecret MailboxSecret `json:"mailbox_secret"`
	Nonce         base64Nonce   `json:"nonce"`
	Signature     base64Sig     `json:"signature"`
}

type (
	base64Nonce [16]byte
	base64Sig   [ed25519.SignatureSize]byte
)

func (n base64Nonce) MarshalText() ([]byte, error)  { return encodeSecret(n[:]), nil }
func (n *base64Nonce) UnmarshalText(b []byte) error { return decodeSecret(n[:], b) }
func (s base64Sig) MarshalText() ([]byte, error)    { return encodeSecret(s[:]), nil }
func (s *base64Sig) UnmarshalText(b []byte) error   { return decodeSecret(s[:], b) }

// NewRequest makes and signs a request. hostKey is the line of the SSH host
// key's .pub file, with or without comment, or empty for a person.
func (i *Identity) NewRequest(a anchor.Anchor, name, hostKey string) (*Request, error) {
	return i.newRequest(a, name, hostKey, "", "")
}

// NewPersonRequest makes and signs the request of a person. loginKey is the line of
// the .pub file of the key by which he logs in elsewhere, or empty: the private
// half stays with him, only certificates for it travel.
func (i *Identity) NewPersonRequest(a anchor.Anchor, name, loginKey string) (*Request, error) {
	return i.newRequest(a, name, "", loginKey, "")
}

// NewAdminRequest makes and signs the request of an administrator, who says which
// account is his.
func (i *Identity) NewAdminRequest(a anchor.Anchor, name string, account state.Address) (*Request, error) {
	return i.newRequest(a, name, "", "", account.String())
}

func (i *Identity) newRequest(a anchor.Anchor, name, hostKey, loginKey, account string) (*Request, error) {
	signing, err := ssh.NewPublicKey(i.signing.Public())
	if err != nil {
		return nil, fmt.Errorf("enrolment request: %w", err)
	}
	r := &Request{
		Anchor: a, Name: name, Recipient: i.Recipient(),
		SigningKey: authorizedKey(signing), Account: account, MailboxSecret: i.mailbox,
	}
	rand.Read(r.Nonce[:])
	for _, k := range []struct {
		what, from string
		to         *string
	}{{"host key", hostKey, &r.HostKey}, {"login key", loginKey, &r.LoginKey}} {
		if k.from == "" {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(k.from))
		if err != nil {
			return nil, malformed("%s", k.what)
		}
		*k.to = authorizedKey(key)
	}
	digest := r.digest()
	copy(r.Signature[:], ed25519.Sign(i.signing, digest[:]))
	if err := r.Verify(); err != nil {
		return nil, err
	}
	return r, nil
}

// ParseRequest decodes a request and verifies its signature. Whether it is for
// this organisation, and whose it is, remains the reader's question: compare
// Anchor, and have the fingerprint read out.
func ParseRequest(b []byte) (*Request, error) {
	var w requestJSON
	if err := decodeStrict(b, MaxRequest, &w); err != nil {
		return nil, fmt.Errorf("enrolment request: %w", err)
	}
	if w.Version != 1 {
		return nil, malformed("enrolment request of version %d", w.Version)
	}
	r := &Request{
		Anchor: w.Anchor, Name: w.Name, Recipient: w.Recipient, SigningKey: w.SigningKey, HostKey: w.HostKey, LoginKey: w.LoginKey,
		Account: w.Account, MailboxSecret: w.MailboxSecret, Nonce: w.Nonce, Signature: w.Signature,
	}
	if err := r.Verify(); err != nil {
		return nil, err
	}
	return r, nil
}

// Marshal encodes the JSON form, with a line feed.
func (r *Request) Marshal() ([]byte, error) {
	b, err := json.Marshal(requestJSON{
		Version: 1, Anchor: r.Anchor, Name: r.Name, Recipient: r.Recipient, SigningKey: r.SigningKey, HostKey: r.HostKey, LoginKey: r.LoginKey,
		Account: r.Account, MailboxSecret: r.MailboxSecret, Nonce: r.Nonce, Signature: r.Signature,
	})
	if err != nil {
		return nil, fmt.Errorf("enrolment request: %w", err)
	}
	if b = append(b, '\n'); len(b) > MaxRequest {
		return nil, fmt.Errorf("enrolment request of %d bytes: %w", len(b), ErrTooLarge)
	}
	return b, nil
}

// Verify checks every field and the signature: possession of the signing key,
// bound to anchor, name, recipient, host key, mailbox and nonce.
func (r *Request) Verify() error {
	switch {
	case r.Anchor == (anchor.Anchor{}):
		return malformed("enrolment request without an anchor")
	case !state.ValidName(r.Name):
		return malformed("name %.80q: want 1 to 63 of a-z 0-9 . _ -, the first alphanumeric", r.Name)
	case r.Recipient.age == nil:
		return malformed("enrolment request without a recipient")
	case r.MailboxSecret == MailboxSecret{}:
		return malformed("enrolment request without a mailbox secret")
	}
	if err := checkKeysOf(r.HostKey, r.LoginKey); err != nil {
		return err
	}
	if r.Account != "" {
		if _, err := state.ParseAddress(r.Account); err != nil || r.HostKey+r.LoginKey != "" {
			return malformed("enrolment request of account %.80q", r.Account)
		}
	}
	signing, err := parseSigningKey(r.SigningKey)
	if err != nil {
		return err
	}
	digest := r.digest()
	if !ed25519.Verify(signing, digest[:], r.Signature[:]) {
		return fmt.Errorf("enrolment request of %q: %w", r.Name, ErrSignature)
	}
	return nil
}

// Mailbox is the mailbox's scope in a zone: the identifier of the device or person.
func (r *Request) Mailbox(zone state.Word) state.Word { return r.MailboxSecret.Mailbox(zone) }

// digest is what the signature is over: sha256 of "dpki/enroll/1" and then, as
// u16 length | bytes each, anchor, name, recipient, signing key, host key,
// mailbox commitment, nonce, and the login key where there is one; where there is an
// account, an empty login key and the account.
func (r *Request) digest() [32]byte {
	commitment := r.MailboxSecret.Commitment()
	fields := []string{
		r.Anchor.String(), r.Name, r.Recipient.String(), r.SigningKey, r.HostKey, string(commitment[:]), string(r.Nonce[:]),
	}
	if r.LoginKey != "" || r.Account != "" {
		fields = append(fields, r.LoginKey)
	}
	if r.Account != "" {
		fields = append(fields, r.Account)
	}
	return digestOf("dpki/enroll/1", fields)
}

// digestOf is the sha256 of a tag and then each field as u16 length | bytes: no
// two lists of fields have the same bytes.
func digestOf(tag string, fields []string) [32]byte {
	b := []byte(tag)
	for _, field := range fields {
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	return sha256.Sum256(b)
}

// Fingerprint is what two people compare over the telephone: 100 bits over
// everything signed and the signature, "abcde-fghij-klmno-pqrst".
func (r *Request) Fingerprint() string {
	digest := r.digest()
	sum := sha256.Sum256(append(digest[:], r.Signature[:]...))
	text := strings.ToLower(base32.StdEncoding.EncodeToString(sum[:]))
	return strings.Join([]string{text[0:5], text[5:10], text[10:15], text[15:20]}, "-")
}

func authorizedKey(k ssh.PublicKey) string {
	return strings.TrimSuffix(string(ssh.MarshalAuthorizedKey(k)), "\n")
}

// parseKey accepts "<type> <base64>" in its one canonical spelling; no comment,
// no option. Which types will do, and that a certificate will not, is the
// caller's to say.
func parseKey(s string) (ssh.PublicKey, error) {
	k, _, _, rest, err := ssh.ParseAuthorizedKey([]byte(s))
	if err != nil || len(rest) != 0 || authorizedKey(k) != s {
		return nil, malformed("SSH public key")
	}
	return k, nil
}

// checkKeysOf: a device has a host key, a person a login key, or neither.
func checkKeysOf(host, login string) error {
	if err := checkHostKey(host); err != nil || login == "" {
		return err
	}
	if host != "" {
		return malformed("both a host key and a login key")
	}
	k, err := parseKey(login)
	if err != nil {
		return err
	}
	if _, is := k.(*ssh.Certificate); is {
		return malformed("a certificate for a login key")
	}
	if err := profile.Accepted(k); err != nil {
		return fmt.Errorf("login key: %w: %w", err, ErrMalformed)
	}
	return nil
}

// checkHostKey accepts what sshd can serve as a host key, or nothing.
func checkHostKey(s string) error {
	if s == "" {
		return nil
	}
	k, err := parseKey(s)
	if err != nil {
		return err
	}
	switch k.Type() {
	case ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA:
		return nil
	}
	return malformed("host key of type %s", k.Type())
}

func parseSigningKey(s string) (ed25519.PublicKey, error) {
	k, err := parseKey(s)
	if err != nil {
		return nil, err
	}
	if c, ok := k.(ssh.CryptoPublicKey); ok && k.Type() == ssh.KeyAlgoED25519 {
		if key, ok := c.CryptoPublicKey().(ed25519.PublicKey); ok {
			return key, nil
		}
	}
	return nil, malformed("signing key of type %s: want ssh-ed25519", k.Type())
}
