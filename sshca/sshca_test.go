package sshca

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"maps"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
	"dpki/state"
)

const until = 1_800_000_000 // Unix seconds

var subject = state.Word{0xab, 31: 0xcd}

// terms are what certificates in these tests are issued for.
func terms(flags state.GrantFlags) profile.Terms {
	return profile.Terms{Zone: state.Word{1}, Device: "gate-7", Kind: state.KindGrant, Grant: state.Grant{Account: "alice", Flags: flags}}
}

func newSigner(t testing.TB, key any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newEd25519(t testing.TB) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return newSigner(t, key)
}

var rsaKeys sync.Map // bits -> *rsa.PrivateKey

func newRSA(t testing.TB, bits int) ssh.Signer {
	t.Helper()
	v, ok := rsaKeys.Load(bits)
	if !ok {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		v, _ = rsaKeys.LoadOrStore(bits, key)
	}
	return newSigner(t, v)
}

// authorities is one CA of each algorithm.
func authorities(t testing.TB) map[string]ssh.Signer {
	t.Helper()
	all := map[string]ssh.Signer{"Ed25519": newEd25519(t), "RSA-2048": newRSA(t, 2048), "RSA-3072": newRSA(t, 3072)}
	for name, curve := range map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = newSigner(t, key)
	}
	return all
}

func TestIssueGrant(t *testing.T) {
	for name, ca := range authorities(t) {
		key := newEd25519(t).PublicKey()
		flags := state.GrantPTY | state.GrantAgentForwarding | state.GrantSudo
		cert, err := IssueGrant(ca, key, Grant{Subject: subject, Until: until, Terms: terms(flags)})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		p, err := profile.CheckUser(cert)
		if err != nil || p.Grant != subject || p.Account {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
		if err := profile.CheckSignature(cert); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if cert.ValidAfter != 0 || cert.ValidBefore != until || cert.Serial == 0 || cert.KeyId != keyID(t, key, flags) || len(cert.CriticalOptions) != 0 {
			t.Errorf("%s: %+v", name, cert)
		}
		if want := map[string]string{"permit-pty": "", "permit-agent-forwarding": ""}; !maps.Equal(cert.Extensions, want) {
			t.Errorf("%s: extensions %v, want %v", name, cert.Extensions, want)
		}
		if ca.PublicKey().Type() == ssh.KeyAlgoRSA && cert.Signature.Format != ssh.KeyAlgoRSASHA512 {
			t.Errorf("%s: signed by %s", name, cert.Signature.Format)
		}
		again, err := IssueGrant(ca, key, Grant{Subject: subject, Until: until, Terms: terms(0)})
		if err != nil || again.Serial == cert.Serial {
			t.Errorf("%s: serial %d again, %v", name, cert.Serial, err)
		}
	}
}

// keyID is that of a grant for a key.
func keyID(t testing.TB, key ssh.PublicKey, flags state.GrantFlags) string {
	t.Helper()
	terms := terms(flags)
	terms.Key = profile.Hash(key)
	id, err := profile.GrantKeyID(subject, terms)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// Nothing is signed for what is no grant.
func TestIssuesForGrantsOnly(t *testing.T) {
	for name, edit := range map[string]func(*profile.Terms){
		"no account":      func(t *profile.Terms) { t.Account = "" },
		"no such account": func(t *profile.Terms) { t.Account = "../alice" },
		"no kind":         func(t *profile.Terms) { t.Kind = 0 },
		"another kind":    func(t *profile.Terms) { t.Kind = state.KindCAUser },
		"no device":       func(t *profile.Terms) { t.Device = "gate 7" },
	} {
		ca := &counting{Signer: newEd25519(t)}
		good := terms(0)
		if _, err := IssueGrant(ca, newEd25519(t).PublicKey(), Grant{Subject: subject, Until: until, Terms: good}); err != nil || ca.used != 1 {
			t.Fatalf("%s: twin: %v", name, err)
		}
		edit(&good)
		if cert, err := IssueGrant(ca, newEd25519(t).PublicKey(), Grant{Subject: subject, Until: until, Terms: good}); cert != nil || err == nil || ca.used != 1 {
			t.Errorf("%s: %v, %v, used %d times", name, cert, err, ca.used)
		}
	}
}

func TestIssueHost(t *testing.T) {
	device := state.Word{2}
	h := Host{Device: device, From: until - 3600, Until: until}
	cert, err := IssueHost(newEd25519(t), newRSA(t, 3072).PublicKey(), h)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := profile.CheckHost(cert); err != nil || got != device {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := profile.CheckUser(cert); !errors.Is(err, profile.ErrCertType) {
		t.Errorf("a host certificate as user's: %v", err)
	}
	for name, edit := range map[string]func(*Host){
		"no start": func(h *Host) { h.From = 0 }, "no end": func(h *Host) { h.Until = 0 },
		"more than allowed": func(h *Host) { h.From = h.Until - profile.MaxWindow - 1 },
	} {
		bad := h
		edit(&bad)
		if _, err := IssueHost(newEd25519(t), newEd25519(t).PublicKey(), bad); !errors.Is(err, profile.ErrCertWindow) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// counting tells whether the CA's key was used.
type counting struct {
	ssh.Signer
	used int
}

func (c *counting) Sign(r io.Reader, b []byte) (*ssh.Signature, error) {
	c.used++
	return c.Signer.Sign(r, b)
}

// What the profile does not know is never signed, and the CA's key is not even asked.
func TestRefusesToSign(t *testing.T) {
	good := profile.GrantPrincipal(subject)
	for _, row := range []struct {
		name string
		edit func(*ssh.Certificate)
		want error
	}{
		{"no principal", func(c *ssh.Certificate) { c.ValidPrincipals = nil }, profile.ErrNoPrincipal},
		{"two principals", func(c *ssh.Certificate) { c.ValidPrincipals = []string{good, good} }, profile.ErrManyPrincipals},
		{"empty principal", func(c *ssh.Certificate) { c.ValidPrincipals = []string{""} }, profile.ErrPrincipal},
		{"comma", func(c *ssh.Certificate) { c.ValidPrincipals = []string{good + ",root"} }, profile.ErrPrincipal},
		{"quote", func(c *ssh.Certificate) { c.ValidPrincipals = []string{good + `"`} }, profile.ErrPrincipal},
		{"line end", func(c *ssh.Certificate) { c.ValidPrincipals = []string{good + "\n"} }, profile.ErrPrincipal},
		{"space", func(c *ssh.Certificate) { c.ValidPrincipals = []string{good + " "} }, profile.ErrPrincipal},
		{"star", func(c *ssh.Certificate) { c.ValidPrincipals = []string{"*"} }, profile.ErrPrincipal},
		{"account name", func(c *ssh.Certificate) { c.ValidPrincipals = []string{"root"} }, profile.ErrPrincipal},
		{"type 0", func(c *ssh.Certificate) { c.CertType = 0 }, profile.ErrCertType},
		{"host with a user's principal", func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, profile.ErrHostPrincipal},
		{"no end", func(c *ssh.Certificate) { c.ValidBefore = 0 }, profile.ErrCertWindow},
		{"for ever", func(c *ssh.Certificate) { c.ValidBefore = ssh.CertTimeInfinity }, profile.ErrCertWindow},
		{"start beside a grant", func(c *ssh.Certificate) { c.ValidAfter = 1 }, profile.ErrCertWindow},
		{"unknown critical option", func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x": ""} }, profile.ErrCriticalOption},
	} {
		ca := &counting{Signer: newEd25519(t)}
		template := ssh.Certificate{CertType: ssh.UserCert, ValidPrincipals: []string{good}, ValidBefore: until}
		if _, err := Sign(ca, newEd25519(t).PublicKey(), &template); err != nil || ca.used != 1 {
			t.Fatalf("%s: twin: %v, used %d times", row.name, err, ca.used)
		}
		row.edit(&template)
		cert, err := Sign(ca, newEd25519(t).PublicKey(), &template)
		if cert != nil || !errors.Is(err, row.want) || ca.used != 1 {
			t.Errorf("%s: %v, %v, used %d times; want %v", row.name, cert, err, ca.used, row.want)
		}
	}
}

func TestKeysThatAreNotSigned(t *testing.T) {
	ca := newEd25519(t)
	cert, err := IssueGrant(ca, newEd25519(t).PublicKey(), Grant{Subject: subject, Until: until, Terms: terms(0)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := IssueGrant(ca, cert, Grant{Subject: subject, Until: until, Terms: terms(0)}); !errors.Is(err, profile.ErrKeyType) {
		t.Errorf("a certificate: %v", err)
	}
	if _, err := IssueGrant(ca, newRSA(t, 1024).PublicKey(), Grant{Subject: subject, Until: until, Terms: terms(0)}); !errors.Is(err, profile.ErrAlgorithm) {
		t.Errorf("RSA-1024: %v", err)
	}
}

// lying answers with something else than it was asked for.
type lying struct {
	ssh.Signer
	sign func(io.Reader, []byte) (*ssh.Signature, error)
}

func (l lying) Sign(r io.Reader, b []byte) (*ssh.Signature, error) { return l.sign(r, b) }

func TestSignersThatAreNoCA(t *testing.T) {
	key := newEd25519(t)
	cert, err := IssueGrant(key, key.PublicKey(), Grant{Subject: subject, Until: until, Terms: terms(0)})
	if err != nil {
		t.Fatal(err)
	}
	asCert, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	sha1, err := ssh.NewSignerWithAlgorithms(newRSA(t, 2048).(ssh.AlgorithmSigner), []string{ssh.KeyAlgoRSA})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		s    ssh.Signer
		want error
	}{
		{"none", nil, ErrSigner},
		{"a certificate", asCert, profile.ErrAuthority},
		{"RSA-1024", newRSA(t, 1024), profile.ErrAlgorithm},
		{"RSA with SHA-1 only", sha1, ErrSigner},
		{"signature of another key", lying{key, newEd25519(t).Sign}, profile.ErrSignature},
		{"signature of other data", lying{key, func(r io.Reader, b []byte) (*ssh.Signature, error) { return key.Sign(r, b[1:]) }}, profile.ErrSignature},
		{"refuses", lying{key, func(io.Reader, []byte) (*ssh.Signature, error) { return nil, io.ErrClosedPipe }}, io.ErrClosedPipe},
	} {
		if cert, err := IssueGrant(row.s, newEd25519(t).PublicKey(), Grant{Subject: subject, Until: until, Terms: terms(0)}); cert != nil || !errors.Is(err, row.want) {
			t.Errorf("%s: %v, %v; want %v", row.name, cert, err, row.want)
		}
	}
}

// token is a security key of PROTOCOL.u2f, made of software: there is none to touch in a test.
type token struct {
	public ssh.PublicKey
	key    ed25519.PrivateKey
}

func newToken(t testing.TB) token {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sk, err := ssh.ParsePublicKey(ssh.Marshal(struct{ Name, Key, Application string }{ssh.KeyAlgoSKED25519, string(pub), "ssh:"}))
	if err != nil {
		t.Fatal(err)
	}
	return token{sk, key}
}

func (k token) PublicKey() ssh.PublicKey { return k.public }

func (k token) Sign(_ io.Reader, data []byte) (*ssh.Signature, error) {
	application, message := sha256.Sum256([]byte("ssh:")), sha256.Sum256(data)
	rest := binary.BigEndian.AppendUint32([]byte{1}, 7) // user present, counter
	signed := append(append(application[:], rest...), message[:]...)
	return &ssh.Signature{Format: ssh.KeyAlgoSKED25519, Blob: ed25519.Sign(k.key, signed), Rest: rest}, nil
}

// A FIDO device can be the CA, and the key that is certified.
func TestSecurityKey(t *testing.T) {
	ca := newToken(t)
	cert, err := IssueGrant(ca, newToken(t).PublicKey(), Grant{Subject: subject, Until: until, Terms: terms(0)})
	if err != nil {
		t.Fatal(err)
	}
	if err := profile.CheckSignature(cert); err != nil {
		t.Error(err)
	}
	cert.Serial++
	if err := profile.CheckSignature(cert); !errors.Is(err, profile.ErrSignature) {
		t.Errorf("with another serial: %v", err)
	}
}

func TestErrorsNameNoSecret(t *testing.T) {
	_, err := LoadKey("/nonexistent/key", func() ([]byte, error) { return []byte("hunter2"), nil })
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
