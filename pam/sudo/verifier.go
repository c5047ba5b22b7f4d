package sudo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"dpki/pam/proc"
	"dpki/pam/session"
	"dpki/sshca/profile"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// maxRunning bounds the challenges that wait for an agent at one time: each holds a connection of pam.sock, and users must not
// be able to fill it.
const maxRunning = 16

// Errors that a user is told.
var (
	ErrBusy    = errors.New("another sudo waits for the agent already")
	ErrNoAgent = errors.New("no agent is forwarded (ssh -A)")
	ErrWrong   = errors.New("the agent's signature is not by this session's key")
)

// Verifier asks agents. Its zero value cannot make a challenge and refuses everybody.
type Verifier struct {
	Anchor string
	Device state.Word
	Rand   io.Reader // nil: crypto/rand

	mu      sync.Mutex
	running map[proc.Process]bool // by session
}

// Verify returns nil if the agent that the sudo process names signs a fresh challenge by the session's key.
func (v *Verifier) Verify(ctx context.Context, s session.Session, sudo proc.Process) error {
	if !v.enter(s.Monitor) {
		return ErrBusy
	}
	defer v.leave(s.Monitor)
	key, err := profile.ParseText(s.KeyType, s.Key)
	if err != nil {
		return err
	}
	c := Challenge{Anchor: v.Anchor, Device: v.Device, Account: s.Account}
	random := v.Rand
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, c.Nonce[:]); err != nil {
		return err
	}
	message, err := c.Marshal()
	if err != nil {
		return err
	}
	path, _, err := sudo.Environ("SSH_AUTH_SOCK")
	if err != nil {
		return err
	}
	if !strings.HasPrefix(path, "/") {
		return ErrNoAgent
	}
	who, err := owner(s)
	if err != nil {
		return err
	}
	root, err := sudo.Root()
	if err != nil {
		return err
	}
	defer root.Close()
	agent, err := dialAs(ctx, who, root, path)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoAgent, err)
	}
	defer agent.Close()
	data := signedBlob(message)
	sig, err := sign(agent, key.Blob, data, key.Public.Type() == ssh.KeyAlgoRSA)
	if err != nil {
		return err
	}
	return check(key.Public, data, sig)
}

// check refuses RSA with SHA-1 and SHA-256, which Verify of the key would take.
func check(key ssh.PublicKey, data []byte, sig *ssh.Signature) error {
	want := key.Type()
	if want == ssh.KeyAlgoRSA {
		want = ssh.KeyAlgoRSASHA512
	}
	if sig.Format != want || key.Verify(data, sig) != nil {
		return ErrWrong
	}
	return nil
}

func (v *Verifier) enter(monitor proc.Process) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.running[monitor] || len(v.running) >= maxRunning {
		return false
	}
	if v.running == nil {
		v.running = map[proc.Process]bool{}
	}
	v.running[monitor] = true
	return true
}

func (v *Verifier) leave(monitor proc.Process) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.running, monitor)
}
