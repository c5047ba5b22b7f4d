package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"golang.org/x/crypto/ssh"

	"dpki/internal/anchor"
	"dpki/sshca/profile"
	"dpki/state"
)

const (
	// MaxAccessRequest bounds an opened access request, in bytes.
	MaxAccessRequest = 8 << 10
	maxTarget        = 2*63 + 1 // ZONE/NAME
)

// AccessRequest is what somebody without power asks for: a grant on a device, for
// a time. It is signed by who asks, sealed to one administrator, carried by
// anybody, and grants nothing.
type AccessRequest struct {
	Anchor     anchor.Anchor
	Device     string // NAME or ZONE/NAME, as who asks knows it
	Account    string
	Key        string // that is to log in: "<type> <base64>"
	Seconds    uint64 // how long, at least 1
	Reason     string // state.ValidReason
	Flags      state.GrantFlags
	Expires    uint64 // Unix seconds, after which nobody should grant it
	Nonce      [16]byte
	SigningKey string // of who asks, "ssh-ed25519 <base64>"
	Signature  [ed25519.SignatureSize]byte
}

// accessJSON is the content (docs/formats.md section 6).
type accessJSON struct {
	Version    int              `json:"version"`
	Device     string           `json:"device"`
	Account    string           `json:"account"`
	Key        string           `json:"key"`
	Seconds    uint64           `json:"seconds"`
	Reason     string           `json:"reason"`
	Flags      state.GrantFlags `json:"flags"`
	Expires    uint64           `json:"expires"`
	Nonce      base64Nonce      `json:"nonce"`
	SigningKey string           `json:"signing_key"`
	Signature  base64Sig        `json:"signature"`
}

// SealAccess signs a request and seals it to an administrator. Nonce, SigningKey
// and Signature are made here.
func (i *Identity) SealAccess(to Recipient, r AccessRequest) ([]byte, error) {
	signing, err := ssh.NewPublicKey(i.signing.Public())
	if err != nil {
		return nil, fmt.Errorf("access request: %w", err)
	}
	r.SigningKey = authorizedKey(signing)
	rand.Read(r.Nonce[:])
	digest := r.digest()
	copy(r.Signature[:], ed25519.Sign(i.signing, digest[:]))
	if err := r.verify(); err != nil {
		return nil, err
	}
	content, err := r.marshal()
	if err != nil {
		return nil, err
	}
	b, _, err := Seal(to, Header{Anchor: r.Anchor, Scope: r.Anchor.Org, Purpose: PurposeAccessRequest}, content)
	return b.Bytes, err
}

// OpenAccess opens a request to this identity and verifies its signature by the
// key that it names. Whose key that is, and whether it is still to be granted, is
// the reader's question.
func (i *Identity) OpenAccess(a anchor.Anchor, block []byte) (*AccessRequest, error) {
	b, err := i.Open(block, Expect{Anchor: a, Scope: a.Org, Purposes: []Purpose{PurposeAccessRequest}})
	if err != nil {
		return nil, err
	}
	return parseAccess(a, b.Content)
}

func (r *AccessRequest) marshal() ([]byte, error) {
	return json.Marshal(accessJSON{1, r.Device, r.Account, r.Key, r.Seconds, r.Reason, r.Flags, r.Expires, r.Nonce, r.SigningKey, r.Signature})
}

func parseAccess(a anchor.Anchor, content []byte) (*AccessRequest, error) {
	var w accessJSON
	if err := decodeStrict(content, MaxAccessRequest, &w); err != nil {
		return nil, fmt.Errorf("access request: %w", err)
	}
	if w.Version != 1 {
		return nil, malformed("access request of version %d", w.Version)
	}
	r := &AccessRequest{a, w.Device, w.Account, w.Key, w.Seconds, w.Reason, w.Flags, w.Expires, w.Nonce, w.SigningKey, w.Signature}
	return r, r.verify()
}

// ID names a request: the digest that was signed.
func (r *AccessRequest) ID() state.Word { return r.digest() }

// SSHKey is the key that is to log in.
func (r *AccessRequest) SSHKey() (ssh.PublicKey, error) {
	k, err := parseKey(r.Key)
	if err != nil {
		return nil, err
	}
	return k, profile.Accepted(k)
}

func (r *AccessRequest) verify() error {
	switch {
	case r.Device == "" || len(r.Device) > maxTarget || !state.ValidReason(r.Device):
		return malformed("access request for device %.80q", r.Device)
	case !state.ValidAccount(r.Account):
		return malformed("access request for account %.80q", r.Account)
	case r.Seconds == 0 || r.Seconds > state.MaxValidity:
		return malformed("access request for %d seconds", r.Seconds)
	case !state.ValidReason(r.Reason):
		return malformed("the reason of an access request")
	case r.Flags&^state.AllGrantFlags != 0:
		return malformed("access request with flags %d", r.Flags)
	case r.Expires == 0 || r.Expires >= state.Never:
		return malformed("access request that ends at %d", r.Expires)
	}
	if _, err := r.SSHKey(); err != nil {
		return fmt.Errorf("access request: %w: %w", ErrMalformed, err)
	}
	signing, err := parseSigningKey(r.SigningKey)
	if err != nil {
		return err
	}
	digest := r.digest()
	if !ed25519.Verify(signing, digest[:], r.Signature[:]) {
		return fmt.Errorf("access request: %w", ErrSignature)
	}
	return nil
}

// digest is what the signature is over: sha256 of "dpki/request/1" and then, as
// u16 length | bytes each, anchor, device, account, key, reason, signing key,
// nonce, and u64 seconds | u16 flags | u64 expires.
func (r *AccessRequest) digest() [32]byte {
	b := []byte("dpki/request/1")
	for _, field := range []string{r.Anchor.String(), r.Device, r.Account, r.Key, r.Reason, r.SigningKey, string(r.Nonce[:])} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	b = binary.BigEndian.AppendUint64(b, r.Seconds)
	b = binary.BigEndian.AppendUint16(b, uint16(r.Flags))
	return sha256.Sum256(binary.BigEndian.AppendUint64(b, r.Expires))
}
