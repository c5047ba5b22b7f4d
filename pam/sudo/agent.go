package sudo

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/ssh"
)

// The one message that is sent to an agent, and the one that is read (draft-ietf-sshm-ssh-agent, 3.6).
const (
	signRequest  = 13
	signResponse = 14

	flagRSASHA512 = 4

	// maxAnswer bounds an agent's answer, in bytes: an RSA-8192 signature has 1 KiB.
	maxAnswer = 16 << 10
)

// ErrRefused says that the agent does not sign: it lacks the key, is locked, or its owner said no.
var ErrRefused = errors.New("the agent did not sign; forward an agent that holds this session's key (ssh -A)")

// sign asks an agent for a signature by the key with this blob.
func sign(agent io.ReadWriter, blob, data []byte, rsa bool) (*ssh.Signature, error) {
	var flags uint32
	if rsa {
		flags = flagRSASHA512
	}
	body := append([]byte{signRequest}, ssh.Marshal(struct {
		Blob, Data []byte
		Flags      uint32
	}{blob, data, flags})...)
	if _, err := agent.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)); err != nil {
		return nil, err
	}
	var header [4]byte
	if _, err := io.ReadFull(agent, header[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(header[:])
	if n == 0 || n > maxAnswer {
		return nil, fmt.Errorf("sudo: an agent's answer of %d bytes", n)
	}
	answer := make([]byte, n)
	if _, err := io.ReadFull(agent, answer); err != nil {
		return nil, err
	}
	return parseAnswer(answer)
}

// parseAnswer reads byte SSH_AGENT_SIGN_RESPONSE | string signature.
func parseAnswer(b []byte) (*ssh.Signature, error) {
	if len(b) == 0 || b[0] != signResponse {
		return nil, ErrRefused
	}
	var outer struct{ Signature []byte }
	if err := ssh.Unmarshal(b[1:], &outer); err != nil {
		return nil, fmt.Errorf("sudo: an agent's answer: %w", err)
	}
	sig := new(ssh.Signature)
	if err := ssh.Unmarshal(outer.Signature, sig); err != nil {
		return nil, fmt.Errorf("sudo: an agent's signature: %w", err)
	}
	return sig, nil
}
