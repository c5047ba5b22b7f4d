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
