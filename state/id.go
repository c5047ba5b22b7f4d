package state

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/sha3"
)

// Word is a 32-byte value of the contract: an organisation, a scope, a
// subject, a salt or a hash. Its text form is 64 lower-case hex digits.
type Word [32]byte

// Address is a 20-byte account of the chain. Its text form is 0x and 40
// lower-case hex digits.
type Address [20]byte

// ErrNotHex says that a text is not the canonical hex form of a Word or an
// Address.
var ErrNotHex = errors.New("not lower-case hex of the right length")

func (w Word) String() string { return hex.EncodeToString(w[:]) }

// Short is how w is shown to people: enough to find it again.
func (w Word) Short() string { return w.String()[:12] }

// IsZero reports whether w is all zeros, which no identifier is.
func (w Word) IsZero() bool { return w == Word{} }

// MarshalText encodes w as 64 lower-case hex digits.
func (w Word) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText accepts exactly what MarshalText prints.
func (w *Word) UnmarshalText(b []byte) error {
	v, err := ParseWord(string(b))
	if err == nil {
		*w = v
	}
	return err
}

// ParseWord parses 64 lower-case hex digits.
func ParseWord(s string) (Word, error) {
	var w Word
	return w, decodeHex(w[:], s)
}

func (a Address) String() string { return "0x" + hex.EncodeToString(a[:]) }

// IsZero reports whether a is the zero address, which signs nothing.
func (a Address) IsZero() bool { return a == Address{} }

// MarshalText encodes a as 0x and 40 lower-case hex digits.
func (a Address) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText accepts exactly what MarshalText prints.
func (a *Address) UnmarshalText(b []byte) error {
	v, err := ParseAddress(string(b))
	if err == nil {
		*a = v
	}
	return err
}

// ParseAddress parses 0x and 40 lower-case hex digits. Mixed case (EIP-55) is
// the business of whoever reads addresses typed by people.
func ParseAddress(s string) (Address, error) {
	var a Address
	rest, ok := strings.CutPrefix(s, "0x")
	if !ok {
		return a, fmt.Errorf("address %.60q: %w", s, ErrNotHex)
	}
	return a, decodeHex(a[:], rest)
}

func decodeHex(dst []byte, s string) error {
	if len(s) != 2*len(dst) || strings.ContainsAny(s, "ABCDEF") {
		return fmt.Errorf("%.80q: %w", s, ErrNotHex)
	}
	if _, err := hex.Decode(dst, []byte(s)); err != nil {
		return fmt.Errorf("%.80q: %w", s, ErrNotHex)
	}
	return nil
}

// Keccak256 is Ethereum's hash: Keccak with the padding of before FIPS 202.
func Keccak256(data ...[]byte) Word {
	h := sha3.NewLegacyKeccak256()
	for _, d := range data {
		h.Write(d)
	}
	var w Word
	h.Sum(w[:0])
	return w
}

// Registry is where an organisation's log lives: a chain and a contract.
type Registry struct {
	ChainID  uint64
	Contract Address
}

// OrganisationID derives an organisation from its creator and salt.
func (r Registry) OrganisationID(creator Address, salt Word) Word {
	return hashWords(tag("DPKI/1/org"), number(r.ChainID), r.Contract.word(), creator.word(), salt)
}

// H0 is the running hash of a scope before its first entry.
func (r Registry) H0(org, scope Word) Word {
	return hashWords(tag("DPKI/1"), number(r.ChainID), r.Contract.word(), org, scope)
}

// ZoneID derives a zone's scope.
func ZoneID(org, salt Word) Word { return hashWords(tag("Z"), org, salt) }

// MailboxID derives the mailbox of a device or a person, which is also its
// identifier. The salt is the mailbox commitment.
func MailboxID(zone, salt Word) Word { return hashWords(tag("D"), zone, salt) }

// tag is a bytes32 string constant as Solidity pads it: on the right.
func tag(s string) Word {
	var w Word
	copy(w[:], s)
	return w
}

func number(n uint64) Word {
	var w Word
	binary.BigEndian.PutUint64(w[24:], n)
	return w
}

func (a Address) word() Word {
	var w Word
	copy(w[12:], a[:])
	return w
}

// hashWords is keccak256(abi.encode(...)) over static words.
func hashWords(words ...Word) Word {
	h := sha3.NewLegacyKeccak256()
	for _, w := range words {
		h.Write(w[:])
	}
	var out Word
	h.Sum(out[:0])
	return out
}
