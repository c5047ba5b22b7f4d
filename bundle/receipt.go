package bundle

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strconv"

	"dpki/internal/anchor"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

const (
	// MaxReceipt bounds a receipt, in bytes.
	MaxReceipt = 4 << 10

	maxMarks  = 8
	maxResult = 100
)

// Applied is the result of a Mark when nothing was wrong.
const Applied = "applied"

// Receipt is what a device says about how far it has come, signed by its
// enrolment identity. It travels by any channel, and whoever carries it can
// withhold it or show an older one: what has no receipt is unknown, and never
// ready. It names no secret; that a device with this id was up at this time is
// what its reader learns.
type Receipt struct {
	Anchor     anchor.Anchor
	Device     state.Word // id: the mailbox
	Time       uint64     // verified, Unix seconds
	Marks      []Mark     // 1 to 8, one a scope
	SigningKey string     // of the enrolment request, "ssh-ed25519 <base64>"
	Signature  [ed25519.SignatureSize]byte
}

// Mark is how far one log has been read and what came of it.
type Mark struct {
	Scope  state.Word `json:"scope"`
	Seq    uint64     `json:"seq"`    // of the last entry that was taken in, 0 = none
	Result string     `json:"result"` // Applied, or in words why not; at most 100 bytes of printable ASCII
}

// receiptJSON is the wire form (docs/formats.md section 6).
type receiptJSON struct {
	Version    int           `json:"version"`
	Anchor     anchor.Anchor `json:"anchor"`
	Device     state.Word    `json:"device"`
	Time       uint64        `json:"time"`
	Marks      []Mark        `json:"marks"`
	SigningKey string        `json:"signing_key"`
	Signature  base64Sig     `json:"signature"`
}

// NewReceipt makes and signs a receipt.
func (i *Identity) NewReceipt(a anchor.Anchor, device state.Word, time uint64, marks []Mark) (*Receipt, error) {
	signing, err := ssh.NewPublicKey(i.signing.Public())
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	r := &Receipt{Anchor: a, Device: device, Time: time, Marks: marks, SigningKey: authorizedKey(signing)}
	digest := r.digest()
	copy(r.Signature[:], ed25519.Sign(i.signing, digest[:]))
	return r, r.verify()
}

// ParseReceipt decodes a receipt and verifies its signature by the key that it
// names. Whether that key is the device's is the reader's question.
func ParseReceipt(b []byte) (*Receipt, error) {
	var w receiptJSON
	if err := decodeStrict(b, MaxReceipt, &w); err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if w.Version != 1 {
		return nil, malformed("receipt of version %d", w.Version)
	}
	r := &Receipt{Anchor: w.Anchor, Device: w.Device, Time: w.Time, Marks: w.Marks, SigningKey: w.SigningKey, Signature: w.Signature}
	if err := r.verify(); err != nil {
		return nil, err
	}
	return r, nil
}

// Marshal encodes the JSON form, with a line feed.
func (r *Receipt) Marshal() ([]byte, error) {
	b, err := json.Marshal(receiptJSON{
		Version: 1, Anchor: r.Anchor, Device: r.Device, Time: r.Time, Marks: r.Marks, SigningKey: r.SigningKey, Signature: r.Signature,
	})
	if err != nil {
		return nil, fmt.Errorf("receipt: %w", err)
	}
	if b = append(b, '\n'); len(b) > MaxReceipt {
		return nil, fmt.Errorf("receipt of %d bytes: %w", len(b), ErrTooLarge)
	}
	return b, nil
}

// Key is the signing key's 32 bytes, under which a mirror keeps the receipt.
func (r *Receipt) Key() state.Word {
	key, err := SigningKeyBytes(r.SigningKey)
	if err != nil {
		return state.Word{} // verify has refused it
	}
	return key
}

// SigningKeyBytes are the 32 bytes of an Ed25519 key in a request, a roster or a receipt.
func SigningKeyBytes(text string) (state.Word, error) {
	key, err := parseSigningKey(text)
	if err != nil {
		return state.Word{}, err
	}
	return state.Word(key), nil
}

// Of is the mark of a scope.
func (r *Receipt) Of(scope state.Word) (Mark, bool) {
	for _, m := range r.Marks {
		if m.Scope == scope {
			return m, true
		}
	}
	return Mark{}, false
}

func (r *Receipt) verify() error {
	switch {
	case r.Anchor == (anchor.Anchor{}):
		return malformed("receipt without an anchor")
	case r.Device.IsZero():
		return malformed("receipt without a device")
	case r.Time > state.Never:
		return malformed("receipt of time %d", r.Time)
	case len(r.Marks) == 0 || len(r.Marks) > maxMarks:
		return malformed("receipt with %d marks", len(r.Marks))
	}
	seen := map[state.Word]bool{}
	for _, m := range r.Marks {
		if m.Scope.IsZero() || seen[m.Scope] || m.Result == "" || len(m.Result) > maxResult {
			return malformed("a mark of a receipt")
		}
		seen[m.Scope] = true
		for _, c := range []byte(m.Result) {
			if c < ' ' || c > '~' {
				return malformed("a mark of a receipt")
			}
		}
	}
	signing, err := parseSigningKey(r.SigningKey)
	if err != nil {
		return err
	}
	digest := r.digest()
	if !ed25519.Verify(signing, digest[:], r.Signature[:]) {
		return fmt.Errorf("receipt of %v: %w", r.Device, ErrSignature)
	}
	return nil
}

// digest is what the signature is over: sha256 of "dpki/receipt/1" and then, as
// u16 length | bytes each, anchor, device, time in decimal, signing key, and of
// each mark scope, sequence in decimal, result.
func (r *Receipt) digest() [32]byte {
	fields := []string{r.Anchor.String(), string(r.Device[:]), strconv.FormatUint(r.Time, 10), r.SigningKey}
	for _, m := range r.Marks {
		fields = append(fields, string(m.Scope[:]), strconv.FormatUint(m.Seq, 10), m.Result)
	}
	return digestOf("dpki/receipt/1", fields)
}
