package admin

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
)

// TestOpenSigner: which of a file and the agent a name stands for.
func TestOpenSigner(t *testing.T) {
	dir := t.TempDir()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				_ = agent.ServeAgent(ring, c) // it ends with the connection
			}()
		}
	}()
	line := ssh.MarshalAuthorizedKey(key)
	write := func(name string, content []byte, mode fs.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), content, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("whole", pem.EncodeToMemory(block), 0o600)
	write("public.pub", line, 0o644)
	write("handle", []byte("of a security key"), 0o600)
	write("handle.pub", line, 0o644)
	write("open", pem.EncodeToMemory(block), 0o644)
	write("open.pub", line, 0o644)
	write("garbage", []byte("garbage"), 0o600)
	for _, c := range []struct {
		what, name, socket string
		class              Class // 0: it signs
	}{
		{"a private key", "whole", "", 0},
		{"a public key whose private half is in the agent", "public.pub", socket, 0},
		{"the same by the private file's name", "public", socket, 0},
		{"a security key's handle", "handle", socket, 0},
		{"a public key, and no agent", "public.pub", "", Usage},
		{"a handle, and no agent", "handle", "", Failed},
		{"a private key that others read, whatever the agent has", "open", socket, Failed},
		{"no key at all", "garbage", socket, Failed},
		{"nothing", "nothing", socket, Usage},
	} {
		signer, done, err := OpenSigner(t.Context(), filepath.Join(dir, c.name), c.socket, nil)
		var p *Problem
		switch {
		case c.class != 0:
			if !errors.As(err, &p) || p.Class != c.class || p.Hint == "" {
				t.Errorf("%s: %v", c.what, err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.what, err)
		default:
			if !bytes.Equal(signer.PublicKey().Marshal(), key.Marshal()) {
				t.Errorf("%s: another key", c.what)
			}
			if _, err := signer.Sign(rand.Reader, []byte("m")); err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
			done.Close()
		}
	}
}
