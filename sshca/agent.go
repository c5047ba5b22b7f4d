package sshca

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// ErrNotInAgent says that the agent runs and does not hold the CA's key.
var ErrNotInAgent = errors.New("the agent does not hold this key")

// AgentTimeout is how long an agent may take for one connection's work: a FIDO device waits for a touch.
const AgentTimeout = time.Minute

// AgentSigner finds the private half of pub in the agent that listens at socket (SSH_AUTH_SOCK). The signer works until the closer is
// closed, AgentTimeout has passed or ctx ends.
func AgentSigner(ctx context.Context, socket string, pub ssh.PublicKey) (ssh.Signer, io.Closer, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", socket)
	if err != nil {
		return nil, nil, fmt.Errorf("sshca: agent: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	s, err := findSigner(conn, pub)
	if err != nil {
		stop()
		conn.Close()
		return nil, nil, err
	}
	return s, closer(func() error { stop(); return conn.Close() }), nil
}

func findSigner(conn net.Conn, pub ssh.PublicKey) (ssh.Signer, error) {
	if err := conn.SetDeadline(time.Now().Add(AgentTimeout)); err != nil {
		return nil, fmt.Errorf("sshca: agent: %w", err)
	}
	signers, err := agent.NewClient(conn).Signers()
	if err != nil {
		return nil, fmt.Errorf("sshca: agent: %w", err)
	}
	want := pub.Marshal()
	for _, s := range signers {
		if bytes.Equal(s.PublicKey().Marshal(), want) {
			return Restrict(s)
		}
	}
	return nil, fmt.Errorf("sshca: %w", ErrNotInAgent)
}

type closer func() error

func (c closer) Close() error { return c() }
