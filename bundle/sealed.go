package bundle

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"

	"dpki/state"
)

// Sealed entry data (docs/formats.md section 5):
//
//	u8 1 | u32 key id | SHA-256(k) 32 | XChaCha20-Poly1305(k, zero nonce, padded payload, AAD)
//	k   = HKDF-SHA-256(scope key, no salt, "dpki/entry/1" | subject)
//	AAD = u16 length | anchor text | scope | u8 kind | subject | u40 from | u40 until
//
// ChaCha20-Poly1305 does not commit to its key: without SHA-256(k) somebody who
// discloses keys could show two readers two texts for one entry.
const (
	sealedVersion = 1
	sealedHeader  = 1 + 4 + sha256.Size
	maxTime       = 1<<40 - 1
)

// paddedSizes are the only sizes of a padded payload: what an entry says shows
// in three lengths and no others.
var paddedSizes = [...]int{128, 256, 512}

func (k Key) entryKey(subject state.Word) Key {
	return derive(k[:], "dpki/entry/1"+string(subject[:]))
}

func seal(anchor string, id uint32, k Key, subject state.Word, e Entry, payload []byte) ([]byte, error) {
	if e.From > maxTime || e.Until > maxTime {
		return nil, malformed("window %d to %d", e.From, e.Until)
	}
	plaintext, err := pad(payload)
	if err != nil {
		return nil, err
	}
	b := make([]byte, 0, sealedHeader+len(plaintext)+chacha20poly1305.Overhead)
	b = append(b, sealedVersion)
	b = binary.BigEndian.AppendUint32(b, id)
	commitment := sha256.Sum256(k[:])
	b = append(b, commitment[:]...)
	aead, nonce := entryCipher(k)
	return aead.Seal(b, nonce, plaintext, entryAAD(anchor, subject, e)), nil
}

func open(anchor string, k Key, scope state.Word, e *state.Entry) ([]byte, error) {
	if _, err := keyID(e.Data); err != nil {
		return nil, err
	}
	commitment := sha256.Sum256(k[:])
	if subtle.ConstantTimeCompare(commitment[:], e.Data[5:sealedHeader]) != 1 {
		return nil, fmt.Errorf("sealed data of %v %v: %w", e.Kind, e.Subject, ErrAltered)
	}
	aead, nonce := entryCipher(k)
	place := Entry{Scope: scope, Kind: e.Kind, From: e.From, Until: e.Until}
	plaintext, err := aead.Open(nil, nonce, e.Data[sealedHeader:], entryAAD(anchor, e.Subject, place))
	if err != nil {
		return nil, fmt.Errorf("sealed data of %v %v: %w", e.Kind, e.Subject, ErrAltered)
	}
	return unpad(plaintext)
}

// keyID checks the form of sealed data and returns the number of its key.
func keyID(data []byte) (uint32, error) {
	known := false
	for _, n := range paddedSizes {
		known = known || len(data) == sealedHeader+n+chacha20poly1305.Overhead
	}
	if !known {
		return 0, malformed("sealed data of %d bytes", len(data))
	}
	if data[0] != sealedVersion {
		return 0, malformed("sealed data of version %d", data[0])
	}
	return binary.BigEndian.Uint32(data[1:5]), nil
}

// entryCipher returns the cipher of one entry and its constant nonce. k serves
// one plaintext only, because subjects are drawn by Ring and never reused.
func entryCipher(k Key) (aead interface {
	Seal(dst, nonce, plaintext, data []byte) []byte
	Open(dst, nonce, ciphertext, data []byte) ([]byte, error)
}, nonce []byte) {
	c, err := chacha20poly1305.NewX(k[:])
	if err != nil {
		panic("bundle: " + err.Error()) // only for keys that are not 32 bytes
	}
	return c, make([]byte, chacha20poly1305.NonceSizeX)
}

func entryAAD(anchor string, subject state.Word, e Entry) []byte {
	b := make([]byte, 0, 2+len(anchor)+32+1+32+5+5)
	b = binary.BigEndian.AppendUint16(b, uint16(len(anchor)))
	b = append(b, anchor...)
	b = append(b, e.Scope[:]...)
	b = append(b, byte(e.Kind))
	b = append(b, subject[:]...)
	b = appendUint40(b, e.From)
	return appendUint40(b, e.Until)
}

func appendUint40(b []byte, v uint64) []byte {
	var w [8]byte
	binary.BigEndian.PutUint64(w[:], v)
	return append(b, w[3:]...)
}

// pad appends 0x80 and zeros to the smallest size that fits.
func pad(payload []byte) ([]byte, error) {
	for _, n := range paddedSizes {
		if len(payload) < n {
			b := make([]byte, n)
			copy(b, payload)
			b[len(payload)] = 0x80
			return b, nil
		}
	}
	return nil, fmt.Errorf("payload of %d bytes, at most %d: %w", len(payload), state.MaxPayload, ErrTooLarge)
}

// unpad undoes pad and refuses what pad does not make.
func unpad(b []byte) ([]byte, error) {
	body := bytes.TrimRight(b, "\x00")
	if len(body) == 0 || body[len(body)-1] != 0x80 {
		return nil, malformed("padding")
	}
	body = body[:len(body)-1]
	if again, err := pad(body); err != nil || len(again) != len(b) {
		return nil, malformed("padding of %d bytes in %d", len(body), len(b))
	}
	return body, nil
}
