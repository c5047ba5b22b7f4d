package authkeys

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
	"dpki/state"
)

func TestLine(t *testing.T) {
	ca := " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key(t, "ca").PublicKey())))
	user := " " + strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key(t, "alice").PublicKey())))
	authority := `cert-authority,principals="` + good + `",restrict`
	for _, row := range []struct {
		name string
		edit func(*login)
		want string
	}{
		// now + 240 is 2027-01-15 08:04:00 UTC, the first second that is too late.
		{"as it is", func(*login) {}, authority + `,pty,expiry-time="20270115080359Z"` + ca},
		{"an sshd before 9.1", func(l *login) { l.req.ExpiryTime = false }, authority + `,pty` + ca},
		{"the certificate ends first", func(l *login) { l.cert.ValidBefore = now + 60 }, authority + `,pty,expiry-time="20270115080059Z"` + ca},
		{"nothing allowed", func(l *login) { l.grantEntry.Flags = 0 }, authority + `,expiry-time="20270115080359Z"` + ca},
		{"everything allowed", func(l *login) {
			l.grantEntry.Flags = state.GrantPTY | state.GrantPortForwarding | state.GrantAgentForwarding | state.GrantX11 | state.GrantSudo
		}, authority + `,pty,port-forwarding,agent-forwarding,X11-forwarding,expiry-time="20270115080359Z"` + ca},
		{"from and command", func(l *login) {
			l.grantEntry.From, l.grantEntry.Command = "192.0.2.0/24,2001:db8::/32", `/bin/echo "a, b" \ \" c`
		}, authority + `,pty,from="192.0.2.0/24,2001:db8::/32",command="/bin/echo \"a, b\" \ \\" c",expiry-time="20270115080359Z"` + ca},
		{"plain key", plain, `restrict,pty,expiry-time="20270115080359Z"` + user},
		{"certificate only", func(l *login) {
			byAccount(l)
			l.cert.Extensions = map[string]string{"permit-port-forwarding": "", "permit-everything@example.com": ""}
		}, `cert-authority,principals="` + profile.AccountPrincipal(word("zone"), "alice") + `",restrict,port-forwarding,expiry-time="20270115080359Z"` + ca},
	} {
		l := newLogin(t)
		row.edit(l)
		d := l.decide()
		if d.Line != row.want {
			t.Errorf("%s: %s\n got %s\nwant %s", row.name, d.Text(), d.Line, row.want)
		}
		// x/crypto reads the same format.
		pub, _, options, rest, err := ssh.ParseAuthorizedKey([]byte(d.Line))
		if err != nil || len(rest) != 0 || len(options) == 0 || pub.Type() != ssh.KeyAlgoED25519 {
			t.Errorf("%s: reads as %v %v %v %q", row.name, pub, options, err, rest)
		}
	}
}

func TestLineTooLong(t *testing.T) {
	l := newLogin(t)
	req, s, n := l.build()
	q := question{Candidate: Parse(req), state: s, now: n}
	v := permit{principal: good, until: now + 60}
	if line, r := q.line(v); r != Accepted || line == "" {
		t.Fatalf("twin: %v", r)
	}
	for name, command := range map[string]string{"long": strings.Repeat("x", MaxLine), "two lines": "a\nb", "not ASCII": "\u00e4"} {
		v.grant = &state.GrantFact{Grant: state.Grant{Command: command}}
		if line, r := q.line(v); r != LineTooLong || line != "" {
			t.Errorf("%s: %v, %d bytes", name, r, len(line))
		}
	}
}

func TestAcceptedDecision(t *testing.T) {
	l := newLogin(t)
	privileged(l)
	d := l.decide()
	if !d.Allow || d.Reason != Accepted || d.Text() != "" || d.Mode != state.ModeCertificateAndGrant || d.Kind != state.KindGrantPriv ||
		d.Grant != word("grant") || d.Until != now+240 || d.Serial != 7 || d.Freshness != Fresh || d.Flags != state.GrantPTY {
		t.Errorf("%+v", d)
	}
	if got, want := d.Fingerprint(), ssh.FingerprintSHA256(l.key.PublicKey()); got != want {
		t.Errorf("fingerprint %s, want %s", got, want)
	}
	if got, want := d.CAFingerprint(), ssh.FingerprintSHA256(l.ca.PublicKey()); got != want {
		t.Errorf("fingerprint of the CA %s, want %s", got, want)
	}
}

func TestZeroValuesDeny(t *testing.T) {
	if d := (Decision{}); d.Allow || d.Text() == "" || d.Freshness != Offline || d.Fingerprint() != "" {
		t.Errorf("%+v %q", d, d.Text())
	}
	if d := Decide(Request{}, nil, Now{}); d.Allow || d.Line != "" {
		t.Errorf("%+v", d)
	}
	if r := Reason(255); r.String() != Undecided.String() || r.Hint() != Undecided.Hint() {
		t.Errorf("unknown reason: %q", r)
	}
	undecided := Undecided.String() + "; " + Undecided.Hint()
	if d := (Decision{Reason: Accepted}); d.Text() != undecided {
		t.Errorf("a decision that says Accepted and does not allow: %q", d.Text())
	}
	if d := (Decision{Reason: Denied}); d.Text() != Denied.String()+"; "+Denied.Hint() {
		t.Errorf("%q", d.Text())
	}
}

// The words go into a log line and an answer: short, printable, all there.
func TestWords(t *testing.T) {
	texts := map[string]bool{}
	for r := range reasons {
		s := Decision{Reason: r}.Text()
		if !printable(s) || len(s) > 300 || r.String() == "" || (r.Hint() == "") != (r == Accepted) {
			t.Errorf("%d: %q", r, s)
		}
		if texts[r.String()] {
			t.Errorf("%d: %q is another's text too", r, r)
		}
		texts[r.String()] = true
	}
}

// Several grants of one key: the one that ends last is taken, and one that fails does not stand in another's way.
func TestBestGrant(t *testing.T) {
	l := newLogin(t)
	plain(l)
	l.later = append(l.later,
		entry{scope: l.scopes.Zone, kind: state.KindGrant, subject: word("longer"), from: now - 60, until: now + 500, payload: state.Grant{Account: "alice", Key: userHash(l)}},
		entry{scope: l.scopes.Zone, kind: state.KindGrant, subject: word("shorter"), from: now - 60, until: now + 100, payload: state.Grant{Account: "alice", Key: userHash(l)}},
		entry{scope: l.scopes.Zone, kind: state.KindGrant, subject: word("bob's"), from: now - 60, until: now + 900, payload: state.Grant{Account: "bob", Key: userHash(l)}},
		entry{scope: l.scopes.Zone, kind: state.KindGrant, subject: word("over"), from: now - 600, until: now - 60, payload: state.Grant{Account: "alice", Key: userHash(l)}},
	)
	if d := l.decide(); !d.Allow || d.Grant != word("longer") || d.Until != now+500 {
		t.Errorf("%+v", d)
	}
}

// One subject under two kinds: the revoked one does not hide the live one, and the unprivileged one not the privileged.
func TestOneSubjectTwice(t *testing.T) {
	l := newLogin(t)
	privileged(l)
	l.later = append(l.later, entry{scope: l.scopes.Zone, kind: state.KindGrant, subject: word("grant"), from: now - 60, until: now + 900,
		payload: state.Grant{Account: "root", Key: userHash(l)}})
	if d := l.decide(); !d.Allow || d.Kind != state.KindGrantPriv || d.Until != now+240 {
		t.Errorf("%+v %s", d, d.Text())
	}
}

// The same id again, which ends later and says more, neither lets more in nor stands in the way of what was signed for.
func TestSameIDAgain(t *testing.T) {
	for name, again := range map[string]struct {
		kind  state.Kind
		grant state.Grant
	}{
		"for more":             {state.KindGrant, state.Grant{Account: "alice", Flags: state.AllGrantFlags}},
		"for another account":  {state.KindGrant, state.Grant{Account: "bob", Flags: state.GrantPTY}},
		"for the account root": {state.KindGrantPriv, state.Grant{Account: "root", Flags: state.GrantPTY}},
		"for the whole zone":   {state.KindGrant, state.Grant{Account: "alice", Flags: state.GrantPTY}},
	} {
		l := newLogin(t)
		again.grant.Key = userHash(l)
		l.later = append(l.later, entry{scope: l.scopes.Zone, kind: again.kind, subject: word("grant"), from: now - 60, until: now + 900, payload: again.grant})
		req, s, at := l.build()
		if d := Decide(req, s, at); !d.Allow || d.Until != now+240 || d.Flags != state.GrantPTY {
			t.Errorf("%s: %+v %s", name, d, d.Text())
		}
		s.Scopes.Mailbox, s.Name = word("another device"), "gate-8"
		if req.Account = again.grant.Account; Decide(req, s, at).Reason != NotIssuedFor {
			t.Errorf("%s, on another device: %+v", name, Decide(req, s, at))
		}
	}
}

func TestVouched(t *testing.T) {
	for _, row := range []struct {
		name string
		edit func(*login)
		want bool
	}{
		{"certificate by a live CA", func(*login) {}, true},
		{"and no grant is known yet", func(l *login) { l.grant = nil }, true},
		{"and even expired", func(l *login) { l.cert.ValidBefore = 5 }, true},
		{"unknown CA", func(l *login) { l.mismatch, l.caEntry.payload = true, state.CA{Key: word("another")} }, false},
		{"forged", func(l *login) { l.sign = forged(l, func(s *ssh.Signature) { s.Blob[3] ^= 4 }) }, false},
		{"CA revoked", later(func(l *login) entry {
			return entry{scope: l.scopes.Zone, kind: state.KindCAUser, subject: word("ca entry"), revoke: true}
		}), false},
		{"host CA", func(l *login) { l.sign = func(c *ssh.Certificate, _ ssh.Signer) { sign(t, c, l.hostCA) } }, false},
		{"plain key with a grant", plain, false},
		{"garbage", func(l *login) { l.blob = func(b []byte) []byte { return b[:9] } }, false},
	} {
		l := newLogin(t)
		row.edit(l)
		req, s, n := l.build()
		vouched := func(s *state.State) bool {
			return Parse(Request{KeyType: req.KeyType, Key: req.Key}).Vouched(s, n.Time)
		}
		if got := vouched(s); got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
		if vouched(nil) || vouched(&state.State{}) {
			t.Errorf("%s: vouched for by no State", row.name)
		}
		if got := Parse(req).Plain(); got != l.plain {
			t.Errorf("%s: plain %v", row.name, got)
		}
	}
}

// A candidate that was vouched for is decided anew from a later State: nothing of the earlier one is kept but the signature.
func TestCandidateAfterRefresh(t *testing.T) {
	l := newLogin(t)
	req, s, n := l.build()
	c := Parse(req)
	if !c.Vouched(s, n.Time) {
		t.Fatal("not vouched for")
	}
	if d := c.Decide(s, n); !d.Allow {
		t.Fatal(d.Text())
	}
	l.add(entry{scope: l.caEntry.scope, kind: state.KindCAUser, subject: l.caEntry.subject, revoke: true})
	if d := c.Decide(l.world.state(), n); d.Allow || d.Reason != CARevoked {
		t.Errorf("after the CA's revocation: %v", d.Reason)
	}
	if d := c.Decide(newWorld(t).state(), n); d.Reason != CAUnknown {
		t.Errorf("in a State that does not know the CA: %v", d.Reason)
	}
}

func TestFreshnessOf(t *testing.T) {
	p := state.Policy{Offline: 100, Fresh: 10}
	for _, row := range []struct {
		now  Now
		want Freshness
	}{
		{Now{}, Offline}, {Now{Time: now}, Fresh}, {Now{now, 10e9}, Fresh}, {Now{now, 10e9 + 1}, Stale},
		{Now{now, 100e9}, Stale}, {Now{now, 100e9 + 1}, Offline}, {Now{now, -1}, Offline}, {Now{0, 5}, Offline},
	} {
		if got := FreshnessOf(p, row.now); got != row.want {
			t.Errorf("%v: %v, want %v", row.now, got, row.want)
		}
	}
	if got := fmt.Sprint(Offline, Stale, Fresh, Freshness(9)); got != "offline stale fresh offline" {
		t.Error(got)
	}
}

// sk- keys of users are allowed; a security key's signature is made here by hand, there is none to touch.
func TestSecurityKeyOfUser(t *testing.T) {
	l := newLogin(t)
	raw := key(t, "token").PublicKey().Marshal()
	pub, err := ssh.ParsePublicKey(slices.Concat(wireString([]byte(ssh.KeyAlgoSKED25519)), raw[len(raw)-36:], wireString([]byte("ssh:"))))
	if err != nil {
		t.Fatal(err)
	}
	l.key = impostor{pub: pub}
	if d := l.decide(); !d.Allow {
		t.Errorf("certificate: %s", d.Text())
	}
	l = newLogin(t)
	plain(l)
	l.key = impostor{pub: pub}
	d := l.decide()
	if !d.Allow || !strings.HasSuffix(d.Line, " sk-ssh-ed25519@openssh.com "+base64.StdEncoding.EncodeToString(pub.Marshal())) {
		t.Errorf("plain: %q %s", d.Line, d.Text())
	}
}
