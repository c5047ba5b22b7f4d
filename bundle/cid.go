package bundle

import (
	"crypto/sha256"
	"encoding/base32"
)

// MaxBlock is the most bytes of one block: what IPFS nodes pass on as one raw
// block, so that its CID is the sha-256 of its bytes.
const MaxBlock = 256 << 10

// CID is the sha-256 digest of a block. Its text form is CIDv1 (raw, sha2-256)
// in base32: the only kind of CID that DPKI knows, hence 32 bytes everywhere.
type CID [32]byte

// cidPrefix: CID version 1, codec raw (0x55), multihash sha2-256 (0x12), 32 bytes.
var cidPrefix = [...]byte{0x01, 0x55, 0x12, 0x20}

// cidEncoding is multibase "b": RFC 4648 base32, lower case, no padding.
var cidEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Sum is the CID of a block.
func Sum(block []byte) CID { return sha256.Sum256(block) }

// IsZero reports whether the CID is all zeros, which names no block.
func (c CID) IsZero() bool { return c == CID{} }

func (c CID) String() string {
	return "b" + cidEncoding.EncodeToString(append(cidPrefix[:], c[:]...))
}

// MarshalText is the CIDv1 text.
func (c CID) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText accepts exactly what MarshalText prints.
func (c *CID) UnmarshalText(b []byte) error {
	v, err := ParseCID(string(b))
	if err == nil {
		*c = v
	}
	return err
}

// ParseCID accepts exactly what String prints.
func ParseCID(s string) (CID, error) {
	const textLen = 1 + (36*8+4)/5
	if len(s) != textLen {
		return CID{}, malformed("CID %.80q", s)
	}
	raw, err := cidEncoding.DecodeString(s[1:])
	if err != nil || len(raw) != 36 {
		return CID{}, malformed("CID %.80q", s)
	}
	c := CID(raw[4:])
	if c.String() != s { // other codecs and hashes, upper case, stray bits
		return CID{}, malformed("CID %.80q", s)
	}
	return c, nil
}
