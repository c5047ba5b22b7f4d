package sshca

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
)

// ErrSigner says that a signer cannot be a CA.
var ErrSigner = errors.New("signer cannot be a CA")

// Restrict returns a signer that uses the one signature algorithm of the profile for its key: SHA-512 with RSA, where an agent
// would otherwise be free to sign with SHA-1.
func Restrict(s ssh.Signer) (ssh.Signer, error) {
	if s == nil {
		return nil, fmt.Errorf("sshca: %w: none given", ErrSigner)
	}
	pub := s.PublicKey()
	if _, ok := pub.(*ssh.Certificate); ok {
		return nil, fmt.Errorf("sshca: %w: %w", ErrSigner, profile.ErrAuthority)
	}
	if err := profile.Accepted(pub); err != nil {
		return nil, fmt.Errorf("sshca: %w: %w", ErrSigner, err)
	}
	if pub.Type() != ssh.KeyAlgoRSA {
		return s, nil
	}
	as, ok := s.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("sshca: %w: RSA without SHA-512", ErrSigner)
	}
	rs, err := ssh.NewSignerWithAlgorithms(as, []string{ssh.KeyAlgoRSASHA512})
	if err != nil {
		return nil, fmt.Errorf("sshca: %w: RSA without SHA-512: %v", ErrSigner, err)
	}
	return rs, nil
}
