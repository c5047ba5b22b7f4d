package admin

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh/agent"

	"dpki/internal/harness/sshkey"
)

// TestOpenSigner: which of a file and the agent a name stands for.
func TestOpenSigner(t *testing.T) {
	dir := t.TempDir()
	key := sshkey.New(t)
	socket := filepath.Join(dir, "agent")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: key.Private}); err != nil {
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
	in := func(name string) string { return filepath.Join(dir, name) }
	key.Save(t, in("public"))
	key.Save(t, in("handle"))
	key.Save(t, in("open"))
	key.Save(t, in("whole"))
	if err := errors.Join(
		os.Remove(in("public")), os.Remove(in("whole.pub")), os.Chmod(in("open"), 0o644),
		os.WriteFile(in("handle"), []byte("of a security key"), 0o600), os.WriteFile(in("garbage"), []byte("garbage"), 0o600),
	); err != nil {
		t.Fatal(err)
	}
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
		signer, done, err := OpenSigner(t.Context(), in(c.name), c.socket, nil)
		var p *Problem
		switch {
		case c.class != 0:
			if !errors.As(err, &p) || p.Class != c.class || p.Hint == "" {
				t.Errorf("%s: %v", c.what, err)
			}
		case err != nil:
			t.Errorf("%s: %v", c.what, err)
		default:
			if !bytes.Equal(signer.PublicKey().Marshal(), key.PublicKey().Marshal()) {
				t.Errorf("%s: another key", c.what)
			}
			if _, err := signer.Sign(rand.Reader, []byte("m")); err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
			done.Close()
		}
	}
}
