package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/internal/anchor"
	"dpki/state"
)

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHlkGAeylVkQ+FPDZ4JH4AKwvWkQxUYClVb5m6e4gK8f"

func newRequest(t testing.TB, i *Identity) *Request {
	t.Helper()
	r, err := i.NewRequest(anchorOf(1), "gate-7", hostKey+" root@gate-7\n")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRequestRoundTrip(t *testing.T) {
	i := testIdentity(t)
	for _, key := range []string{hostKey, ""} {
		r, err := i.NewRequest(anchorOf(1), "gate-7", key)
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseRequest(b)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := got.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("Marshal(Parse(x)) differs: %v", err)
		}
		if got.HostKey != key || got.Fingerprint() != r.Fingerprint() || got.Mailbox(zone) != i.MailboxSecret().Mailbox(zone) {
			t.Errorf("parsed as %+v", got)
		}
	}
	first, second := newRequest(t, i), newRequest(t, i)
	if first.Fingerprint() == second.Fingerprint() {
		t.Error("two requests have one fingerprint: the nonce is not in it")
	}
	if fp := first.Fingerprint(); len(fp) != 23 || strings.Count(fp, "-") != 3 || fp != strings.ToLower(fp) {
		t.Errorf("fingerprint %q", fp)
	}
}

// Each row changes one field of a genuine request, as somebody on the way could.
func TestAttackRequestChanged(t *testing.T) {
	i, other := testIdentity(t), newIdentity(t)
	otherKey, err := ssh.NewPublicKey(other.SigningKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Request){
		"organisation": func(r *Request) { r.Anchor = anchorOf(2) },
		"name":         func(r *Request) { r.Name = "gate-8" },
		"recipient":    func(r *Request) { r.Recipient = other.Recipient() },
		"signing key":  func(r *Request) { r.SigningKey = authorizedKey(otherKey) },
		"host key":     func(r *Request) { r.HostKey = authorizedKey(otherKey) },
		"no host key":  func(r *Request) { r.HostKey = "" },
		"mailbox":      func(r *Request) { r.MailboxSecret = other.MailboxSecret() },
		"nonce":        func(r *Request) { r.Nonce[0]++ },
		"signature":    func(r *Request) { r.Signature[0]++ },
		"no signature": func(r *Request) { r.Signature = [64]byte{} },
	} {
		r := newRequest(t, i)
		genuine := r.Fingerprint()
		change(r)
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseRequest(b); !errors.Is(err, ErrSignature) || got != nil {
			t.Errorf("%s changed: %v, want ErrSignature", name, err)
		}
		if r.Fingerprint() == genuine {
			t.Errorf("%s changed: the fingerprint is the same", name)
		}
	}
	b, err := newRequest(t, i).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseRequest(b); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// Length prefixes keep fields apart: moving a byte from one to the next must
// not leave the signed text as it was.
func TestAttackRequestFieldsShifted(t *testing.T) {
	r := newRequest(t, testIdentity(t))
	r.Name = "gate"
	a := r.digest()
	r.Name, r.HostKey = "gat", "e"+r.HostKey
	if r.digest() == a {
		t.Error("two requests with one digest")
	}
}

func TestAttackRequestForms(t *testing.T) {
	i := testIdentity(t)
	good, err := newRequest(t, i).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	// resigned changes a field and signs again: what is wrong is the field itself.
	resigned := func(change func(*Request)) []byte {
		r := newRequest(t, i)
		change(r)
		digest := r.digest()
		copy(r.Signature[:], ed25519.Sign(i.signing, digest[:]))
		b, err := json.Marshal(requestJSON{Version: 1, Anchor: r.Anchor, Name: r.Name, Recipient: r.Recipient, SigningKey: r.SigningKey,
			HostKey: r.HostKey, LoginKey: r.LoginKey, Account: r.Account, MailboxSecret: r.MailboxSecret, Nonce: r.Nonce, Signature: r.Signature})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	text := func(old, new string) []byte {
		if !bytes.Contains(good, []byte(old)) {
			t.Fatalf("no %q in the request", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	certificate := hostCertificate(t, i)
	for _, test := range []struct {
		name string
		b    []byte
		want error
	}{
		{"unknown field", text(`{`, `{"more":1,`), ErrMalformed},
		{"field twice", text(`{`, `{"name":"gate-8",`), ErrMalformed},
		{"field in other case", text(`{`, `{"Name":"gate-8",`), ErrMalformed},
		{"null", text(`"name":"gate-7"`, `"name":null`), ErrMalformed},
		{"number for a name", text(`"name":"gate-7"`, `"name":7`), ErrMalformed},
		{"missing field", text(`"name":"gate-7",`, ``), ErrMalformed},
		{"unknown version", text(`"version":1`, `"version":2`), ErrMalformed},
		{"no version", text(`"version":1,`, ``), ErrMalformed},
		{"trailing", append(bytes.Clone(good), '{', '}'), ErrMalformed},
		{"a list", []byte(`[` + string(good) + `]`), ErrMalformed},
		{"empty", nil, ErrMalformed},
		{"broken UTF-8", text(`gate-7`, "gate-\xff"), ErrMalformed},
		{"deep", []byte(strings.Repeat(`[`, 5000)), ErrMalformed},
		{"too large", append(bytes.Clone(good), bytes.Repeat([]byte(" "), MaxRequest)...), ErrTooLarge},
		{"anchor with a wrong checksum", text(`dpki:eip155:31337`, `dpki:eip155:31338`), anchor.ErrChecksum},
		{"name with a capital", resigned(func(r *Request) { r.Name = "Gate" }), ErrMalformed},
		{"name with a line feed", resigned(func(r *Request) { r.Name = "gate\n" }), ErrMalformed},
		{"name that is an option", resigned(func(r *Request) { r.Name = "-rf" }), ErrMalformed},
		{"name with a slash", resigned(func(r *Request) { r.Name = "a/b" }), ErrMalformed},
		{"no name", resigned(func(r *Request) { r.Name = "" }), ErrMalformed},
		{"host key with a comment", resigned(func(r *Request) { r.HostKey += " x" }), ErrMalformed},
		{"host key with a line more", resigned(func(r *Request) { r.HostKey += "\n" + hostKey }), ErrMalformed},
		{"host key with an option", resigned(func(r *Request) { r.HostKey = "cert-authority " + r.HostKey }), ErrMalformed},
		{"a certificate as host key", resigned(func(r *Request) { r.HostKey = certificate }), ErrMalformed},
		{"a device with an account", resigned(func(r *Request) { r.Account = testAccount }), ErrMalformed},
		{"an account that is none", resigned(func(r *Request) { r.HostKey, r.Account = "", "bob" }), ErrMalformed},
		{"an account in capitals", resigned(func(r *Request) { r.HostKey, r.Account = "", strings.ToUpper(testAccount) }), ErrMalformed},
		{"an administrator's", resigned(func(r *Request) { r.HostKey, r.Account = "", testAccount }), nil},
		{"a signing key that is none", resigned(func(r *Request) { r.SigningKey = "ssh-ed25519 AAAA" }), ErrMalformed},
		{"no mailbox secret", resigned(func(r *Request) { r.MailboxSecret = MailboxSecret{} }), ErrMalformed},
		{"intact", resigned(func(*Request) {}), nil},
	} {
		got, err := ParseRequest(test.b)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || (got == nil) != (test.want != nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	for _, name := range []string{"", "Gate", "a b", strings.Repeat("a", 64)} {
		if _, err := i.NewRequest(anchorOf(1), name, ""); !errors.Is(err, ErrMalformed) {
			t.Errorf("NewRequest for %q: %v, want ErrMalformed", name, err)
		}
	}
	if _, err := i.NewRequest(anchor.Anchor{}, "gate", ""); err == nil {
		t.Error("NewRequest without an organisation succeeded")
	}
}

// hostCertificate is a valid certificate, where a plain key belongs.
func hostCertificate(t testing.TB, i *Identity) string {
	t.Helper()
	ca, err := ssh.NewSignerFromKey(i.SigningKey())
	if err != nil {
		t.Fatal(err)
	}
	c := &ssh.Certificate{Key: ca.PublicKey(), CertType: ssh.HostCert, ValidBefore: ssh.CertTimeInfinity, ValidPrincipals: []string{"gate-7"}}
	if err := c.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	return authorizedKey(c)
}

var testAccount = state.Address{0xab, 19: 0xcd}.String()

// An administrator's account is signed with the rest, so that nobody who carries the
// request puts his own there. A request of before says none, and is as it was.
func TestAttackRequestAccount(t *testing.T) {
	i := testIdentity(t)
	account, err := state.ParseAddress(testAccount)
	if err != nil {
		t.Fatal(err)
	}
	r, err := i.NewAdminRequest(anchorOf(1), "bob", account)
	if err != nil {
		t.Fatal(err)
	}
	b, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseRequest(b); err != nil || got.Account != testAccount || got.Fingerprint() != r.Fingerprint() {
		t.Fatalf("parsed %+v, %v", got, err)
	}
	for name, to := range map[string]string{"another": state.Address{0xee}.String(), "none": ""} {
		changed := *r
		changed.Account = to
		b, err := changed.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseRequest(b); !errors.Is(err, ErrSignature) || changed.Fingerprint() == r.Fingerprint() {
			t.Errorf("%s: %v, want ErrSignature and another fingerprint", name, err)
		}
	}
	// What is signed as one field does not count as the other.
	moved := *r
	moved.Account, moved.LoginKey = "", testAccount
	if moved.digest() == r.digest() {
		t.Error("an account and a login key are signed alike")
	}
	old, err := i.NewRequest(anchorOf(1), "bob", "")
	if err != nil {
		t.Fatal(err)
	}
	if b, err = old.Marshal(); err != nil || bytes.Contains(b, []byte(`"account"`)) {
		t.Errorf("without an account: %s, %v", b, err)
	}
}
