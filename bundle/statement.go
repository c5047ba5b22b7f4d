package bundle

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"dpki/internal/anchor"
	"dpki/internal/sshsig"
	"dpki/state"
)

// WatchNamespace keeps watchdogs' signatures apart from all others of their keys.
const WatchNamespace = "dpki-watch"

// MaxStatements is how many deliveries one signature covers.
const MaxStatements = 64

// Statement is what a watchdog says of one delivery: this content, for this
// recipient, announced by this entry. The contract takes an entry's subject once,
// so that a statement serves one delivery, for ever.
type Statement struct {
	Anchor     anchor.Anchor `json:"anchor"`
	Recipient  string        `json:"recipient"` // its name, as it knows itself
	Mailbox    state.Word    `json:"mailbox"`   // its scope, which the zone's is bound to
	Subject    state.Word    `json:"subject"`   // of the DELIVERY entry
	Purpose    Purpose       `json:"purpose"`
	From       uint64        `json:"from"` // window of the entry, Unix seconds
	Until      uint64        `json:"until"`
	Supersedes state.Word    `json:"supersedes"`
	Name       string        `json:"name"` // the content's
	Commitment state.Word    `json:"commitment"`
	Block      CID           `json:"block"`
	Summary    state.Word    `json:"summary"` // digest of the content's Summary
}

// Digest is sha256 of "dpki/watch/1" and then, as u16 length | bytes each, anchor,
// recipient, mailbox, subject, purpose, from, until (u40), supersedes, name,
// commitment, block's digest, summary's digest.
func (s *Statement) Digest() state.Word {
	return digestOf("dpki/watch/1", []string{
		s.Anchor.String(), s.Recipient, string(s.Mailbox[:]), string(s.Subject[:]), string([]byte{byte(s.Purpose)}),
		string(appendUint40(nil, s.From)), string(appendUint40(nil, s.Until)), string(s.Supersedes[:]), s.Name,
		string(s.Commitment[:]), string(s.Block[:]), string(s.Summary[:]),
	})
}

// Describes refuses a summary that the statement is not about.
func (s *Statement) Describes(sum *Summary) error {
	if err := errors.Join(sum.Check(), sum.announcedAs(s.Name)); err != nil {
		return err
	}
	digest, err := sum.digest()
	if err == nil && (digest != s.Summary || sum.Purpose != s.Purpose) {
		err = malformed("statement of another summary")
	}
	return err
}

// WatchMessage is what a watchdog signs: "dpki/watch/1" | u16 count | digests of
// statements, strictly ascending. One touch of a security key covers a whole file.
func WatchMessage(digests []state.Word) ([]byte, error) {
	if !ascending(digests) || len(digests) == 0 || len(digests) > MaxStatements {
		return nil, malformed("%d statements", len(digests))
	}
	b := binary.BigEndian.AppendUint16([]byte("dpki/watch/1"), uint16(len(digests)))
	for _, d := range digests {
		b = append(b, d[:]...)
	}
	return b, nil
}

func ascending(list []state.Word) bool {
	for i := 1; i < len(list); i++ {
		if bytes.Compare(list[i-1][:], list[i][:]) >= 0 {
			return false
		}
	}
	return true
}

// maxSignatures bounds the signatures of one content: two policies' watchdogs.
const maxSignatures = 2 * state.MaxWatchdogs

// Signatures is the content of purpose 9: what watchdogs have signed, one of its
// statements about the delivery that the entry names.
type Signatures struct {
	Version    int            `json:"version"`    // 1
	Statements []state.Word   `json:"statements"` // digests, 1 to 64, strictly ascending
	Signatures []SSHSignature `json:"signatures"` // 1 to 16, by strictly ascending key hashes
}

// SSHSignature is an SSHSIG over the message, standard base64 in JSON.
type SSHSignature struct{ *sshsig.Signature }

// MarshalText is standard base64 with padding.
func (s SSHSignature) MarshalText() ([]byte, error) { return encodeSecret(s.Marshal()), nil }

// UnmarshalText accepts exactly what MarshalText prints.
func (s *SSHSignature) UnmarshalText(text []byte) error {
	var c Content // base64 of any length
	if err := c.UnmarshalText(text); err != nil {
		return malformed("a signature is not base64")
	}
	sig, err := sshsig.Parse(c)
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	s.Signature = sig
	return nil
}

// Marshal checks and encodes the content.
func (s *Signatures) Marshal() ([]byte, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return marshalContent(s)
}

// ParseSignatures decodes the content of a bundle with purpose 9 and verifies
// every signature in it. Whether their keys are watchdogs' is the policy's to say.
func ParseSignatures(b []byte) (*Signatures, error) {
	s := &Signatures{}
	if err := decodeStrict(b, maxSignatures*2*sshsig.MaxLen, s); err != nil {
		return nil, fmt.Errorf("signatures: %w", err)
	}
	return s, s.Check()
}

// Check verifies every signature.
func (s *Signatures) Check() error {
	message, err := WatchMessage(s.Statements)
	if err != nil {
		return err
	}
	if s.Version != 1 || len(s.Signatures) == 0 || len(s.Signatures) > maxSignatures {
		return malformed("signatures of version %d, %d of them", s.Version, len(s.Signatures))
	}
	var keys []state.Word
	for _, sig := range s.Signatures {
		if sig.Signature == nil {
			return malformed("an empty signature")
		}
		if err := sig.Verify(WatchNamespace, message); err != nil {
			return fmt.Errorf("watchdog %s: %w: %w", hex.EncodeToString(sig.Key.Hash[:6]), err, ErrSignature)
		}
		keys = append(keys, sig.Key.Hash)
	}
	if !ascending(keys) {
		return malformed("signatures that are not in the order of their keys")
	}
	return nil
}

// covers reports whether a statement is among those signed.
func (s *Signatures) covers(d state.Word) bool { return slices.Contains(s.Statements, d) }
