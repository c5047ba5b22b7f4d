package bundle

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"

	"dpki/internal/anchor"
	"dpki/state"
)

// Plaintext of a bundle (docs/formats.md section 7):
//
//	"DPKIBNDL" | u8 1 | u8 purpose | scope 32 | subject 32 | salt 32 |
//	u16 length | anchor | u32 length | content
const (
	bundleMagic   = "DPKIBNDL"
	bundleVersion = 1
	bundleFixed   = len(bundleMagic) + 1 + 1 + 3*32 + 2 + 4

	// MaxContent is the longest content of a bundle, in bytes. What age adds
	// (header, nonce, one tag for every 64 KiB) is below 2 KiB.
	MaxContent = MaxBlock - 2<<10 - bundleFixed - anchor.MaxLen
)

// Header says where a bundle belongs. The entry that announces a bundle fixes
// all of it, so a reader knows what to expect before it decrypts.
type Header struct {
	Anchor  anchor.Anchor
	Scope   state.Word // scope of the announcing entry
	Subject state.Word // subject of the announcing entry
	Purpose Purpose
}

// Block is a sealed bundle, or a block of a batch: bytes and their CID.
type Block struct {
	CID   CID
	Bytes []byte
}

// Seal encrypts content to one recipient, with a fresh key agreement and a
// fresh salt. The commitment is what a DELIVERY entry carries.
func Seal(to Recipient, h Header, content []byte) (b Block, commitment state.Word, err error) {
	b, salt, err := sealSalted(to, h, content)
	if err != nil {
		return Block{}, state.Word{}, err
	}
	return b, commit(salt, content), nil
}

func sealSalted(to Recipient, h Header, content []byte) (b Block, salt [32]byte, err error) {
	if to.age == nil {
		return Block{}, salt, malformed("bundle without a recipient")
	}
	if !h.Purpose.Known() {
		return Block{}, salt, malformed("bundle with %v", h.Purpose)
	}
	if len(content) > MaxContent {
		return Block{}, salt, fmt.Errorf("content of %d bytes, at most %d: %w", len(content), MaxContent, ErrTooLarge)
	}
	rand.Read(salt[:])
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to.age)
	if err == nil {
		_, err = w.Write(marshalBundle(h, salt, content))
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return Block{}, salt, fmt.Errorf("bundle: %w", err)
	}
	if out.Len() > MaxBlock {
		return Block{}, salt, fmt.Errorf("bundle of %d bytes, at most %d: %w", out.Len(), MaxBlock, ErrTooLarge)
	}
	return Block{CID: Sum(out.Bytes()), Bytes: out.Bytes()}, salt, nil
}

// Bundle is an opened bundle.
type Bundle struct {
	Header
	Salt    [32]byte
	Content []byte
}

// Commitment binds the content: sha256("dpki/bundle/1" | salt | content).
func (b *Bundle) Commitment() state.Word { return commit(b.Salt, b.Content) }

// Expect is what a reader knows of a bundle before it opens it.
type Expect struct {
	Anchor   anchor.Anchor
	Scope    state.Word
	Subject  state.Word
	Purposes []Purpose // those that the reader can use; none = nothing is accepted
	// Commitment, unless zero, is the one that a DELIVERY entry announced.
	Commitment state.Word
}

// Open decrypts a block and checks that it is the bundle that was announced.
// The caller has compared the block with its CID.
func (i *Identity) Open(block []byte, want Expect) (*Bundle, error) {
	if len(block) > MaxBlock {
		return nil, fmt.Errorf("block of %d bytes, at most %d: %w", len(block), MaxBlock, ErrTooLarge)
	}
	plain, err := age.Decrypt(bytes.NewReader(block), onlyRecipient{i.age})
	var noMatch *age.NoIdentityMatchError
	if errors.As(err, &noMatch) {
		return nil, fmt.Errorf("bundle: %w", ErrNotForUs)
	}
	if err != nil {
		return nil, fmt.Errorf("bundle: %v: %w", err, ErrAltered)
	}
	raw, err := io.ReadAll(io.LimitReader(plain, MaxBlock+1))
	if err != nil {
		return nil, fmt.Errorf("bundle: %v: %w", err, ErrAltered)
	}
	b, err := parseBundle(raw)
	if err != nil {
		return nil, err
	}
	if err := want.check(b); err != nil {
		return nil, err
	}
	return b, nil
}

// onlyRecipient refuses files with other stanzas than the one for us: a bundle
// has exactly one recipient, and a second reader would be a leak by design.
type onlyRecipient struct{ id *age.HybridIdentity }

func (o onlyRecipient) Unwrap(stanzas []*age.Stanza) ([]byte, error) {
	if len(stanzas) != 1 {
		return nil, malformed("bundle with %d recipients", len(stanzas))
	}
	return o.id.Unwrap(stanzas)
}

func (want Expect) check(b *Bundle) error {
	switch {
	case b.Anchor != want.Anchor:
		return fmt.Errorf("bundle of another organisation: %w", ErrWrongPlace)
	case b.Scope != want.Scope:
		return fmt.Errorf("bundle of scope %v, announced in %v: %w", b.Scope, want.Scope, ErrWrongPlace)
	case b.Subject != want.Subject:
		return fmt.Errorf("bundle of entry %v, announced by %v: %w", b.Subject, want.Subject, ErrWrongPlace)
	case !want.Commitment.IsZero() && b.Commitment() != want.Commitment:
		return fmt.Errorf("bundle of entry %v: %w", b.Subject, ErrCommitment)
	}
	for _, p := range want.Purposes {
		if p == b.Purpose {
			return nil
		}
	}
	return fmt.Errorf("bundle with %v: %w", b.Purpose, ErrWrongPlace)
}

func commit(salt [32]byte, content []byte) state.Word {
	h := sha256.New()
	h.Write([]byte("dpki/bundle/1"))
	h.Write(salt[:])
	h.Write(content)
	return state.Word(h.Sum(nil))
}

func marshalBundle(h Header, salt [32]byte, content []byte) []byte {
	text := h.Anchor.String()
	b := make([]byte, 0, bundleFixed+len(text)+len(content))
	b = append(b, bundleMagic...)
	b = append(b, bundleVersion, byte(h.Purpose))
	b = append(b, h.Scope[:]...)
	b = append(b, h.Subject[:]...)
	b = append(b, salt[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(text)))
	b = append(b, text...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(content)))
	return append(b, content...)
}

// parseBundle decodes what marshalBundle encodes, and nothing else.
func parseBundle(b []byte) (*Bundle, error) {
	if len(b) < bundleFixed || string(b[:8]) != bundleMagic {
		return nil, malformed("bundle header")
	}
	if b[8] != bundleVersion {
		return nil, malformed("bundle of version %d", b[8])
	}
	out := &Bundle{}
	if out.Purpose = Purpose(b[9]); !out.Purpose.Known() {
		return nil, malformed("bundle with %v", out.Purpose)
	}
	copy(out.Scope[:], b[10:42])
	copy(out.Subject[:], b[42:74])
	copy(out.Salt[:], b[74:106])
	n, rest := int(binary.BigEndian.Uint16(b[106:108])), b[108:]
	if n > len(rest)-4 {
		return nil, malformed("bundle header")
	}
	a, err := anchor.Parse(string(rest[:n]))
	if err != nil {
		return nil, fmt.Errorf("bundle: %w: %w", err, ErrMalformed)
	}
	out.Anchor = a
	size, content := binary.BigEndian.Uint32(rest[n:n+4]), rest[n+4:]
	if uint64(size) != uint64(len(content)) {
		return nil, malformed("bundle of %d bytes of content, %d announced", len(content), size)
	}
	out.Content = content
	return out, nil
}
