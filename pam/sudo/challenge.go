package sudo

import (
	"crypto/sha512"
	"encoding/binary"
	"errors"

	"dpki/internal/sshsig"
	"dpki/state"
)

// Namespace keeps these signatures apart from those of every other use of SSHSIG.
const Namespace = "dpki-sudo"

// Challenge is what is signed.
type Challenge struct {
	Anchor  string     // the organisation's
	Device  state.Word // the device's id
	Account string     // the session's account
	Nonce   [32]byte   // fresh
}

// Marshal encodes the message.
//
//	"dpki/sudo/1" | u16 length | anchor | device id 32 | u8 length | account | nonce 32
func (c Challenge) Marshal() ([]byte, error) {
	if len(c.Anchor) == 0 || len(c.Anchor) > 0xffff || !state.ValidAccount(c.Account) || c.Device.IsZero() {
		return nil, errors.New("sudo: incomplete challenge")
	}
	b := []byte("dpki/sudo/1")
	b = binary.BigEndian.AppendUint16(b, uint16(len(c.Anchor)))
	b = append(b, c.Anchor...)
	b = append(b, c.Device[:]...)
	b = append(b, byte(len(c.Account)))
	b = append(b, c.Account...)
	return append(b, c.Nonce[:]...), nil
}

// signedBlob is what SSHSIG has the key sign for a message.
func signedBlob(message []byte) []byte { return sshsig.Blob(Namespace, sha512.Sum512(message)) }
