package sshsig

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"encoding/pem"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
)

var message = []byte("what is signed\n")

const namespace = "test"

func signer(t testing.TB, key any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newSigner(t testing.TB) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer(t, key)
}

func sign(t testing.TB, s ssh.Signer) *Signature {
	t.Helper()
	sig, err := Sign(s, namespace, sha512.Sum512(message))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestVerify(t *testing.T) {
	s, other := newSigner(t), newSigner(t)
	sig, err := Parse(sign(t, s).Armor())
	if err != nil {
		t.Fatal(err)
	}
	digest := sha512.Sum512(message)
	if err := sig.Verify(s.PublicKey(), namespace, digest); err != nil {
		t.Error(err)
	}
	forged := *sig
	forged.Key = other.PublicKey()
	for name, err := range map[string]error{
		"another key":       sig.Verify(other.PublicKey(), namespace, digest),
		"another namespace": sig.Verify(s.PublicKey(), "file", digest),
		"another message":   sig.Verify(s.PublicKey(), namespace, sha512.Sum512([]byte("x"))),
		"another's name":    forged.Verify(other.PublicKey(), namespace, digest),
	} {
		if !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := sign(t, newSigner(t)).Armor()
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing":         nil,
		"cut":             good[:len(good)-10],
		"text before":     append([]byte("x\n"), good...),
		"text behind":     append(bytes.Clone(good), '\n'),
		"one long line":   []byte(Begin + "\n" + strings.ReplaceAll(string(good[len(Begin)+1:len(good)-len(end)-2]), "\n", "") + "\n" + end + "\n"),
		"carriage return": bytes.ReplaceAll(good, []byte("\n"), []byte("\r\n")),
		"too long":        append(bytes.Clone(good), make([]byte, MaxSize)...),
		"another hash":    bytes.Replace(good, []byte("c2hhNTEy"), []byte("c2hhMjU2"), 1),
	} {
		if _, err := Parse(b); !errors.Is(err, ErrMalformed) && !bytes.Equal(b, good) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What ssh-keygen signs is read here, and the other way round, byte for byte.
func TestAsSSHKeygen(t *testing.T) {
	harness.Need(t, harness.SshKeygen)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]any{"ed25519": &ed, "ecdsa": ec, "rsa": rs} {
		dir, s := t.TempDir(), signer(t, key)
		block, err := ssh.MarshalPrivateKey(key, "")
		if err != nil {
			t.Fatal(err)
		}
		write := func(name string, b []byte) string {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		private, signers, ours := write("key", pem.EncodeToMemory(block)), write("signers", append([]byte("v "), ssh.MarshalAuthorizedKey(s.PublicKey())...)), write("ours.sig", sign(t, s).Armor())
		verify := func(sig, namespace string) error {
			cmd := exec.Command("ssh-keygen", "-Y", "verify", "-f", signers, "-I", "v", "-n", namespace, "-s", sig)
			cmd.Stdin = bytes.NewReader(message)
			return cmd.Run()
		}
		if verify(ours, namespace) != nil || verify(ours, "file") == nil {
			t.Errorf("%s: ssh-keygen does not read what was made here as what it is", name)
		}
		cmd := exec.Command("ssh-keygen", "-Y", "sign", "-f", private, "-n", namespace)
		cmd.Stdin = bytes.NewReader(message)
		theirs, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sig, err := Parse(theirs)
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, theirs)
		}
		if err := sig.Verify(s.PublicKey(), namespace, sha512.Sum512(message)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sign(f, newSigner(f)).Armor())
	f.Add([]byte(Begin + "\n" + end + "\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := Parse(b); err == nil && !bytes.Equal(s.Armor(), b) {
			t.Errorf("Armor(Parse(x)) is %q, x is %q", s.Armor(), b)
		}
	})
}
