package bundle

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness/sshkey"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"
)

var authority = Authority{Subject: state.Word{7}, Key: Key{8}}

func privateText(t testing.TB, k sshkey.Key) PrivateKey {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(k.Private, "")
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func testUserKey(t testing.TB) *UserKey {
	t.Helper()
	ca, key := sshkey.New(t), sshkey.New(t)
	cert, err := sshca.IssueGrant(ca, key.PublicKey(), sshca.Grant{Subject: state.Word{1}, Until: 2e9, Terms: profile.Terms{Kind: state.KindGrant, Grant: state.Grant{Account: "ops"}}})
	if err != nil {
		t.Fatal(err)
	}
	return &UserKey{Version: 1, Name: "tech", PrivateKey: privateText(t, key), Certificate: authorizedKey(cert), Authority: authority,
		Account: "ops", Hosts: []LoginHost{{Name: "gate-7", Device: state.Word{2}, Address: "gate-7.example:22", HostKey: hostKey}, {Name: "gate-8", Device: state.Word{3}}}}
}

func testHost(t testing.TB) *HostCertificate {
	t.Helper()
	ca, key := sshkey.New(t), sshkey.New(t)
	h := &HostCertificate{Version: 1, PrivateKey: privateText(t, key), Authority: authority}
	for i := range uint64(3) {
		cert, err := sshca.IssueHost(ca, key.PublicKey(), sshca.Host{Device: state.Word{3}, From: 1000 + 50*i, Until: 1100 + 50*i})
		if err != nil {
			t.Fatal(err)
		}
		h.Certificates = append(h.Certificates, authorizedKey(cert))
	}
	return h
}

func testTrust(t testing.TB) *Trust {
	t.Helper()
	tr := &Trust{Version: 1, Name: "plant", Use: ForHosts}
	for range 2 {
		tr.CAs = append(tr.CAs, TrustedCA{Key: authorizedKey(sshkey.New(t).PublicKey()), Authority: authority})
	}
	return tr
}

func testFiles() *Files {
	return &Files{Version: 1, Name: "tls", Files: []File{
		{"a.conf", "0644", Content("a = 1\n")}, {"keys/b.pem", "0600", Content("secret")}, {"keys/c", "0755", Content{}},
	}}
}

// delivered is one kind of content: a good one, and how it is read and written.
type delivered struct {
	name  string
	good  func(testing.TB) any
	parse func([]byte) (interface{ Marshal() ([]byte, error) }, error)
}

var deliveredContents = []delivered{
	{"user key", func(t testing.TB) any { return testUserKey(t) }, func(b []byte) (interface{ Marshal() ([]byte, error) }, error) { return ParseUserKey(b) }},
	{"host certificate", func(t testing.TB) any { return testHost(t) }, func(b []byte) (interface{ Marshal() ([]byte, error) }, error) {
		return ParseHostCertificate(b)
	}},
	{"trust", func(t testing.TB) any { return testTrust(t) }, func(b []byte) (interface{ Marshal() ([]byte, error) }, error) { return ParseTrust(b) }},
	{"files", func(t testing.TB) any { return testFiles() }, func(b []byte) (interface{ Marshal() ([]byte, error) }, error) { return ParseFiles(b) }},
}

func TestDeliveredContents(t *testing.T) {
	for _, c := range deliveredContents {
		good := c.good(t)
		b, err := json.Marshal(good)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.parse(b)
		if err != nil || !reflect.DeepEqual(got, good) {
			t.Fatalf("%s: parsed %v, %v", c.name, got, err)
		}
		if again, err := got.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: Marshal(Parse(x)) differs: %v", c.name, err)
		}
		for name, bad := range map[string][]byte{
			"version":  bytes.Replace(b, []byte(`"version":1`), []byte(`"version":2`), 1),
			"unknown":  bytes.Replace(b, []byte(`{`), []byte(`{"x":1,`), 1),
			"trailing": append(bytes.Clone(b), '1'),
			"empty":    []byte(`{}`),
			"null":     []byte(`null`),
		} {
			if _, err := c.parse(bad); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s, %s: %v", c.name, name, err)
			}
		}
		if _, err := c.parse(append(bytes.Clone(b), make([]byte, MaxContent)...)); !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s, too large: %v", c.name, err)
		}
		text := fmt.Sprintf("%v %+v %s", good, good, good)
		if strings.Contains(text, "OPENSSH PRIVATE") || !strings.Contains(text, redacted) {
			t.Errorf("%s shows what it holds: %s", c.name, text)
		}
	}
}

func TestUserKeyRefuses(t *testing.T) {
	host := testHost(t)
	for name, change := range map[string]func(*UserKey){
		"name":                func(u *UserKey) { u.Name = "../x" },
		"no authority":        func(u *UserKey) { u.Authority = Authority{} },
		"another's key":       func(u *UserKey) { u.PrivateKey = privateText(t, sshkey.New(t)) },
		"no key at all":       func(u *UserKey) { u.PrivateKey = PrivateKey("-----BEGIN") },
		"a host certificate":  func(u *UserKey) { u.Certificate = host.Certificates[0] },
		"an account":          func(u *UserKey) { u.Account = "-root" },
		"hosts for nobody":    func(u *UserKey) { u.Account = "" },
		"a host twice":        func(u *UserKey) { u.Hosts[1].Name = "gate-7" },
		"a host's name":       func(u *UserKey) { u.Hosts[0].Name = "gate 7" },
		"a host's address":    func(u *UserKey) { u.Hosts[0].Address = "gate-7 ProxyCommand=x" },
		"a host's key":        func(u *UserKey) { u.Hosts[0].HostKey = "ssh-ed25519 AAAA" },
		"no device":           func(u *UserKey) { u.Hosts[0].Device = state.Word{} },
		"too many hosts":      func(u *UserKey) { u.Hosts = make([]LoginHost, MaxLoginHosts+1) },
		"a plain key":         func(u *UserKey) { u.Certificate = authorizedKey(sshkey.New(t).PublicKey()) },
		"a comment":           func(u *UserKey) { u.Certificate += " me" },
		"a signature changed": func(u *UserKey) { u.Certificate = u.Certificate[:len(u.Certificate)-8] + "AAAAAAA=" },
	} {
		u := testUserKey(t)
		if change(u); !refused(t, u, func(b []byte) error { _, err := ParseUserKey(b); return err }) {
			t.Errorf("%s was taken", name)
		}
	}
	device := testUserKey(t)
	device.PrivateKey, device.Hosts, device.Account = nil, nil, "" // made where it is used
	if _, err := device.Cert(); err != nil {
		t.Errorf("without a private key: %v", err)
	}
}

// refused: a content that does not marshal is not read either.
func refused(t *testing.T, v interface{ Marshal() ([]byte, error) }, parse func([]byte) error) bool {
	t.Helper()
	_, err := v.Marshal()
	b, plain := json.Marshal(v)
	if plain != nil {
		t.Fatal(plain)
	}
	return err != nil && parse(b) != nil
}

func TestHostCertificateRefuses(t *testing.T) {
	other, user := testHost(t), testUserKey(t)
	for name, change := range map[string]func(*HostCertificate){
		"none":               func(h *HostCertificate) { h.Certificates = []string{} },
		"too many":           func(h *HostCertificate) { h.Certificates = make([]string, maxAhead+1) },
		"another key":        func(h *HostCertificate) { h.Certificates[1] = other.Certificates[1] },
		"twice":              func(h *HostCertificate) { h.Certificates[1] = h.Certificates[0] },
		"descending":         func(h *HostCertificate) { h.Certificates[1], h.Certificates[2] = h.Certificates[2], h.Certificates[1] },
		"a user certificate": func(h *HostCertificate) { h.Certificates[0] = user.Certificate },
		"another's key":      func(h *HostCertificate) { h.PrivateKey = other.PrivateKey },
		"no authority":       func(h *HostCertificate) { h.Authority.Key = Key{} },
	} {
		h := testHost(t)
		if change(h); !refused(t, h, func(b []byte) error { _, err := ParseHostCertificate(b); return err }) {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestTrustRefuses(t *testing.T) {
	for name, change := range map[string]func(*Trust){
		"use":           func(c *Trust) { c.Use = "both" },
		"name":          func(c *Trust) { c.Name = "" },
		"none":          func(c *Trust) { c.CAs = []TrustedCA{} },
		"too many":      func(c *Trust) { c.CAs = make([]TrustedCA, maxTrusted+1) },
		"twice":         func(c *Trust) { c.CAs[1] = c.CAs[0] },
		"a certificate": func(c *Trust) { c.CAs[0].Key = testUserKey(t).Certificate },
		"no authority":  func(c *Trust) { c.CAs[1].Authority = Authority{} },
	} {
		c := testTrust(t)
		if change(c); !refused(t, c, func(b []byte) error { _, err := ParseTrust(b); return err }) {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestFilesRefuse(t *testing.T) {
	for name, change := range map[string]func(*Files){
		"name":            func(f *Files) { f.Name = "a/b" },
		"none":            func(f *Files) { f.Files = []File{} },
		"too many":        func(f *Files) { f.Files = make([]File, maxFiles+1) },
		"unsorted":        func(f *Files) { f.Files[0], f.Files[1] = f.Files[1], f.Files[0] },
		"twice":           func(f *Files) { f.Files[1] = f.Files[0] },
		"file and folder": func(f *Files) { f.Files[0].Path = "keys" },
		"set-id":          func(f *Files) { f.Files[0].Mode = "4755" },
		"writable by all": func(f *Files) { f.Files[0].Mode = "0666" },
		"mode":            func(f *Files) { f.Files[0].Mode = "644" },
		"unreadable":      func(f *Files) { f.Files[0].Mode = "0000" },
	} {
		f := testFiles()
		if change(f); !refused(t, f, func(b []byte) error { _, err := ParseFiles(b); return err }) {
			t.Errorf("%s was taken", name)
		}
	}
	for path, want := range map[string]bool{
		"a": true, "a/b/c": true, ".env": true, "A_b-c.1": true, "": false, "/a": false, "a/": false, "a//b": false, "..": false, "a/../b": false,
		"./a": false, ".dpki-1": false, "-a": false, "a b": false, "a\x00": false, "é": false, strings.Repeat("a/", 8) + "a": false, strings.Repeat("a", 256): false,
	} {
		if ValidFilePath(path) != want {
			t.Errorf("path %q: %v", path, !want)
		}
	}
}

// The authority of a delivery opens the entry that it names, and no other.
func TestAuthority(t *testing.T) {
	a := anchorOf(1)
	ring := NewRing(a)
	if err := ring.Add(zone, 1, Key{5}); err != nil {
		t.Fatal(err)
	}
	payload, err := state.CA{Key: state.Word{1}, Label: "main"}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	place := Entry{Scope: zone, Kind: state.KindCAUser, From: 1, Until: 2}
	sealed, err := ring.Seal(place, payload)
	if err != nil {
		t.Fatal(err)
	}
	entry := &state.Entry{Action: state.ActionPut, Kind: place.Kind, Subject: sealed.Subject, From: 1, Until: 2, Data: sealed.Data}
	good := Authority{Subject: sealed.Subject, Key: sealed.Key}
	if ca, err := good.Open(a, zone, entry); err != nil || ca.Label != "main" {
		t.Errorf("%+v, %v", ca, err)
	}
	moved, revoked, grant := *entry, *entry, *entry
	moved.Until, revoked.Action, grant.Kind = 3, state.ActionRevoke, state.KindGrant
	for name, try := range map[string]func() error{
		"another key":          func() error { _, err := Authority{sealed.Subject, Key{1}}.Open(a, zone, entry); return err },
		"another subject":      func() error { _, err := Authority{state.Word{1}, sealed.Key}.Open(a, zone, entry); return err },
		"another window":       func() error { _, err := good.Open(a, zone, &moved); return err },
		"a revocation":         func() error { _, err := good.Open(a, zone, &revoked); return err },
		"another kind":         func() error { _, err := good.Open(a, zone, &grant); return err },
		"another organisation": func() error { _, err := good.Open(anchorOf(2), zone, entry); return err },
		"another zone":         func() error { _, err := good.Open(a, state.Word{6}, entry); return err },
	} {
		if try() == nil {
			t.Errorf("%s opened it", name)
		}
	}
}

func fuzzDelivered(f *testing.F, c delivered) {
	b, err := json.Marshal(c.good(f))
	if err != nil {
		f.Fatal(err)
	}
	addSeed(f, b)
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := c.parse(b)
		if err != nil {
			return
		}
		again, err := v.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.parse(again); err != nil {
			t.Errorf("a parsed %s does not parse again: %v", c.name, err)
		}
	})
}

func FuzzParseUserKey(f *testing.F)         { fuzzDelivered(f, deliveredContents[0]) }
func FuzzParseHostCertificate(f *testing.F) { fuzzDelivered(f, deliveredContents[1]) }
func FuzzParseTrust(f *testing.F)           { fuzzDelivered(f, deliveredContents[2]) }
func FuzzParseFiles(f *testing.F)           { fuzzDelivered(f, deliveredContents[3]) }
