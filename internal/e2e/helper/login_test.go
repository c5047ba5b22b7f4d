package helper

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness"
	"dpki/internal/harness/sshkey"
	"dpki/sshca"
	"dpki/sshca/profile"
	"dpki/state"
)

// TestPresentedCertificates: each certificate is refused, and right after it the same user's good one is accepted by the same sshd. An
// attacker's client offers what OpenSSH's would keep to itself.
func TestPresentedCertificates(t *testing.T) {
	s := newSite(t)
	s.daemon()
	alice, bob := newUser(t), newUser(t)
	subject := s.grant(alice, "alice's", state.Grant{Account: "alice", Flags: state.GrantPTY})
	bobs := s.grant(bob, "bob's", state.Grant{Account: "bob"})
	gone := s.grant(alice, "revoked", state.Grant{Account: "alice"})
	s.add(state.Entry{Action: state.ActionRevoke, Kind: state.KindGrant, Subject: gone}, s.scopes.Mailbox)
	stranger := sshkey.New(t)
	until := uint64(time.Now().Unix()) + 600
	good := profile.GrantPrincipal(subject)

	template := func() *ssh.Certificate {
		return &ssh.Certificate{Key: alice.signer.PublicKey(), CertType: ssh.UserCert, ValidPrincipals: []string{good}, ValidBefore: until,
			KeyId: s.cert(alice, subject).KeyId, Serial: 5, Permissions: ssh.Permissions{Extensions: map[string]string{"permit-pty": ""}}}
	}
	for _, row := range []struct {
		name   string
		attack func(c *ssh.Certificate, ca *ssh.Signer)
		after  func(c *ssh.Certificate)
		why    string // in the helper's log; "" where sshd refuses by itself and does not ask
	}{
		{name: "no principal", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.ValidPrincipals = nil }, why: "no principal"},
		{name: "empty principal", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.ValidPrincipals = []string{""} }, why: "principal is neither"},
		{name: "two principals", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.ValidPrincipals = []string{good, "alice"} }, why: "more than one principal"},
		{name: "comma", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.ValidPrincipals = []string{good + ",alice"} }, why: "principal is neither"},
		{name: "quote", attack: func(c *ssh.Certificate, _ *ssh.Signer) {
			c.ValidPrincipals = []string{good + `",command="/bin/sh`}
		}, why: "principal is neither"},
		{name: "line end", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.ValidPrincipals = []string{good + "\n"} }, why: "principal is neither"},
		{name: "star", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.ValidPrincipals = []string{"*"} }, why: "principal is neither"},
		{name: "account name", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.ValidPrincipals = []string{"alice"} }, why: "principal is neither"},
		{name: "bob's grant", attack: func(c *ssh.Certificate, _ *ssh.Signer) {
			c.ValidPrincipals = []string{profile.GrantPrincipal(bobs)}
		}, why: "for another key"},
		{name: "grant of another device", attack: func(c *ssh.Certificate, _ *ssh.Signer) {
			c.ValidPrincipals = []string{profile.GrantPrincipal(word("elsewhere"))}
		}, why: "no such grant"},
		{name: "revoked grant", attack: func(c *ssh.Certificate, _ *ssh.Signer) {
			c.ValidPrincipals = []string{profile.GrantPrincipal(gone)}
		}, why: "grant is revoked"},
		{name: "issued for something else", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.KeyId = s.cert(alice, gone).KeyId }, why: "issued for something else"},
		{name: "host certificate", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.CertType = ssh.HostCert }, why: "not a user's"},
		{name: "expired", attack: func(c *ssh.Certificate, _ *ssh.Signer) { c.ValidBefore = uint64(time.Now().Unix()) - 1 }, why: "certificate has expired"},
		{name: "unknown critical option", attack: func(c *ssh.Certificate, _ *ssh.Signer) {
			c.CriticalOptions = map[string]string{"x@example.com": ""}
		}, why: "unknown critical option"},
		{name: "unknown CA", attack: func(_ *ssh.Certificate, ca *ssh.Signer) { *ca = stranger }, why: "authority is not known"},
		{name: "self-signed", attack: func(_ *ssh.Certificate, ca *ssh.Signer) { *ca = alice.signer }, why: "authority is not known"},
		{name: "forged signature", after: func(c *ssh.Certificate) { c.Signature.Blob[1] ^= 1 }},
		{name: "changed after signing", after: func(c *ssh.Certificate) { c.Serial++ }},
	} {
		t.Run(row.name, func(t *testing.T) {
			bad, ca := template(), s.ca
			if row.attack != nil {
				row.attack(bad, &ca)
			}
			if err := bad.SignCert(rand.Reader, ca); err != nil {
				t.Fatal(err)
			}
			if row.after != nil {
				row.after(bad)
			}
			before := len(s.log.Text())
			if err := s.present(alice, "alice", bad); err == nil || !strings.Contains(err.Error(), "unable to authenticate") {
				t.Errorf("logged in, or something else: %v", err)
			}
			harness.Eventually(t, harness.Patience, func() error {
				if text := s.log.Text()[before:]; !strings.Contains(text, row.why) {
					return fmt.Errorf("no %q in the log:\n%s", row.why, text)
				}
				return nil
			})
			cert, err := sshca.Sign(s.ca, alice.signer.PublicKey(), template())
			if err != nil {
				t.Fatal(err)
			}
			if err := s.present(alice, "alice", cert); err != nil {
				t.Errorf("the twin, by the attacker's client: %v", err)
			}
			if got := s.login(alice, "alice", alice.certificate(t, cert), "id", "-un"); got.Code != 0 || got.Stdout != "alice\n" {
				t.Errorf("the twin: %+v", got)
			}
		})
	}
}

// A grant's line does in sshd what it says: no more than it allows, from where it allows, and the command it forces.
func TestLineInSshd(t *testing.T) {
	s := newSite(t)
	s.daemon()
	alice := newUser(t)
	certFor := func(name string, g state.Grant) string {
		g.Account = "alice"
		subject := s.grant(alice, name, g)
		c, err := sshca.IssueGrant(s.ca, alice.signer.PublicKey(), sshca.Grant{Subject: subject, Until: uint64(time.Now().Unix()) + 600, Terms: s.terms(subject)})
		if err != nil {
			t.Fatal(err)
		}
		return alice.certificate(t, c)
	}
	const command = `/bin/printf '%s|' "a, b" \x \" c`
	if got := s.login(alice, "alice", certFor("command", state.Grant{Command: command}), "id"); got.Code != 0 || got.Stdout != `a, b|x|"|c|` {
		t.Errorf("forced command: %+v", got)
	}
	if got := s.login(alice, "alice", certFor("from elsewhere", state.Grant{From: "192.0.2.0/24"}), "true"); got.Code != 255 {
		t.Errorf("from elsewhere: %+v", got)
	}
	if got := s.login(alice, "alice", certFor("from here", state.Grant{From: "192.0.2.0/24,127.0.0.0/8"}), "true"); got.Code != 0 {
		t.Errorf("from here: %+v", got)
	}
	for name, row := range map[string]struct {
		flags state.GrantFlags
		tty   string
	}{"with pty": {state.GrantPTY, "a terminal"}, "without pty": {0, "not a terminal"}} {
		cert := certFor(name, state.Grant{Flags: row.flags})
		got := s.login(alice, "alice", cert, "true")
		if got.Code != 0 {
			t.Fatalf("%s: %+v", name, got)
		}
		if tty := terminal(t, s, alice, cert); tty != row.tty {
			t.Errorf("%s: %s", name, tty)
		}
	}
}

// The helper in its place: run by root or with root's groups it denies, whatever the daemon says.
func TestIdentityInPlace(t *testing.T) {
	s := newSite(t)
	s.daemon()
	alice := newUser(t)
	subject := s.grant(alice, "alice's", state.Grant{Account: "alice"})
	cert, err := sshca.IssueGrant(s.ca, alice.signer.PublicKey(), sshca.Grant{Subject: subject, Until: uint64(time.Now().Unix()) + 600, Terms: s.terms(subject)})
	if err != nil {
		t.Fatal(err)
	}
	blob := strings.Fields(string(ssh.MarshalAuthorizedKey(cert)))
	for _, row := range []struct {
		name     string
		uid, gid uint32
		groups   []uint32
		ok       bool
	}{
		{"as it should be", helperUser, helperUser, []uint32{helperUser}, true},
		{"no groups", helperUser, helperUser, nil, true},
		{"root", 0, 0, nil, false},
		{"root's group", helperUser, 0, nil, false},
		{"sshd's groups", helperUser, helperUser, []uint32{0, helperUser}, false},
		{"alice", 6001, 6001, nil, false}, // may not open the socket: a denial, and not an absent daemon
	} {
		out, err := runAs(t, row.uid, row.gid, row.groups, harness.Bin(t, "dpki-authkeys"), "alice", blob[0], blob[1])
		if ok := err == nil && strings.HasPrefix(out, "cert-authority,"); ok != row.ok || !ok && out != "" {
			t.Errorf("%s: %q, %v", row.name, out, err)
		}
	}
}

func TestBreakGlassInSshd(t *testing.T) {
	s := newSite(t)
	stop := s.daemon()
	alice := newUser(t)
	pub := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(alice.signer.PublicKey())))
	expiry := time.Now().Add(time.Hour).UTC().Format("20060102150405Z")
	line := func(from, until string) string {
		return `from="` + from + `",expiry-time="` + until + `",restrict ` + pub
	}
	in := func(name string) {
		t.Helper()
		if got := s.login(alice, "root", "", "id", "-un"); got.Code != 0 || got.Stdout != "root\n" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	out := func(name string) {
		t.Helper()
		if got := s.login(alice, "root", "", "true"); got.Code != 255 {
			t.Errorf("%s: %+v", name, got)
		}
	}
	installBreakGlass(t, "root", line("127.0.0.0/8", expiry))
	out("the daemon runs")
	stop()
	in("the daemon has ended") // its socket is still there
	s.log.Wait(t, "BREAK-GLASS would accept \"root\"", harness.Patience)

	installBreakGlass(t, "root", line("192.0.2.0/24", expiry))
	out("from elsewhere")
	installBreakGlass(t, "root", line("127.0.0.0/8", time.Now().Add(-time.Second).UTC().Format("20060102150405Z")))
	out("expired")
	installBreakGlass(t, "root", line("127.0.0.0/8", expiry), sha256.Sum256(alice.signer.PublicKey().Marshal()))
	out("denied")
	installBreakGlass(t, "alice", line("127.0.0.0/8", expiry))
	installBreakGlass(t, "root", "# nothing")
	out("another account's key")
	installBreakGlass(t, "root", line("127.0.0.0/8", expiry))
	in("as in the beginning")
	s.daemon()
	out("the daemon runs again")
}
