package chain

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"io"
	"strings"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/sshca/profile"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// TestPresented: what anybody can put into a certificate or a key.
func TestPresented(t *testing.T) {
	w := newWorld(t)
	alice := w.key
	hostCA := w.Org.NewKey()
	payload, err := state.CA{Key: profile.Hash(hostCA.PublicKey())}.Marshal()
	w.write(group(w.Org.Zone, w.Org.Seal(w.Org.Zone, state.KindCAHost, payload, err, time.Hour)))
	now := uint64(time.Now().Unix())
	principal := w.good.ValidPrincipals[0]

	for _, row := range []struct {
		name   string
		ca     ssh.Signer // nil = the zone's
		change func(*ssh.Certificate)
		after  func(*ssh.Certificate)
		why    authkeys.Reason
	}{
		{name: "a host CA's", ca: hostCA, why: authkeys.CAWrongKind},
		{name: "unknown CA", ca: w.Org.NewKey(), why: authkeys.CAUnknown},
		{name: "signed with its own key", ca: alice, why: authkeys.CAUnknown},
		{name: "host certificate", change: func(c *ssh.Certificate) { c.CertType = ssh.HostCert }, why: authkeys.NotUserCertificate},
		{name: "certificate of no kind", change: func(c *ssh.Certificate) { c.CertType = 3 }, why: by},
		{name: "no principal", change: func(c *ssh.Certificate) { c.ValidPrincipals = nil }, why: authkeys.NoPrincipal},
		{name: "two principals", change: func(c *ssh.Certificate) { c.ValidPrincipals = []string{principal, "root"} }, why: authkeys.ManyPrincipals},
		{name: "space", change: func(c *ssh.Certificate) { c.ValidPrincipals = []string{principal + " alice"} }, why: authkeys.BadPrincipal},
		{name: "comma", change: func(c *ssh.Certificate) { c.ValidPrincipals = []string{principal + ",root"} }, why: authkeys.BadPrincipal},
		{name: "NUL", change: func(c *ssh.Certificate) { c.ValidPrincipals = []string{principal + "\x00"} }, why: by},
		{name: "upper case", change: func(c *ssh.Certificate) { c.ValidPrincipals = []string{strings.ToUpper(principal)} }, why: authkeys.BadPrincipal},
		{name: "a grant that does not exist", change: func(c *ssh.Certificate) {
			c.ValidPrincipals = []string{profile.GrantPrincipal(state.Keccak256([]byte("none")))}
		}, why: authkeys.GrantUnknown},
		{name: "issued for something else", change: func(c *ssh.Certificate) { c.KeyId = "test" }, why: authkeys.NotIssuedFor},
		{name: "not yet valid", change: func(c *ssh.Certificate) { c.ValidAfter = now + 600 }, why: authkeys.CertificateWindow},
		{name: "start where none may be", change: func(c *ssh.Certificate) { c.ValidAfter = now - 600 }, why: authkeys.CertificateWindow},
		{name: "expired", change: func(c *ssh.Certificate) { c.ValidBefore = now - 1 }, why: authkeys.CertificateExpired},
		{name: "for ever", change: func(c *ssh.Certificate) { c.ValidBefore = ssh.CertTimeInfinity }, why: authkeys.CertificateWindow},
		{name: "unknown critical option", change: func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x@example.com": ""} }, why: authkeys.CriticalOption},
		{name: "long key ID", change: func(c *ssh.Certificate) { c.KeyId = strings.Repeat("k", 10_000) }, why: authkeys.CertificateOversized},
		{name: "longer than a question may be", change: func(c *ssh.Certificate) { c.KeyId = strings.Repeat("k", 60_000) }, why: by},
		{name: "longer than an argument may be", change: func(c *ssh.Certificate) { c.KeyId = strings.Repeat("k", 150_000) }, why: by},
		{name: "forged signature", after: func(c *ssh.Certificate) { c.Signature.Blob[7] ^= 1 }, why: by},
		{name: "a certificate as authority", after: func(c *ssh.Certificate) {
			inner := *w.good
			c.SignatureKey = &inner
		}, why: by},
	} {
		c := &ssh.Certificate{Key: alice.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{principal}, ValidBefore: now + 600, KeyId: w.good.KeyId, Serial: 5}
		if row.change != nil {
			row.change(c)
		}
		ca := row.ca
		if ca == nil {
			ca = w.ca
		}
		w.Must(c.SignCert(rand.Reader, ca))
		if row.after != nil {
			row.after(c)
		}
		w.refused(row.name, "alice", alice, c, row.why)
	}

	// The same hand-made certificate with nothing wrong.
	plain := &ssh.Certificate{Key: alice.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{principal}, ValidBefore: now + 600, KeyId: w.good.KeyId, Serial: 5}
	w.Must(plain.SignCert(rand.Reader, w.ca))
	w.Accepted("the hand-made certificate", "alice", alice, plain)

	for _, account := range []string{"bob", "root", "nobody-here", "alice,root", "../alice", "-alice", strings.Repeat("a", 300)} {
		w.refused("as "+account, account, alice, w.good, by)
	}
}

// blob is a public key of any bytes at all.
type blob struct {
	format string
	bytes  []byte
}

func (b blob) Type() string                        { return b.format }
func (b blob) Marshal() []byte                     { return b.bytes }
func (b blob) Verify([]byte, *ssh.Signature) error { return nil }

// offer offers a blob; nothing that it signs is worth anything.
type offer struct{ blob }

func (o offer) PublicKey() ssh.PublicKey { return o.blob }
func (o offer) Sign(io.Reader, []byte) (*ssh.Signature, error) {
	return &ssh.Signature{Format: o.format, Blob: make([]byte, 64)}, nil
}

// TestOffered: keys and certificates that are not what they should be.
func TestOffered(t *testing.T) {
	w := newWorld(t)
	good := w.good.Marshal()
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	w.Must(err)
	smallKey, err := ssh.NewPublicKey(&small.PublicKey)
	w.Must(err)
	// A modulus of the most bits that sshd reads: offered, not used.
	large := ssh.Marshal(struct {
		Name string
		E, N []byte
	}{ssh.KeyAlgoRSA, []byte{1, 0, 1}, append([]byte{0}, bytes.Repeat([]byte{0xc3}, 2048)...)})
	for _, row := range []struct {
		name string
		blob blob
	}{
		{"half a certificate", blob{w.good.Type(), good[:len(good)/2]}},
		{"a byte less", blob{w.good.Type(), good[:len(good)-1]}},
		{"a byte more", blob{w.good.Type(), append(bytes.Clone(good), 0)}},
		{"twice", blob{w.good.Type(), append(bytes.Clone(good), good...)}},
		{"a certificate by a key's name", blob{ssh.KeyAlgoED25519, good}},
		{"a key by a certificate's name", blob{w.good.Type(), w.key.PublicKey().Marshal()}},
		{"another algorithm's name", blob{ssh.CertAlgoRSAv01, good}},
		{"nothing", blob{ssh.KeyAlgoED25519, nil}},
		{"zeros", blob{ssh.KeyAlgoED25519, make([]byte, 51)}},
		{"small RSA", blob{ssh.KeyAlgoRSA, smallKey.Marshal()}},
		{"largest RSA", blob{ssh.KeyAlgoRSA, large}},
		{"a megabyte", blob{ssh.KeyAlgoED25519, make([]byte, 1<<20)}},
		{"a plain key", blob{ssh.KeyAlgoED25519, w.key.PublicKey().Marshal()}},
	} {
		before := len(w.Audit())
		err := w.PresentSigner("alice", offer{row.blob})
		if err != nil && !strings.Contains(err.Error(), "unable to authenticate") {
			// sshd ends a connection that breaks the protocol.
			t.Logf("%s: %v", row.name, err)
			err = errEnded
		}
		w.denied(row.name, err, before, by)
	}
	// The certificate, bytes as they were, by a signer that only borrows it.
	before := len(w.Audit())
	err = w.PresentSigner("alice", offer{blob{w.good.Type(), good}})
	if err == nil {
		t.Error("a borrowed certificate logged in without its key")
	}
	if r := w.Audit()[before:]; len(r) == 0 || !r[0].Allow {
		t.Errorf("the twin of the blobs: the offer itself is not accepted: %+v", r)
	}
}
