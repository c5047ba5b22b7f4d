package witness

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"

	"dpki/state"
)

const (
	// MaxHashes is how many blocks one checkpoint covers: two minutes of a
	// chain with a block every two seconds.
	MaxHashes = 64
	// MaxCheckpoint bounds a checkpoint, in bytes.
	MaxCheckpoint = checkpointHead + 32*MaxHashes + ed25519.PublicKeySize + ed25519.SignatureSize

	checkpointMagic = "DPKIWTNS"
	checkpointHead  = len(checkpointMagic) + 1 + 5*8 + 1
	version         = 1
)

// Why a checkpoint is not used.
var (
	// ErrForm: the bytes are no checkpoint, or no rotation, of this version.
	ErrForm = errors.New("malformed")
	// ErrSignature: the signature does not verify.
	ErrSignature = errors.New("the signature is wrong")
	// ErrOther: another witness's, or of another chain.
	ErrOther = errors.New("of another witness or chain")
)

// Checkpoint is what one witness says of its node's chain.
type Checkpoint struct {
	ChainID   uint64
	Number    uint64 // of the newest block
	Time      uint64 // of the newest block, Unix seconds
	Safe      uint64 // number, 0 = none
	Finalized uint64 // number, 0 = none
	// Hashes are those of the blocks Number, Number-1, ...: 1 to MaxHashes.
	Hashes []state.Word
}

// Hash is the hash of a block, where the checkpoint covers it.
func (c *Checkpoint) Hash(number uint64) (state.Word, bool) {
	if number > c.Number || c.Number-number >= uint64(len(c.Hashes)) {
		return state.Word{}, false
	}
	return c.Hashes[c.Number-number], true
}

func (c *Checkpoint) check() error {
	switch {
	case len(c.Hashes) == 0 || len(c.Hashes) > MaxHashes || uint64(len(c.Hashes)-1) > c.Number:
		return fmt.Errorf("%w: %d hashes at block %d", ErrForm, len(c.Hashes), c.Number)
	case c.Safe > c.Number || c.Finalized > c.Number:
		return fmt.Errorf("%w: safe or final beyond its newest block", ErrForm)
	case c.ChainID == 0:
		return fmt.Errorf("%w: no chain", ErrForm)
	}
	return nil
}

// signed is what the signature covers:
//
//	"DPKIWTNS" | u8 1 | u64 chain id | u64 number | u64 time | u64 safe |
//	u64 finalized | u8 count | hashes, 32 each | public key 32
func (c *Checkpoint) signed(key Key) []byte {
	b := append(make([]byte, 0, MaxCheckpoint), checkpointMagic...)
	b = append(b, version)
	for _, n := range []uint64{c.ChainID, c.Number, c.Time, c.Safe, c.Finalized} {
		b = binary.BigEndian.AppendUint64(b, n)
	}
	b = append(b, byte(len(c.Hashes)))
	for _, h := range c.Hashes {
		b = append(b, h[:]...)
	}
	return append(b, key[:]...)
}

// Sign is the checkpoint's form: what is signed, then the signature, 64 bytes.
func (c *Checkpoint) Sign(private ed25519.PrivateKey) ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	b := c.signed(KeyOf(private))
	return append(b, ed25519.Sign(private, b)...), nil
}

// Parse checks a checkpoint of one witness on one chain. Its error wraps
// ErrForm, ErrOther or ErrSignature.
func Parse(b []byte, key Key, chain uint64) (*Checkpoint, error) {
	if len(b) > MaxCheckpoint || len(b) < checkpointHead || !bytes.HasPrefix(b, append([]byte(checkpointMagic), version)) {
		return nil, fmt.Errorf("%w: no checkpoint of version %d", ErrForm, version)
	}
	u := func(i int) uint64 { return binary.BigEndian.Uint64(b[len(checkpointMagic)+1+8*i:]) }
	c := &Checkpoint{ChainID: u(0), Number: u(1), Time: u(2), Safe: u(3), Finalized: u(4)}
	count := int(b[checkpointHead-1])
	if len(b) != checkpointHead+32*count+ed25519.PublicKeySize+ed25519.SignatureSize {
		return nil, fmt.Errorf("%w: %d bytes with %d hashes", ErrForm, len(b), count)
	}
	rest := b[checkpointHead:]
	for range count {
		c.Hashes = append(c.Hashes, state.Word(rest[:32]))
		rest = rest[32:]
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	if Key(rest[:len(key)]) != key || c.ChainID != chain {
		return nil, fmt.Errorf("%w: witness %s, chain %d", ErrOther, Key(rest[:len(key)]).Short(), c.ChainID)
	}
	body := len(b) - ed25519.SignatureSize
	if !key.verify(b[:body], b[body:]) {
		return nil, ErrSignature
	}
	return c, nil
}
