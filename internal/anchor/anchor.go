// Package anchor is the text form of an organisation's place: chain, contract,
// organisation and contract version, with a checksum. It is the only thing
// that a device is given to trust (docs/formats.md section 1).
package anchor

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"dpki/state"
)

// Version is the contract version that this build speaks.
const Version = 1

// MaxLen bounds the text form, in bytes.
const MaxLen = 200

// Anchor names an organisation on a chain.
type Anchor struct {
	Registry state.Registry
	Org      state.Word
}

// Errors of Parse. ErrChecksum means a typing or copying mistake; ErrVersion a
// contract version that this build does not know.
var (
	ErrForm     = errors.New("not an anchor: want dpki:eip155:<chain>:<contract>:<organisation>:<version>-<checksum>")
	ErrChecksum = errors.New("the anchor's checksum does not match: copy it again, whole")
	ErrVersion  = errors.New("the anchor names a contract version that this program does not know: install a newer one")
)

// String is the canonical text:
//
//	dpki:eip155:<chain id>:<contract, 40 hex>:<organisation, 64 hex>:<version>-<8 hex of sha-256 of all before the dash>
func (a Anchor) String() string {
	body := fmt.Sprintf("dpki:eip155:%d:%s:%s:%d", a.Registry.ChainID,
		hex.EncodeToString(a.Registry.Contract[:]), a.Org, Version)
	return body + "-" + checksum(body)
}

// Parse accepts exactly what String prints.
func Parse(s string) (Anchor, error) {
	if len(s) > MaxLen {
		return Anchor{}, ErrForm
	}
	body, sum, ok := strings.Cut(s, "-")
	parts := strings.Split(body, ":")
	if !ok || len(parts) != 6 || parts[0] != "dpki" || parts[1] != "eip155" {
		return Anchor{}, ErrForm
	}
	if sum != checksum(body) {
		return Anchor{}, ErrChecksum
	}
	if parts[5] != strconv.Itoa(Version) {
		return Anchor{}, ErrVersion
	}
	chain, err := strconv.ParseUint(parts[2], 10, 64)
	if err != nil || chain == 0 {
		return Anchor{}, ErrForm
	}
	contract, err := state.ParseAddress("0x" + parts[3])
	if err != nil {
		return Anchor{}, ErrForm
	}
	org, err := state.ParseWord(parts[4])
	if err != nil {
		return Anchor{}, ErrForm
	}
	a := Anchor{Registry: state.Registry{ChainID: chain, Contract: contract}, Org: org}
	if a.String() != s {
		return Anchor{}, ErrForm
	}
	return a, nil
}

// MarshalText encodes the canonical text.
func (a Anchor) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText accepts exactly what MarshalText prints.
func (a *Anchor) UnmarshalText(b []byte) error {
	v, err := Parse(string(b))
	if err == nil {
		*a = v
	}
	return err
}

func checksum(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:4])
}
