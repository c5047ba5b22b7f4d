package admin

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"golang.org/x/crypto/ssh"

	"dpki/sshca"
)

// OpenSigner opens a key that somebody names: a private key's file, or where there
// is only its .pub, or the file is a security key's handle, the key in the ssh-agent
// at the socket.
func OpenSigner(ctx context.Context, path, agentSocket string, passphrase func() ([]byte, error)) (ssh.Signer, io.Closer, error) {
	pub, err := readPublic(path)
	if err != nil {
		s, err := sshca.LoadKey(path, passphrase)
		if err == nil {
			return s, io.NopCloser(nil), nil
		}
		gone := errors.Is(err, fs.ErrNotExist)
		beside, errBeside := readPublic(path + ".pub")
		switch {
		case gone && errBeside != nil:
			return nil, nil, because(err, Usage, "name a private key's file, or a .pub file whose private half is in an ssh-agent", "there is no key %.120q", path)
		case errBeside != nil || !gone && (agentSocket == "" || !errors.Is(err, sshca.ErrKeyFileFormat)):
			return nil, nil, because(err, Failed, "a private key in OpenSSH's form, mode 0600; with --passphrase-file where it has a passphrase", "the key %.120q could not be opened", path)
		}
		pub = beside
	}
	if agentSocket == "" {
		return nil, nil, problem(Usage, "start one and ssh-add the key, or name the private key's file", "there is no ssh-agent that could hold the key %.120q", path)
	}
	s, done, err := sshca.AgentSigner(ctx, agentSocket, pub)
	return s, done, because(err, Failed, "see ssh-add -l", "the agent would not sign with the key %.120q", path)
}
