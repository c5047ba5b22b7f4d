package profile

import (
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/state"
)

// userCert is a certificate of a grant; accountCert one without.
func userCert() *ssh.Certificate {
	return &ssh.Certificate{CertType: ssh.UserCert, ValidPrincipals: []string{GrantPrincipal(state.Word{1})}, ValidBefore: 1 << 31}
}

func accountCert() *ssh.Certificate {
	c := userCert()
	c.ValidPrincipals = []string{AccountPrincipal(state.Word{1}, "alice")}
	c.ValidAfter, c.ValidBefore = 1000, 1000+MaxWindow
	return c
}

// The most that the profile allows passes.
func TestCheckUserAccepts(t *testing.T) {
	for name, c := range map[string]*ssh.Certificate{
		"grant": userCert(), "account": accountCert(),
		"known options": with(userCert(), func(c *ssh.Certificate) {
			c.CriticalOptions = map[string]string{ForceCommand: "/bin/true", SourceAddress: "192.0.2.0/24", VerifyRequired: ""}
		}),
		"long fields": with(userCert(), func(c *ssh.Certificate) {
			c.KeyId, c.Extensions = strings.Repeat("x", maxKeyID), options(maxOptions)
		}),
		"latest end":   with(userCert(), func(c *ssh.Certificate) { c.ValidBefore = 1 << 62 }),
		"earliest end": with(userCert(), func(c *ssh.Certificate) { c.ValidBefore = 1 }),
	} {
		p, err := CheckUser(c)
		if err != nil || p.Text != c.ValidPrincipals[0] {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

func TestCheckUserRefuses(t *testing.T) {
	for _, row := range []struct {
		name string
		base func() *ssh.Certificate
		edit func(*ssh.Certificate)
		want error
	}{
		{"host", userCert, func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, ErrCertType},
		{"no principal", userCert, func(c *ssh.Certificate) { c.ValidPrincipals = nil }, ErrNoPrincipal},
		{"two principals", userCert, func(c *ssh.Certificate) { c.ValidPrincipals = append(c.ValidPrincipals, c.ValidPrincipals[0]) }, ErrManyPrincipals},
		{"another principal", userCert, func(c *ssh.Certificate) { c.ValidPrincipals[0] = "root" }, ErrPrincipal},
		{"unknown option", userCert, critical("x", ""), ErrCriticalOption},
		{"unknown option with a value", userCert, critical("x", "y"), ErrCriticalOption},
		{"empty command", userCert, critical(ForceCommand, ""), ErrCriticalOption},
		{"empty source", userCert, critical(SourceAddress, ""), ErrCriticalOption},
		{"verify-required with a value", userCert, critical(VerifyRequired, "x"), ErrCriticalOption},
		{"long key ID", userCert, func(c *ssh.Certificate) { c.KeyId = strings.Repeat("x", maxKeyID+1) }, ErrOversized},
		{"many extensions", userCert, func(c *ssh.Certificate) { c.Extensions = options(maxOptions + 1) }, ErrOversized},
		{"reserved", userCert, func(c *ssh.Certificate) { c.Reserved = []byte{0} }, ErrOversized},
		{"no end", userCert, func(c *ssh.Certificate) { c.ValidBefore = 0 }, ErrCertWindow},
		{"end too late", userCert, func(c *ssh.Certificate) { c.ValidBefore = 1<<62 + 1 }, ErrCertWindow},
		{"start beside a grant", userCert, func(c *ssh.Certificate) { c.ValidAfter = 1 }, ErrCertWindow},
		{"account, no start", accountCert, func(c *ssh.Certificate) { c.ValidAfter, c.ValidBefore = 0, 100 }, ErrCertWindow},
		{"account, empty window", accountCert, func(c *ssh.Certificate) { c.ValidBefore = c.ValidAfter }, ErrCertWindow},
		{"account, window turned round", accountCert, func(c *ssh.Certificate) { c.ValidBefore = c.ValidAfter - 1 }, ErrCertWindow},
		{"account, too long", accountCert, func(c *ssh.Certificate) { c.ValidBefore++ }, ErrCertWindow},
	} {
		if _, err := CheckUser(row.base()); err != nil {
			t.Fatalf("%s: twin: %v", row.name, err)
		}
		p, err := CheckUser(with(row.base(), row.edit))
		if !errors.Is(err, row.want) || p != (Principal{}) {
			t.Errorf("%s: %+v, %v; want %v", row.name, p, err, row.want)
		}
	}
}

func with(c *ssh.Certificate, edit func(*ssh.Certificate)) *ssh.Certificate { edit(c); return c }

func critical(name, value string) func(*ssh.Certificate) {
	return func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{name: value} }
}

func options(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[fmt.Sprint("x", i)] = ""
	}
	return m
}

func TestCheckSignature(t *testing.T) {
	if err := CheckSignature(certificate(t)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		edit func(*ssh.Certificate)
		want error
	}{
		{"no signature", func(c *ssh.Certificate) { c.Signature = nil }, ErrSignature},
		{"no authority", func(c *ssh.Certificate) { c.SignatureKey = nil }, ErrSignature},
		{"another authority", func(c *ssh.Certificate) { c.SignatureKey = newKey(t).PublicKey() }, ErrSignature},
		{"a certificate as authority", func(c *ssh.Certificate) { c.SignatureKey = certificate(t) }, ErrAuthority},
		{"changed serial", func(c *ssh.Certificate) { c.Serial++ }, ErrSignature},
		{"changed principal", func(c *ssh.Certificate) { c.ValidPrincipals[0] = GrantPrincipal(state.Word{2}) }, ErrSignature},
		{"changed end", func(c *ssh.Certificate) { c.ValidBefore++ }, ErrSignature},
		{"changed key", func(c *ssh.Certificate) { c.Key = newKey(t).PublicKey() }, ErrSignature},
		{"flipped", func(c *ssh.Certificate) { c.Signature.Blob[9] ^= 1 }, ErrSignature},
		{"another algorithm", func(c *ssh.Certificate) { c.Signature.Format = ssh.KeyAlgoRSASHA512 }, ErrSignatureType},
		{"no algorithm", func(c *ssh.Certificate) { c.Signature.Format = "" }, ErrSignatureType},
	} {
		c := certificate(t)
		row.edit(c)
		if err := CheckSignature(c); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
}

func TestRSASignatures(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	ca := signer(t, key, err).(ssh.AlgorithmSigner)
	for algorithm, want := range map[string]error{ssh.KeyAlgoRSASHA512: nil, ssh.KeyAlgoRSASHA256: ErrSignatureType, ssh.KeyAlgoRSA: ErrSignatureType} {
		s, err := ssh.NewSignerWithAlgorithms(ca, []string{algorithm})
		if err != nil {
			t.Fatal(err)
		}
		c := certificate(t)
		if err := c.SignCert(rand.Reader, s); err != nil {
			t.Fatal(err)
		}
		if err := CheckSignature(c); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", algorithm, err, want)
		}
	}
}

// agentKey is a key as an agent's client gives it: a name and a blob.
type agentKey struct{ ssh.PublicKey }

func TestAccepted(t *testing.T) {
	for bits, want := range map[int]error{1024: ErrAlgorithm, 2047: ErrAlgorithm, 2048: nil, 3072: nil} {
		key, err := rsa.GenerateKey(rand.Reader, bits)
		pub := signer(t, key, err).PublicKey()
		if err := Accepted(pub); !errors.Is(err, want) {
			t.Errorf("RSA-%d: %v, want %v", bits, err, want)
		}
		if err := Accepted(agentKey{pub}); !errors.Is(err, want) {
			t.Errorf("RSA-%d of an agent: %v, want %v", bits, err, want)
		}
	}
	if err := Accepted(certificate(t)); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("a certificate: %v", err)
	}
}

// A modulus of 8,193 bits need not be a product of two primes to be refused.
func TestLargeRSA(t *testing.T) {
	for bits, want := range map[int]error{8192: nil, 8193: ErrAlgorithm, 16384: ErrAlgorithm} {
		n := make([]byte, bits/8+1)
		n[0], n[1], n[len(n)-1] = byte(1<<(bits%8)>>1), 0x80, 1
		if bits%8 == 0 {
			n[0] = 0
		}
		blob := ssh.Marshal(struct {
			Name string
			E, N []byte
		}{ssh.KeyAlgoRSA, []byte{1, 0, 1}, n})
		if _, err := ParseBlob(blob); !errors.Is(err, want) {
			t.Errorf("RSA-%d: %v, want %v", bits, err, want)
		}
	}
}
