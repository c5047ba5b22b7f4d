package sshsig

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"
	"dpki/sshca"
)

const use = "dpki-test"

var message = []byte("what is signed")

func signer(t testing.TB, key any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	if err == nil {
		s, err = sshca.Restrict(s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(t testing.TB, s ssh.Signer) *Signature {
	t.Helper()
	sig, err := Sign(s, use, message)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// token is a security key in software: what PROTOCOL.u2f has one sign.
type token struct {
	private ed25519.PrivateKey
	flags   byte
}

func (k token) PublicKey() ssh.PublicKey {
	blob := ssh.Marshal(struct {
		Name        string
		Key         []byte
		Application string
	}{ssh.KeyAlgoSKED25519, k.private.Public().(ed25519.PublicKey), "ssh:"})
	pub, err := ssh.ParsePublicKey(blob)
	if err != nil {
		panic(err)
	}
	return pub
}

func (k token) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	app, digest := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	rest := []byte{k.flags, 0, 0, 0, 7}
	signed := bytes.Join([][]byte{app[:], rest, digest[:]}, nil)
	return &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(k.private, signed), Rest: rest}, nil
}

func TestKeys(t *testing.T) {
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	number, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	_, fido, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []ssh.Signer{sshkey.New(t), signer(t, curve), signer(t, number), token{fido, 1}} {
		sig := sign(t, s)
		again, err := Parse(sig.Marshal())
		if err != nil || again.Verify(use, message) != nil || !bytes.Equal(again.Key.Blob, s.PublicKey().Marshal()) {
			t.Errorf("%s: %v", s.PublicKey().Type(), err)
		}
		if again, err = ParseArmored(sig.Armor()); err != nil || again.Verify(use, message) != nil {
			t.Errorf("%s, armored: %v", s.PublicKey().Type(), err)
		}
	}
	// Without a touch, a security key signs for whoever has the machine.
	if _, err := Sign(token{fido, 0}, use, message); !errors.Is(err, ErrSignature) {
		t.Errorf("untouched: %v", err)
	}
}

func TestAttackAnotherMessageUseOrKey(t *testing.T) {
	s, other := sign(t, sshkey.New(t)), sign(t, sshkey.New(t))
	if err := s.Verify(use, message); err != nil {
		t.Fatal(err)
	}
	if err := s.Verify(use, []byte("another")); !errors.Is(err, ErrSignature) {
		t.Errorf("another message: %v", err)
	}
	if err := s.Verify("dpki-sudo", message); !errors.Is(err, ErrNamespace) {
		t.Errorf("another use: %v", err)
	}
	swapped := bytes.Replace(s.Marshal(), s.Key.Blob, other.Key.Blob, 1)
	if got, err := Parse(swapped); err != nil || !errors.Is(got.Verify(use, message), ErrSignature) {
		t.Errorf("another key: %v", err)
	}
	// A namespace that is written over does not verify: it is in what is signed.
	renamed := bytes.Replace(s.Marshal(), []byte(use), []byte("dpki-tesu"), 1)
	if got, err := Parse(renamed); err != nil || !errors.Is(got.Verify("dpki-tesu", message), ErrSignature) {
		t.Errorf("namespace written over: %v", err)
	}
}

func TestForms(t *testing.T) {
	good := sign(t, sshkey.New(t)).Marshal()
	for name, b := range map[string][]byte{
		"empty": {}, "cut": good[:len(good)-1], "longer": append(bytes.Clone(good), 0), "too long": append(bytes.Clone(good), make([]byte, MaxLen)...),
		"magic": bytes.Replace(good, []byte("SSHSIG"), []byte("SSHSIH"), 1), "version": bytes.Replace(good, []byte{0, 0, 0, 1}, []byte{0, 0, 0, 2}, 1),
		"hash": bytes.Replace(good, []byte("sha512"), []byte("sha256"), 1),
	} {
		if _, err := Parse(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	armored := sign(t, sshkey.New(t)).Armor()
	for name, b := range map[string][]byte{"nothing": nil, "more": append(bytes.Clone(armored), "x"...), "type": bytes.ReplaceAll(armored, []byte("SSH SIG"), []byte("SSH XIG")),
		"cut": armored[:len(armored)-10], "text before": append([]byte("x\n"), armored...), "carriage return": bytes.ReplaceAll(armored, []byte("\n"), []byte("\r\n")), "too long": append(bytes.Clone(armored), make([]byte, MaxArmored)...),
		"one long line": []byte(Begin + "\n" + strings.ReplaceAll(string(armored[len(Begin)+1:len(armored)-len(end)-2]), "\n", "") + "\n" + end + "\n")} {
		if _, err := ParseArmored(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("armor, %s: %v", name, err)
		}
	}
}

// ssh-keygen reads what is made here, and makes what is read here.
func TestOpenSSH(t *testing.T) {
	harness.Need(t, harness.SshKeygen)
	dir := t.TempDir()
	key := filepath.Join(dir, "key")
	if _, err := sshca.CreateKey(key, "watchdog", nil); err != nil {
		t.Fatal(err)
	}
	s, err := sshca.LoadKey(key, nil)
	if err != nil {
		t.Fatal(err)
	}
	run := func(stdin string, args ...string) ([]byte, error) {
		cmd := exec.Command("ssh-keygen", args...)
		cmd.Stdin = strings.NewReader(stdin)
		return cmd.Output()
	}
	made, err := run(string(message), "-Y", "sign", "-n", use, "-f", key)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseArmored(made)
	if err != nil || got.Verify(use, message) != nil || !bytes.Equal(got.Armor(), made) {
		t.Fatalf("ssh-keygen's signature: %v\n%s", err, made)
	}
	file := filepath.Join(dir, "sig")
	if err := os.WriteFile(file, sign(t, s).Armor(), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(string(message), "-Y", "check-novalidate", "-n", use, "-s", file); err != nil {
		t.Errorf("ssh-keygen does not take ours: %v %s", err, out)
	}
	if out, err := run("another", "-Y", "check-novalidate", "-n", use, "-s", file); err == nil {
		t.Errorf("ssh-keygen takes anything: %s", out)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sign(f, sshkey.New(f)).Marshal())
	f.Add([]byte(magic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Marshal(), b) {
			t.Errorf("Marshal(Parse(x)) is %x, x is %x", s.Marshal(), b)
		}
		_ = s.Verify(use, message)
	})
}

func FuzzParseArmored(f *testing.F) {
	f.Add(sign(f, sshkey.New(f)).Armor())
	f.Add([]byte(Begin + "\n" + end + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := ParseArmored(b); err == nil && !bytes.Equal(s.Armor(), b) {
			t.Errorf("Armor(ParseArmored(x)) is %q, x is %q", s.Armor(), b)
		}
	})
}
