package profile

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"

	"dpki/state"
)

// ErrPrincipal says that a principal is neither a grant's nor an account's. Its spelling is so narrow that no comma, quote,
// space, wildcard or line end passes (CVE-2026-35414).
var ErrPrincipal = errors.New("principal is not g- or a- and 64 lower-case hex digits")

// ErrTerms says that a certificate cannot be issued for this.
var ErrTerms = errors.New("not the kind of a grant, or not a device's name")

const (
	grantPrefix   = "g-"
	accountPrefix = "a-"
)

// GrantPrincipal is the only principal of a certificate that is used with a grant.
func GrantPrincipal(subject state.Word) string { return grantPrefix + subject.String() }

// AccountPrincipal is the only principal of a certificate that logs in without a grant: for one account, in one zone.
//
//	"a-" | hex of sha256("dpki/account/1" | zone | u8 length | account)
func AccountPrincipal(zone state.Word, account string) string {
	b := append([]byte("dpki/account/1"), zone[:]...)
	b = append(b, byte(len(account)))
	sum := sha256.Sum256(append(b, account...))
	return accountPrefix + hex.EncodeToString(sum[:])
}

// Terms are what the certificate of a grant is issued for. What a GRANT or GRANT_PRIV entry says is up to whoever may enter it, and an
// id that stands in one scope may be entered again in another: so who holds the CA's key signs for one grant and all that it says.
type Terms struct {
	Zone   state.Word
	Device string     // its name in the zone; empty for all of the zone's devices
	Kind   state.Kind // KindGrant or KindGrantPriv
	state.Grant
}

// GrantKeyID is the only key ID of a certificate that is used with a grant: the grant's first digits, for people, and its terms.
//
//	"g-" | first 16 hex of the subject | "-" |
//	first 32 hex of sha256("dpki/grant/1" | subject | zone | u8 kind | u8 length | device | payload of the grant)
//
// What is no grant has none.
func GrantKeyID(subject state.Word, t Terms) (string, error) {
	payload, err := t.Grant.Marshal()
	if err != nil {
		return "", err
	}
	if t.Kind != state.KindGrant && t.Kind != state.KindGrantPriv || t.Device != "" && !state.ValidName(t.Device) {
		return "", ErrTerms
	}
	b := append([]byte("dpki/grant/1"), subject[:]...)
	b = append(b, t.Zone[:]...)
	b = append(b, byte(t.Kind), byte(len(t.Device)))
	b = append(b, t.Device...)
	sum := sha256.Sum256(append(b, payload...))
	return grantPrefix + subject.String()[:16] + "-" + hex.EncodeToString(sum[:16]), nil
}

// Principal is a parsed principal. The zero value is none.
type Principal struct {
	Grant   state.Word // subject of the grant, when it is a grant's
	Account bool       // it is an account's: compare Text with AccountPrincipal
	Text    string
}

// ParsePrincipal accepts what GrantPrincipal and AccountPrincipal print.
func ParsePrincipal(s string) (Principal, error) {
	if hexPart, ok := strings.CutPrefix(s, grantPrefix); ok {
		subject, err := state.ParseWord(hexPart)
		if err != nil {
			return Principal{}, ErrPrincipal
		}
		return Principal{Grant: subject, Text: s}, nil
	}
	if hexPart, ok := strings.CutPrefix(s, accountPrefix); ok {
		if _, err := state.ParseWord(hexPart); err != nil {
			return Principal{}, ErrPrincipal
		}
		return Principal{Account: true, Text: s}, nil
	}
	return Principal{}, ErrPrincipal
}
