package authkeys

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
	"dpki/state"
)

// row is one attack. Without it, but with prepare, the same login is accepted: that is its twin.
type row struct {
	name    string
	prepare func(*login)
	attack  func(*login)
	want    Reason
}

// badInput is the table of what an attacker, a mistake or a bad day can bring before the decision.
var badInput = slices.Concat(badQuestions, badKeys, badAuthorities, badCertificates, badPrincipals, badWindows, badGrants, distrusts, restrictions, badPolicies, badStages)

func TestBadInput(t *testing.T) {
	for _, r := range badInput {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			twin := newLogin(t)
			if r.prepare != nil {
				r.prepare(twin)
			}
			if d := twin.decide(); !d.Allow || d.Reason != Accepted || (d.Line == "") != (twin.req.Stage != StageOffer) {
				t.Fatalf("twin: %v %q, line %q", d.Reason, d.Text(), d.Line)
			}
			l := newLogin(t)
			if r.prepare != nil {
				r.prepare(l)
			}
			r.attack(l)
			d := l.decide()
			if d.Allow || d.Line != "" || d.Reason != r.want {
				t.Errorf("allow %v, reason %q, line %q; want %q", d.Allow, d.Reason, d.Line, r.want)
			}
			if d.Text() == "" || d.Reason.Hint() == "" || d.Until != 0 || !d.Grant.IsZero() {
				t.Errorf("a denial without words or with more than words: %+v", d)
			}
		})
	}
}

// Every reason but the impossible ones has a row.
func TestEveryReasonIsReached(t *testing.T) {
	seen := map[Reason]bool{
		Undecided: true, Accepted: true,
		LineTooLong: true, // no bounded input makes one: TestLineTooLong
	}
	for _, r := range badInput {
		seen[r.want] = true
	}
	for r := range reasons {
		if !seen[r] {
			t.Errorf("no row for %d, %q", r, r)
		}
	}
}

func blob(f func([]byte) []byte) func(*login)    { return func(l *login) { l.blob = f } }
func text(f func(string) string) func(*login)    { return func(l *login) { l.text = f } }
func cert(f func(*ssh.Certificate)) func(*login) { return func(l *login) { f(&l.cert) } }
func grant(f func(*entry)) func(*login)          { return func(l *login) { f(l.grant) } }
func payload(f func(*state.Grant)) func(*login)  { return func(l *login) { f(&l.grantEntry) } }
func issued(f func(*profile.Terms)) func(*login) { return func(l *login) { l.issued = f } }
func later(f func(*login) entry) func(*login) {
	return func(l *login) { l.later = append(l.later, f(l)) }
}
func plain(l *login) { l.plain = true; modes(state.ModeGrantedKey)(l) }
func principals(p ...string) func(*login) {
	return cert(func(c *ssh.Certificate) { c.ValidPrincipals = p })
}
func policy(p state.Policy) func(*login)    { return func(l *login) { l.policy = policyEntry(l, p) } }
func modes(m state.LoginModes) func(*login) { return policy(state.Policy{Modes: m}) }
func both(fs ...func(*login)) func(*login) {
	return func(l *login) {
		for _, f := range fs {
			f(l)
		}
	}
}

func policyEntry(l *login, p state.Policy) *entry {
	return &entry{scope: l.scopes.Zone, kind: state.KindPolicy, subject: word("policy"), from: now - 7200, until: now + 86400, payload: p}
}

func privileged(l *login) {
	l.grant.kind = state.KindGrantPriv
	l.req.Account, l.grantEntry.Account = "root", "root"
}

// byAccount turns the login into one by certificate only.
func byAccount(l *login) {
	modes(state.ModeCertificateOnly)(l)
	l.grant = nil
	l.cert.ValidPrincipals = []string{profile.AccountPrincipal(l.scopes.Zone, "alice")}
	l.cert.ValidAfter, l.cert.ValidBefore = now-60, now+240
}

var badQuestions = []row{
	{"no stage", nil, func(l *login) { l.req.Stage = 0 }, BadRequest},
	{"unknown stage", nil, func(l *login) { l.req.Stage = StageSudo + 1 }, BadRequest},
	{"no account", nil, func(l *login) { l.req.Account = "" }, BadRequest},
	{"account with a quote", nil, func(l *login) { l.req.Account = `alice"` }, BadRequest},
	{"account with a path", nil, func(l *login) { l.req.Account = "../alice" }, BadRequest},
	{"account too long", nil, func(l *login) { l.req.Account = strings.Repeat("a", 33) }, BadRequest},
	{"no state", nil, func(l *login) { l.state = func(*state.State) *state.State { return nil } }, NotReady},
	{"zero state", nil, func(l *login) { l.state = func(*state.State) *state.State { return &state.State{} } }, NotReady},
	{"time unknown", nil, func(l *login) { l.now = Now{} }, NotReady},
	{"not enrolled", nil, func(l *login) {
		l.state = func(s *state.State) *state.State { s.Scopes = state.Scopes{Org: s.Scopes.Org}; return s }
	}, NotEnrolled},
	{"zone known, mailbox not", nil, func(l *login) {
		l.state = func(s *state.State) *state.State { s.Scopes.Mailbox = state.Word{}; return s }
	}, NotEnrolled},
}

var badKeys = []row{
	{"empty key", nil, text(func(string) string { return "" }), KeyMalformed},
	{"not base64", nil, text(func(s string) string { return "!" + s[1:] }), KeyMalformed},
	{"line end in base64", nil, text(func(s string) string { return s[:40] + "\n" + s[40:] }), KeyMalformed},
	{"no padding", nil, text(func(s string) string { return strings.TrimRight(s, "=") }), KeyMalformed},
	{"truncated", nil, blob(func(b []byte) []byte { return b[:len(b)-1] }), KeyMalformed},
	{"half", nil, blob(func(b []byte) []byte { return b[:len(b)/2] }), KeyMalformed},
	{"trailing byte", nil, blob(func(b []byte) []byte { return append(b, 0) }), KeyMalformed},
	{"two certificates", nil, blob(func(b []byte) []byte { return append(b, b...) }), KeyMalformed},
	{"oversized", nil, blob(func(b []byte) []byte { return append(b, make([]byte, profile.MaxBlob)...) }), KeyTooLong},
	{"oversized text", nil, text(func(s string) string { return strings.Repeat("A", 1<<20) }), KeyTooLong},
	{"type of another algorithm", nil, func(l *login) { l.keyType = ssh.CertAlgoRSAv01 }, KeyTypeMismatch},
	{"type of a plain key", nil, func(l *login) { l.keyType = ssh.KeyAlgoED25519 }, KeyTypeMismatch},
	{"no type", nil, func(l *login) { l.keyType = " " }, KeyTypeMismatch},
	{"unknown algorithm", nil, blob(func(b []byte) []byte {
		return bytes.Replace(b, []byte("ssh-ed25519-cert"), []byte("ssh-ed25518-cert"), 1)
	}), KeyMalformed},
	{"small RSA key", func(l *login) { l.key = rsaKey(l.t, 2048) }, func(l *login) { l.key = rsaKey(l.t, 1024) }, KeyAlgorithm},
	{"small RSA authority", func(l *login) { l.ca = rsaKey(l.t, 2048) }, func(l *login) { l.ca = rsaKey(l.t, 1024) }, KeyAlgorithm},
	{"plain key, small", both(plain, func(l *login) { l.key = rsaKey(l.t, 2048) }), func(l *login) { l.key = rsaKey(l.t, 1024) }, KeyAlgorithm},
	{"plain key, trailing byte", plain, blob(func(b []byte) []byte { return append(b, 0) }), KeyMalformed},
	// A modulus with a leading zero too many is the same number and another blob, which no deny list knows.
	{"plain key, not canonical", both(plain, func(l *login) { l.key = rsaKey(l.t, 2048) }), blob(paddedRSA), KeyMalformed},
	{"certificate signed by a certificate", nil, func(l *login) { l.sign = byCertificate(l) }, CertificateAsAuthority},
}

func paddedRSA(b []byte) []byte {
	var k struct {
		Name string
		E, N []byte
	}
	if err := ssh.Unmarshal(b, &k); err != nil {
		panic(err)
	}
	k.N = append([]byte{0}, k.N...)
	return ssh.Marshal(&k)
}

// byCertificate is CVE-2025-49825: the signature key field holds a certificate, which the live CA has signed.
func byCertificate(l *login) func(*ssh.Certificate, ssh.Signer) {
	return func(c *ssh.Certificate, ca ssh.Signer) {
		inner := &ssh.Certificate{Key: l.key.PublicKey(), CertType: ssh.UserCert, ValidBefore: now + 240, ValidPrincipals: c.ValidPrincipals}
		sign(l.t, inner, ca)
		sign(l.t, c, l.key)
		c.SignatureKey = inner
	}
}

var badAuthorities = []row{
	{"unknown CA", nil, func(l *login) { l.mismatch, l.caEntry.payload = true, state.CA{Key: word("another")} }, CAUnknown},
	{"self-signed", nil, func(l *login) { l.sign = func(c *ssh.Certificate, _ ssh.Signer) { sign(l.t, c, l.key) } }, CAUnknown},
	{"CA of another organisation with the same names", nil, func(l *login) {
		l.sign = func(c *ssh.Certificate, _ ssh.Signer) { sign(l.t, c, key(l.t, "other organisation's ca")) }
	}, CAUnknown},
	{"host CA", nil, func(l *login) { l.sign = func(c *ssh.Certificate, _ ssh.Signer) { sign(l.t, c, l.hostCA) } }, CAWrongKind},
	{"CA entry that cannot be opened", nil, func(l *login) { l.mismatch, l.caEntry.raw = true, "unreadable" }, CAUnknown},
	{"CA revoked", nil, later(func(l *login) entry {
		return entry{scope: l.caEntry.scope, kind: state.KindCAUser, subject: l.caEntry.subject, revoke: true}
	}), CARevoked},
	{"CA revoked in the overlay", nil, later(func(l *login) entry {
		return entry{scope: l.caEntry.scope, kind: state.KindCAUser, subject: l.caEntry.subject, revoke: true, overlay: true}
	}), CARevoked},
	{"CA revoked before a reorganisation", nil, later(func(l *login) entry {
		return entry{scope: l.caEntry.scope, kind: state.KindCAUser, subject: l.caEntry.subject, revoke: true, sticky: true}
	}), CARevoked},
	{"CA expired", nil, func(l *login) { l.caEntry.until = now }, CAExpired},
	{"CA not yet valid", nil, func(l *login) { l.caEntry.from = now + 3600 }, CANotYet},
	{"CA by a distrusted admin", func(l *login) { l.caEntry.author = state.Address{19: 2} }, distrust(state.Address{19: 2}), CADistrusted},
	{"CA not yet safe", func(l *login) {
		policy(state.Policy{Modes: 1, SafeKinds: state.KindMask{}.With(state.KindCAUser)})(l)
	}, func(l *login) { l.caEntry.block = 95 }, CANotSafe},
}

func distrust(author state.Address) func(*login) {
	return distrustOf(state.Distrust{Author: author, From: 1, To: now}, nil)
}

var badCertificates = []row{
	{"forged signature", nil, func(l *login) { l.sign = forged(l, func(s *ssh.Signature) { s.Blob[0] ^= 1 }) }, SignatureWrong},
	{"empty signature", nil, func(l *login) { l.sign = forged(l, func(s *ssh.Signature) { s.Blob = nil }) }, SignatureWrong},
	{"signature of another certificate", nil, func(l *login) {
		l.sign = func(c *ssh.Certificate, ca ssh.Signer) { sign(l.t, c, ca); c.Serial++ }
	}, SignatureWrong},
	{"signed by another key in the CA's name", nil, func(l *login) {
		l.sign = func(c *ssh.Certificate, ca ssh.Signer) { sign(l.t, c, impostor{Signer: l.key, pub: ca.PublicKey()}) }
	}, SignatureWrong},
	{"signature of another algorithm", nil, func(l *login) {
		l.sign = forged(l, func(s *ssh.Signature) { s.Format = ssh.KeyAlgoECDSA256 })
	}, SignatureAlgorithm},
	{"RSA with SHA-1", func(l *login) { l.ca = rsaKey(l.t, 2048) }, func(l *login) { l.sign = rsaWith(l, ssh.KeyAlgoRSA) }, SignatureAlgorithm},
	{"RSA with SHA-256", func(l *login) { l.ca = rsaKey(l.t, 2048) }, func(l *login) { l.sign = rsaWith(l, ssh.KeyAlgoRSASHA256) }, SignatureAlgorithm},
	{"host certificate as user's", nil, cert(func(c *ssh.Certificate) { c.CertType = ssh.HostCert }), NotUserCertificate},
	{"certificate of type 0", nil, cert(func(c *ssh.Certificate) { c.CertType = 0 }), NotUserCertificate},
	{"certificate of type 3", nil, cert(func(c *ssh.Certificate) { c.CertType = 3 }), NotUserCertificate},
	{"unknown critical option", nil, critical("only-on-tuesdays", "yes"), CriticalOption},
	{"force-command without a command", nil, critical("force-command", ""), CriticalOption},
	{"verify-required with a value", nil, critical("verify-required", "no"), CriticalOption},
	{"known critical option and an unknown one", critical("source-address", "192.0.2.0/24"), both(critical("source-address", "192.0.2.0/24"), critical("zzz", "")), CriticalOption},
	{"long key ID", nil, cert(func(c *ssh.Certificate) { c.KeyId = strings.Repeat("x", 257) }), CertificateOversized},
	{"many extensions", nil, cert(func(c *ssh.Certificate) {
		for i := range 40 {
			c.Extensions[fmt.Sprint("x", i)] = ""
		}
	}), CertificateOversized},
	{"reserved field used", nil, cert(func(c *ssh.Certificate) { c.Reserved = []byte("x") }), CertificateOversized},
	{"ends that change sign", nil, cert(func(c *ssh.Certificate) { c.ValidBefore = 1<<63 + 1 }), CertificateWindow},
	{"for ever", nil, cert(func(c *ssh.Certificate) { c.ValidBefore = ssh.CertTimeInfinity }), CertificateWindow},
}

type impostor struct {
	ssh.Signer
	pub ssh.PublicKey
}

func (i impostor) PublicKey() ssh.PublicKey { return i.pub }

func forged(l *login, f func(*ssh.Signature)) func(*ssh.Certificate, ssh.Signer) {
	return func(c *ssh.Certificate, ca ssh.Signer) { sign(l.t, c, ca); f(c.Signature) }
}

func rsaWith(l *login, algorithm string) func(*ssh.Certificate, ssh.Signer) {
	return func(c *ssh.Certificate, ca ssh.Signer) {
		s, err := ssh.NewSignerWithAlgorithms(ca.(ssh.AlgorithmSigner), []string{algorithm})
		if err != nil {
			l.t.Fatal(err)
		}
		sign(l.t, c, s)
	}
}

func critical(name, value string) func(*login) {
	return cert(func(c *ssh.Certificate) {
		if c.CriticalOptions == nil {
			c.CriticalOptions = map[string]string{}
		}
		c.CriticalOptions[name] = value
	})
}

var good = profile.GrantPrincipal(word("grant"))

var badPrincipals = []row{
	{"no principal", nil, principals(), NoPrincipal},
	{"empty principal", nil, principals(""), BadPrincipal},
	{"two principals", nil, principals(good, profile.GrantPrincipal(word("grant 2"))), ManyPrincipals},
	{"the same principal twice", nil, principals(good, good), ManyPrincipals},
	{"account name", nil, principals("alice"), BadPrincipal},
	{"another grant's", nil, principals(profile.GrantPrincipal(word("grant 2"))), GrantUnknown},
	{"comma", nil, principals(good + ",root"), BadPrincipal},
	{"comma in front", nil, principals("root," + good), BadPrincipal},
	{"quote", nil, principals(good + `"`), BadPrincipal},
	{"line end", nil, principals(good + "\n"), BadPrincipal},
	{"space", nil, principals(good + " "), BadPrincipal},
	{"NUL", nil, principals(good + "\x00"), BadPrincipal},
	{"star", nil, principals("*"), BadPrincipal},
	{"star within", nil, principals("g-*"), BadPrincipal},
	{"upper case", nil, principals("g-" + strings.ToUpper(good[2:])), BadPrincipal},
	{"short", nil, principals(good[:len(good)-1]), BadPrincipal},
	{"account principal of another zone", byAccount, func(l *login) {
		l.cert.ValidPrincipals = []string{profile.AccountPrincipal(word("zone 2"), "alice")}
	}, GrantOtherAccount},
	{"account principal of another account", byAccount, func(l *login) {
		l.cert.ValidPrincipals = []string{profile.AccountPrincipal(l.scopes.Zone, "bob")}
	}, GrantOtherAccount},
}

var badWindows = []row{
	{"certificate expired this second", nil, cert(func(c *ssh.Certificate) { c.ValidBefore = now }), CertificateExpired},
	{"certificate expired long ago", nil, cert(func(c *ssh.Certificate) { c.ValidBefore = 1 }), CertificateExpired},
	{"no end", nil, cert(func(c *ssh.Certificate) { c.ValidBefore = 0 }), CertificateWindow},
	{"start beside a grant", nil, cert(func(c *ssh.Certificate) { c.ValidAfter = 1 }), CertificateWindow},
	{"end before start", byAccount, cert(func(c *ssh.Certificate) { c.ValidBefore = c.ValidAfter }), CertificateWindow},
	{"account certificate without a start", byAccount, cert(func(c *ssh.Certificate) { c.ValidAfter = 0 }), CertificateWindow},
	{"account certificate for too long", byAccount, cert(func(c *ssh.Certificate) { c.ValidBefore = c.ValidAfter + profile.MaxWindow + 1 }), CertificateWindow},
	{"account certificate not yet valid", both(byAccount, cert(func(c *ssh.Certificate) { c.ValidAfter = now + StartTolerance })),
		cert(func(c *ssh.Certificate) { c.ValidAfter = now + StartTolerance + 1 }), CertificateNotYet},
	{"account certificate expired", byAccount, cert(func(c *ssh.Certificate) { c.ValidBefore = now }), CertificateExpired},
	{"grant not yet valid", grant(func(e *entry) { e.from = now + StartTolerance }), grant(func(e *entry) { e.from = now + StartTolerance + 1 }), GrantNotYet},
	{"grant expired this second", grant(func(e *entry) { e.until = now + 1 }), grant(func(e *entry) { e.until = now }), GrantExpired},
}

var badGrants = []row{
	{"not yet mined", nil, func(l *login) { l.grant = nil }, GrantUnknown},
	{"for another device", nil, grant(func(e *entry) { e.scope = word("device 2") }), GrantElsewhere},
	{"for another zone", grant(func(e *entry) { e.scope = word("zone") }), grant(func(e *entry) { e.scope = word("zone 2") }), GrantElsewhere},
	{"in the organisation's scope", nil, grant(func(e *entry) { e.scope = word("org") }), GrantElsewhere},
	{"for another account", nil, payload(func(g *state.Grant) { g.Account = "bob" }), GrantOtherAccount},
	{"for an account that begins alike", nil, payload(func(g *state.Grant) { g.Account = "alice2" }), GrantOtherAccount},
	{"for another key", nil, payload(func(g *state.Grant) { g.Key = word("key 2") }), GrantOtherKey},
	{"for the authority's key", nil, func(l *login) { l.grantEntry.Key = profile.Hash(l.ca.PublicKey()) }, GrantOtherKey},
	{"that cannot be opened", nil, func(l *login) { l.later = append(l.later, *l.grant); l.grant = nil; l.later[0].raw = "unreadable" }, GrantUnknown},
	{"of an unknown kind", nil, grant(func(e *entry) { e.kind = 77 }), GrantUnknown},
	{"revoked", nil, later(revokeGrant), GrantRevoked},
	{"revoked in the overlay", nil, later(func(l *login) entry { e := revokeGrant(l); e.overlay = true; return e }), GrantRevoked},
	{"revoked, and a reorganisation dropped that", nil, later(func(l *login) entry { e := revokeGrant(l); e.sticky = true; return e }), GrantRevoked},
	{"granted and revoked in one block", nil, later(func(l *login) entry { e := revokeGrant(l); e.block = 50; return e }), GrantRevoked},
	{"by a distrusted admin", grant(func(e *entry) { e.author = state.Address{19: 2} }), distrust(state.Address{19: 2}), GrantDistrusted},
	{"not yet safe", policy(state.Policy{Modes: 1, SafeKinds: state.KindMask{}.With(state.KindGrant)}), grant(func(e *entry) { e.block = 95 }), GrantNotSafe},
	{"privileged account under GRANT", privileged, grant(func(e *entry) { e.kind = state.KindGrant }), NeedsPrivilegedGrant},
	{"account that policy makes privileged", policy(state.Policy{Modes: 1, Privileged: []string{"bob"}}), policy(state.Policy{Modes: 1, Privileged: []string{"alice"}}), NeedsPrivilegedGrant},
	{"uid 0 by another name under GRANT", func(l *login) { l.grant.kind, l.req.Superuser = state.KindGrantPriv, true }, func(l *login) {
		l.grant.kind, l.req.Superuser = state.KindGrant, true
	}, NeedsPrivilegedGrant},
	{"uid 0 by another name by certificate only", byAccount, func(l *login) { l.req.Superuser = true }, NeedsPrivilegedGrant},
	{"root by certificate only", byAccount, func(l *login) {
		l.req.Account = "root"
		l.cert.ValidPrincipals = []string{profile.AccountPrincipal(l.scopes.Zone, "root")}
	}, NeedsPrivilegedGrant},
	{"privileged and stale", privileged, func(l *login) { l.now.Age = 61 * time.Second }, NotFresh},
	{"two commands", both(payload(func(g *state.Grant) { g.Command = "/bin/true" }), critical("force-command", "/bin/true")), critical("force-command", "/bin/sh"), CommandConflict},
	// The id is the same, and what it says is not what the CA's holder has signed for.
	{"issued for another account", nil, issued(func(t *profile.Terms) { t.Account = "bob" }), NotIssuedFor},
	{"issued for another device", nil, issued(func(t *profile.Terms) { t.Device = "gate-8" }), NotIssuedFor},
	{"issued for another zone", nil, issued(func(t *profile.Terms) { t.Zone = word("zone 2") }), NotIssuedFor},
	{"issued for one device, entered for the zone", grant(func(e *entry) { e.scope = word("zone") }), issued(func(t *profile.Terms) { t.Device = "gate-7" }), NotIssuedFor},
	{"issued for the zone, entered for one device", nil, issued(func(t *profile.Terms) { t.Device = "" }), NotIssuedFor},
	{"issued for the zone, to a device without a name", nil, both(issued(func(t *profile.Terms) { t.Device = "" }), func(l *login) {
		l.state = func(s *state.State) *state.State { s.Name = ""; return s }
	}), NotIssuedFor},
	{"issued for another kind", privileged, issued(func(t *profile.Terms) { t.Kind = state.KindGrant }), NotIssuedFor},
	{"issued for a command", nil, issued(func(t *profile.Terms) { t.Command = "/bin/true" }), NotIssuedFor},
	{"issued for other sources", nil, issued(func(t *profile.Terms) { t.From = "192.0.2.0/24" }), NotIssuedFor},
	{"issued for less", nil, issued(func(t *profile.Terms) { t.Flags = 0 }), NotIssuedFor},
	{"issued for another key", nil, issued(func(t *profile.Terms) { t.Key = word("key 2") }), NotIssuedFor},
	{"issued for a grant of another id", nil, func(l *login) {
		id, err := profile.GrantKeyID(word("grant 2"), profile.Terms{Zone: l.scopes.Zone, Device: "gate-7", Kind: state.KindGrant,
			Grant: state.Grant{Account: "alice", Key: userHash(l), Flags: state.GrantPTY}})
		if err != nil {
			l.t.Fatal(err)
		}
		l.cert.KeyId = "g-" + word("grant").String()[:16] + id[18:]
	}, NotIssuedFor},
	{"issued before certificates said for what", nil, cert(func(c *ssh.Certificate) { c.KeyId = "g-" + word("grant").String()[:16] }), NotIssuedFor},
	{"a key ID in capitals", nil, func(l *login) {
		l.sign = func(c *ssh.Certificate, ca ssh.Signer) { c.KeyId = strings.ToUpper(c.KeyId); sign(l.t, c, ca) }
	}, NotIssuedFor},
	{"no key ID", nil, func(l *login) {
		l.sign = func(c *ssh.Certificate, ca ssh.Signer) { c.KeyId = ""; sign(l.t, c, ca) }
	}, NotIssuedFor},
	{"plain key without a grant", plain, func(l *login) { l.grant = nil }, GrantUnknown},
	{"plain key, grant for another account", plain, payload(func(g *state.Grant) { g.Account = "bob" }), GrantOtherAccount},
	{"plain key, grant revoked", plain, later(revokeGrant), GrantRevoked},
	{"plain key, grant for another device", plain, grant(func(e *entry) { e.scope = word("device 2") }), GrantElsewhere},
}

func revokeGrant(l *login) entry {
	return entry{scope: word("device"), kind: state.KindGrant, subject: word("grant"), revoke: true}
}

func deny(k func(*login) state.Word, d state.Deny) func(*login) {
	return later(func(l *login) entry {
		d.Key = k(l)
		return entry{scope: l.scopes.Zone, kind: state.KindDeny, subject: word("deny"), from: now - 600, until: now + 86400, time: now - 600, payload: d}
	})
}

func userHash(l *login) state.Word { return profile.Hash(l.key.PublicKey()) }
func caHash(l *login) state.Word   { return profile.Hash(l.ca.PublicKey()) }
func another(*login) state.Word    { return word("another") }

var restrictions = []row{
	{"key denied before the grant", deny(another, state.Deny{Before: state.Never}), deny(userHash, state.Deny{Before: state.Never}), Denied},
	{"key's earlier grants denied", deny(userHash, state.Deny{Before: now - 60}), deny(userHash, state.Deny{Before: now - 59}), Denied},
	{"CA's key denied", nil, deny(caHash, state.Deny{Before: state.Never}), Denied},
	{"this certificate denied", nil, func(l *login) {
		g := l.grantEntry
		g.Key = userHash(l)
		l.issue(g)
		fixed := l.cert
		fixed.Key = l.key.PublicKey()
		sign(l.t, &fixed, l.ca)
		l.sign = func(c *ssh.Certificate, _ ssh.Signer) { *c = fixed }
		deny(func(*login) state.Word { return blobHash(fixed.Marshal()) }, state.Deny{Before: state.Never})(l)
	}, Denied},
	{"account certificate issued before the denial", both(byAccount, deny(userHash, state.Deny{Before: now - 60})), func(l *login) {
		l.later = nil
		deny(userHash, state.Deny{Before: now - 59})(l)
	}, Denied},
	{"plain key denied", plain, deny(userHash, state.Deny{Before: state.Never}), Denied},
	{"denied in clear by a responder", nil, later(func(l *login) entry {
		return entry{scope: l.scopes.Org, kind: state.KindDenyClear, subject: userHash(l), from: now - 600, until: state.Never}
	}), Denied},
	{"denied, and a reorganisation dropped that", nil, later(func(l *login) entry {
		return entry{scope: l.scopes.Org, kind: state.KindDenyClear, subject: userHash(l), from: now - 600, until: state.Never, sticky: true}
	}), Denied},
	{"denial that cannot be opened", nil, later(func(l *login) entry {
		return entry{scope: l.scopes.Zone, kind: state.KindDeny, subject: word("deny"), from: now - 600, until: now + 86400, raw: "unreadable"}
	}), Unreadable},
	{"denial of an unknown version", nil, later(func(l *login) entry {
		return entry{scope: l.scopes.Zone, kind: state.KindDeny, subject: word("deny"), from: now - 600, until: now + 86400, raw: "\x02"}
	}), Unreadable},
	{"device retired", nil, later(func(l *login) entry {
		return entry{scope: l.scopes.Zone, kind: state.KindDevice, subject: l.scopes.Mailbox, revoke: true}
	}), Retired},
	{"zone retired", nil, later(func(l *login) entry {
		return entry{scope: l.scopes.Org, kind: state.KindZone, subject: l.scopes.Zone, revoke: true}
	}), Retired},
}

var badPolicies = []row{
	{"plain key where certificates are wanted", plain, modes(state.ModeCertificateAndGrant), ModeNotAllowed},
	{"plain key by default", plain, func(l *login) { l.policy = nil }, ModeNotAllowed},
	{"certificate where plain keys are wanted", nil, modes(state.ModeGrantedKey), ModeNotAllowed},
	{"certificate only by default", byAccount, func(l *login) { l.policy = nil }, ModeNotAllowed},
	{"certificate only, and the organisation's floor forbids it", byAccount, later(func(l *login) entry {
		e := policyEntry(l, state.Policy{Modes: state.ModeCertificateAndGrant})
		e.scope, e.until = l.scopes.Org, state.Never
		return *e
	}), ModeNotAllowed},
	{"offline", func(l *login) { l.now.Age = 24 * time.Hour }, func(l *login) { l.now.Age = 24*time.Hour + 1 }, TooOld},
	{"offline by the policy's own period", both(policy(state.Policy{Modes: 1, Offline: 100}), func(l *login) { l.now.Age = 100 * time.Second }),
		func(l *login) { l.now.Age = 101 * time.Second }, TooOld},
	{"age that ran backwards", nil, func(l *login) { l.now.Age = -1 }, TooOld},
	{"plain key, offline", plain, func(l *login) { l.now.Age = 25 * time.Hour }, TooOld},
	{"certificate only, offline", byAccount, func(l *login) { l.now.Age = 25 * time.Hour }, TooOld},
}

func sudo(l *login) {
	privileged(l)
	l.grantEntry.Flags |= state.GrantSudo
	l.req.Stage = StageSudo
}

func stage(s Stage) func(*login) { return func(l *login) { l.req.Stage = s } }

var badStages = []row{
	{"account: grant revoked since the offer", stage(StageAccount), later(revokeGrant), GrantRevoked},
	{"session: key denied since the offer", stage(StageSession), deny(userHash, state.Deny{Before: state.Never}), Denied},
	{"sudo without the grant's flag", sudo, payload(func(g *state.Grant) { g.Flags = state.GrantPTY }), NoSudo},
	{"sudo under GRANT", both(sudo, func(l *login) { l.req.Account, l.grantEntry.Account = "alice", "alice" }), grant(func(e *entry) { e.kind = state.KindGrant }), NeedsPrivilegedGrant},
	{"sudo, stale", sudo, func(l *login) { l.now.Age = 61 * time.Second }, NotFresh},
	{"sudo by certificate only", byAccount, stage(StageSudo), NeedsPrivilegedGrant},
}

// Every algorithm of the profile logs in, as the user's key and as the authority's.
func TestAcceptedAlgorithms(t *testing.T) {
	for name, k := range map[string]ssh.Signer{
		"Ed25519": key(t, "x"), "P-256": ecdsaKey(t, elliptic.P256()), "P-384": ecdsaKey(t, elliptic.P384()),
		"P-521": ecdsaKey(t, elliptic.P521()), "RSA-2048": rsaKey(t, 2048), "RSA-3072": rsaKey(t, 3072),
	} {
		for _, set := range []struct {
			name string
			as   func(*login)
		}{
			{"user", func(l *login) { l.key = k }},
			{"authority", func(l *login) { l.ca = k }},
			{"plain", func(l *login) { plain(l); l.key = k }},
		} {
			l := newLogin(t)
			set.as(l)
			if d := l.decide(); !d.Allow {
				t.Errorf("%s as %s: %s", name, set.name, d.Text())
			}
		}
	}
}

// Each single bit of an accepted certificate, flipped, denies.
func TestFlippedBits(t *testing.T) {
	l := newLogin(t)
	req, s, n := l.build()
	if d := Decide(req, s, n); !d.Allow {
		t.Fatal(d.Text())
	}
	b, err := base64.StdEncoding.DecodeString(req.Key)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			req.Key = base64.StdEncoding.EncodeToString(b)
			if d := Decide(req, s, n); d.Allow || d.Line != "" {
				t.Fatalf("byte %d, bit %d: %+v", i, bit, d)
			}
			b[i] ^= 1 << bit
		}
	}
	for i := range b {
		req.Key = base64.StdEncoding.EncodeToString(b[:i])
		if d := Decide(req, s, n); d.Allow {
			t.Fatalf("the first %d bytes: %+v", i, d)
		}
	}
}

func FuzzDecide(f *testing.F) {
	l := newLogin(f)
	req, s, n := l.build()
	blob, err := base64.StdEncoding.DecodeString(req.Key)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(req.Account, req.KeyType, blob)
	f.Add("root", ssh.KeyAlgoED25519, l.key.PublicKey().Marshal())
	f.Add("alice", ssh.KeyAlgoRSA, rsaKey(f, 2048).PublicKey().Marshal())
	f.Add("", "", []byte{})
	for _, r := range badInput {
		bad := newLogin(f)
		if r.prepare != nil {
			r.prepare(bad)
		}
		r.attack(bad)
		bad.offer()
		if b, err := base64.StdEncoding.DecodeString(bad.req.Key); err == nil {
			f.Add(bad.req.Account, bad.req.KeyType, b)
		}
	}
	f.Fuzz(func(t *testing.T, account, keyType string, b []byte) {
		try := req
		try.Account, try.KeyType, try.Key = account, keyType, base64.StdEncoding.EncodeToString(b)
		d := Decide(try, s, n)
		if d.Allow != (d.Reason == Accepted) || d.Allow != (d.Line != "") {
			t.Fatalf("half a decision: %+v", d)
		}
		if !d.Allow {
			return
		}
		// Only the CA's key makes another one, and the fuzzer does not have it: a certificate with the same signed part.
		k, err := profile.ParseBlob(b)
		if err != nil || k.Cert == nil || account != "alice" || !bytes.Equal(k.Cert.SignatureKey.Marshal(), l.ca.PublicKey().Marshal()) {
			t.Fatalf("accepted %q with %x", account, b)
		}
		if err := profile.CheckSignature(k.Cert); err != nil {
			t.Fatal(err)
		}
	})
}
