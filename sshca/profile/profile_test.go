package profile

import (
	"bytes"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"crypto/ecdsa"

	"golang.org/x/crypto/ssh"

	"dpki/state"
)

func signer(t testing.TB, key any, err error) ssh.Signer {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newKey(t testing.TB) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return signer(t, key, err)
}

func certificate(t testing.TB) *ssh.Certificate {
	t.Helper()
	c := &ssh.Certificate{Key: newKey(t).PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{GrantPrincipal(state.Word{1})}, ValidBefore: 1 << 31}
	if err := c.SignCert(rand.Reader, newKey(t)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestParseBlob(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	rsaSigner := signer(t, rsaKey, err)
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	for _, pub := range []ssh.PublicKey{newKey(t).PublicKey(), rsaSigner.PublicKey(), signer(t, p256, err).PublicKey(), certificate(t)} {
		k, err := ParseBlob(pub.Marshal())
		if err != nil {
			t.Fatalf("%s: %v", pub.Type(), err)
		}
		plain := pub
		cert, isCert := pub.(*ssh.Certificate)
		if isCert {
			plain = cert.Key
		}
		if (k.Cert != nil) != isCert || !bytes.Equal(k.Public.Marshal(), plain.Marshal()) || !bytes.Equal(k.Blob, pub.Marshal()) ||
			k.Hash != sha256.Sum256(plain.Marshal()) || Hash(pub) != k.Hash {
			t.Errorf("%s: %+v", pub.Type(), k)
		}
		text := base64.StdEncoding.EncodeToString(pub.Marshal())
		if again, err := ParseText(pub.Type(), text); err != nil || again.Hash != k.Hash {
			t.Errorf("%s: %v", pub.Type(), err)
		}
		if _, err := ParseText(pub.Type()+"x", text); !errors.Is(err, ErrKeyType) {
			t.Errorf("%s: another type: %v", pub.Type(), err)
		}
	}
	if _, err := ParseBlob(make([]byte, MaxBlob+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
	if _, err := ParseBlob(nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("empty: %v", err)
	}
}

// The parsed key does not change with the caller's buffer.
func TestParseBlobKeepsItsOwn(t *testing.T) {
	blob := newKey(t).PublicKey().Marshal()
	k, err := ParseBlob(blob)
	if err != nil {
		t.Fatal(err)
	}
	want := Hash(k.Public)
	clear(blob)
	if sha256.Sum256(k.Blob) != want {
		t.Error("Blob changed with the caller's buffer")
	}
}

func TestPrincipals(t *testing.T) {
	w := state.Word{0xab, 31: 0x01}
	p, err := ParsePrincipal(GrantPrincipal(w))
	if err != nil || p.Grant != w || p.Account || p.Text != GrantPrincipal(w) {
		t.Errorf("%+v, %v", p, err)
	}
	// docs/formats.md section 10, derived here by hand.
	sum := sha256.Sum256([]byte("dpki/account/1" + string(w[:]) + "\x05alice"))
	if got, want := AccountPrincipal(w, "alice"), "a-"+hex.EncodeToString(sum[:]); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if p, err = ParsePrincipal(AccountPrincipal(w, "alice")); err != nil || !p.Account || !p.Grant.IsZero() {
		t.Errorf("%+v, %v", p, err)
	}
	good := GrantPrincipal(w)
	for _, bad := range []string{"", "g-", "a-", "g", good + "0", good[:65], "G-" + good[2:], strings.ToUpper(good), " " + good, good + " ", good + ",",
		"h-" + good[2:], good + "\n", "d-" + good[2:] + ".dpki", "g-" + strings.Repeat("g", 64), good[:10] + "*" + good[11:]} {
		if p, err := ParsePrincipal(bad); !errors.Is(err, ErrPrincipal) || p != (Principal{}) {
			t.Errorf("%q: %+v, %v", bad, p, err)
		}
	}
}

func TestCheckHost(t *testing.T) {
	device := state.Word{5}
	make := func() *ssh.Certificate {
		return &ssh.Certificate{CertType: ssh.HostCert, ValidPrincipals: []string{HostPrincipal(device)}, ValidAfter: 100, ValidBefore: 200}
	}
	if got, err := CheckHost(make()); err != nil || got != device {
		t.Fatalf("%v, %v", got, err)
	}
	for _, row := range []struct {
		name string
		edit func(*ssh.Certificate)
		want error
	}{
		{"user certificate", func(c *ssh.Certificate) { c.CertType = ssh.UserCert }, ErrHostType},
		{"no principal", func(c *ssh.Certificate) { c.ValidPrincipals = nil }, ErrNoPrincipal},
		{"two principals", func(c *ssh.Certificate) { c.ValidPrincipals = append(c.ValidPrincipals, "x") }, ErrManyPrincipals},
		{"host name", func(c *ssh.Certificate) { c.ValidPrincipals[0] = "gate-7" }, ErrHostPrincipal},
		{"no suffix", func(c *ssh.Certificate) { c.ValidPrincipals[0] = strings.TrimSuffix(c.ValidPrincipals[0], ".dpki") }, ErrHostPrincipal},
		{"more than the suffix", func(c *ssh.Certificate) { c.ValidPrincipals[0] += ".dpki" }, ErrHostPrincipal},
		{"critical option", func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x": ""} }, ErrCriticalOption},
		{"extension", func(c *ssh.Certificate) { c.Extensions = map[string]string{"x": ""} }, ErrOversized},
		{"no start", func(c *ssh.Certificate) { c.ValidAfter = 0 }, ErrCertWindow},
		{"end before start", func(c *ssh.Certificate) { c.ValidBefore = 100 }, ErrCertWindow},
		{"too long", func(c *ssh.Certificate) { c.ValidBefore = 101 + MaxWindow }, ErrCertWindow},
	} {
		c := make()
		row.edit(c)
		if got, err := CheckHost(c); !errors.Is(err, row.want) || !got.IsZero() {
			t.Errorf("%s: %v, %v; want %v", row.name, got, err, row.want)
		}
	}
	if _, err := CheckHost(nil); !errors.Is(err, ErrNotCertificate) {
		t.Errorf("nil: %v", err)
	}
	if _, err := CheckUser(nil); !errors.Is(err, ErrNotCertificate) {
		t.Errorf("nil: %v", err)
	}
	if err := CheckSignature(nil); !errors.Is(err, ErrSignature) {
		t.Errorf("nil: %v", err)
	}
	if err := CheckSignature(&ssh.Certificate{}); !errors.Is(err, ErrSignature) {
		t.Errorf("zero: %v", err)
	}
}

// The vectors were made without this package, from docs/formats.md.
func TestGrantKeyID(t *testing.T) {
	var subject, zone, key state.Word
	for i := range subject {
		subject[i], zone[i], key[i] = byte(i), 0x5a, 0x4b
	}
	full := Terms{Zone: zone, Device: "gate-7", Kind: state.KindGrant, Grant: state.Grant{
		Account: "alice", Key: key, From: "192.0.2.0/24", Command: "/bin/true", Flags: state.GrantPTY, Label: "request 7",
	}}
	for want, terms := range map[string]Terms{
		"g-0001020304050607-b77172368b9a541d48ae02dfe862ad3c": full,
		"g-0001020304050607-70b79d56591e45ec8c5a628cde4a0a32": {Zone: zone, Kind: state.KindGrantPriv, Grant: state.Grant{Account: "root", Key: key}},
	} {
		if got, err := GrantKeyID(subject, terms); err != nil || got != want || len(got) > maxKeyID {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
	seen := map[string]string{}
	for name, edit := range map[string]func(*Terms){
		"the same": func(*Terms) {}, "zone": func(t *Terms) { t.Zone[31]++ }, "device": func(t *Terms) { t.Device = "gate-8" }, "all devices": func(t *Terms) { t.Device = "" },
		"kind": func(t *Terms) { t.Kind = state.KindGrantPriv }, "account": func(t *Terms) { t.Account = "bob" }, "key": func(t *Terms) { t.Key[0]++ },
		"from": func(t *Terms) { t.From = "" }, "command": func(t *Terms) { t.Command = "" }, "flags": func(t *Terms) { t.Flags |= state.GrantSudo }, "label": func(t *Terms) { t.Label = "" },
	} {
		terms := full
		edit(&terms)
		id, err := GrantKeyID(subject, terms)
		if other, ok := seen[id]; ok || err != nil {
			t.Errorf("%s: that of %s, %v", name, other, err)
		}
		seen[id] = name
	}
	for name, edit := range map[string]func(*Terms){
		"nothing": func(t *Terms) { *t = Terms{} }, "kind": func(t *Terms) { t.Kind = state.KindDeny }, "device": func(t *Terms) { t.Device = "gate 7" },
		"account": func(t *Terms) { t.Account = "" },
	} {
		terms := full
		edit(&terms)
		if id, err := GrantKeyID(subject, terms); err == nil || id != "" {
			t.Errorf("%s: %q, %v", name, id, err)
		}
	}
}

func FuzzParseBlob(f *testing.F) {
	f.Add(newKey(f).PublicKey().Marshal())
	f.Add(certificate(f).Marshal())
	host := certificate(f)
	host.CertType, host.CriticalOptions, host.Extensions = ssh.HostCert, map[string]string{"force-command": "x"}, map[string]string{"permit-pty": ""}
	f.Add(host.Marshal())
	nested := certificate(f)
	nested.SignatureKey = certificate(f)
	f.Add(nested.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := ParseBlob(b)
		if err != nil {
			if k != nil {
				t.Fatal("a key beside the error")
			}
			return
		}
		if _, ok := k.Public.(*ssh.Certificate); ok {
			t.Fatal("a certificate as plain key")
		}
		if k.Cert == nil {
			if !bytes.Equal(k.Public.Marshal(), b) {
				t.Fatal("not canonical")
			}
			return
		}
		if !bytes.Equal(k.Cert.Marshal(), b) {
			t.Fatal("not canonical")
		}
		p, err := CheckUser(k.Cert)
		if err == nil && (len(k.Cert.ValidPrincipals) != 1 || p.Text != k.Cert.ValidPrincipals[0] || k.Cert.CertType != ssh.UserCert) {
			t.Fatalf("passed: %+v", k.Cert)
		}
		if _, hostErr := CheckHost(k.Cert); hostErr == nil && err == nil {
			t.Fatal("host's and user's at once")
		}
		_ = CheckSignature(k.Cert) // must not panic
	})
}
