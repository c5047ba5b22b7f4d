package authkeys

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"dpki/sshca/profile"
	"dpki/state"
)

// now is the time of every test, Unix seconds.
const now = 1_800_000_000

// word is a recognisable identifier.
func word(s string) state.Word { return sha256.Sum256([]byte(s)) }

func signer(t testing.TB, key any) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// key makes an Ed25519 key that is the same in every run.
func key(t testing.TB, name string) ssh.Signer {
	t.Helper()
	seed := sha256.Sum256([]byte(name))
	return signer(t, ed25519.NewKeyFromSeed(seed[:]))
}

func ecdsaKey(t testing.TB, curve elliptic.Curve) ssh.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return signer(t, k)
}

var rsaKeys sync.Map // bits -> *rsa.PrivateKey: making one takes longer than all tests that use it

func rsaKey(t testing.TB, bits int) ssh.Signer {
	t.Helper()
	v, ok := rsaKeys.Load(bits)
	if !ok {
		k, err := rsa.GenerateKey(rand.Reader, bits)
		if err != nil {
			t.Fatal(err)
		}
		v, _ = rsaKeys.LoadOrStore(bits, k)
	}
	return signer(t, v)
}

// clear is an Opener for entries whose data is not sealed: how sealed data is opened is tested where it is.
type clear struct{}

func (clear) Open(_ state.Word, e *state.Entry) ([]byte, error) {
	if string(e.Data) == "unreadable" {
		return nil, io.ErrUnexpectedEOF
	}
	return slices.Clone(e.Data), nil
}

// world is one device's organisation.
type world struct {
	t         testing.TB
	scopes    state.Scopes
	confirmed *state.Facts
	overlay   *state.Facts
	sticky    *state.Facts
	seq       uint64
}

var admin = state.Address{19: 1}

func newWorld(t testing.TB) *world {
	return &world{
		t:         t,
		scopes:    state.Scopes{Org: word("org"), Zone: word("zone"), Mailbox: word("device")},
		confirmed: state.NewFacts(), overlay: state.NewFacts(), sticky: state.NewFacts(),
	}
}

// entry is what rows say about an entry; the rest is as usual.
type entry struct {
	scope       state.Word
	kind        state.Kind
	subject     state.Word
	from, until uint64
	time, block uint64 // 0: an hour ago, block 50
	author      state.Address
	with        state.Address // a second author, above the first
	action      state.Action  // 0: put
	revoke      bool
	overlay     bool
	sticky      bool
	payload     interface{ Marshal() ([]byte, error) }
	raw         string
}

func (w *world) add(e entry) {
	w.t.Helper()
	w.seq++
	v := &state.Entry{
		Seq: w.seq, Block: e.block, Time: e.time, Authors: []state.Address{e.author}, Action: state.ActionPut,
		Kind: e.kind, Subject: e.subject, From: e.from, Until: e.until, Data: []byte(e.raw),
	}
	if e.block == 0 {
		v.Block = 50
	}
	if e.time == 0 {
		v.Time = now - 3600
	}
	if e.author == (state.Address{}) {
		v.Authors[0] = admin
	}
	if e.with != (state.Address{}) {
		v.Authors = append(v.Authors, e.with)
	}
	if e.action != 0 {
		v.Action = e.action
	}
	if e.revoke {
		v.Action, v.From, v.Until = state.ActionRevoke, 0, 0
	} else if e.payload != nil {
		b, err := e.payload.Marshal()
		if err != nil {
			w.t.Fatal(err)
		}
		v.Data = b
	}
	facts := w.confirmed
	switch {
	case e.overlay:
		facts = w.overlay
	case e.sticky:
		facts = w.sticky
	}
	facts.Apply(w.scopes, e.scope, v, clear{})
}

func (w *world) state() *state.State {
	return &state.State{
		Scopes: w.scopes, Name: "gate-7", Head: state.Head{Number: 100, Time: now}, Safe: 90, Finalized: 60,
		Confirmed: w.confirmed, Overlay: w.overlay, Sticky: w.sticky,
	}
}

// login is one attempt with everything around it. Its fields may be edited until decide.
type login struct {
	*world
	ca, hostCA, key ssh.Signer

	caEntry    entry
	policy     *entry
	grant      *entry
	grantEntry state.Grant
	later      []entry // after the grant

	plain    bool
	issued   func(*profile.Terms) // what the certificate is issued for, where it is not the grant; nil: it is
	cert     ssh.Certificate
	sign     func(cert *ssh.Certificate, ca ssh.Signer) // nil: as a CA does
	blob     func([]byte) []byte                        // edits what is offered; nil: nothing
	text     func(string) string                        // edits its base64
	keyType  string
	req      Request
	now      Now
	state    func(*state.State) *state.State
	mismatch bool // the CA entry's payload is set by the row
}

// newLogin is a login that is accepted: alice on this device, granted for five minutes, by certificate.
func newLogin(t testing.TB) *login {
	w := newWorld(t)
	l := &login{
		world: w, ca: key(t, "ca"), hostCA: key(t, "host ca"), key: key(t, "alice"),
		req: Request{Stage: StageOffer, Account: "alice", ExpiryTime: true},
		now: Now{Time: now, Age: time.Second},
	}
	l.caEntry = entry{scope: w.scopes.Zone, kind: state.KindCAUser, subject: word("ca entry"), from: now - 7200, until: now + 86400}
	l.grant = &entry{scope: w.scopes.Mailbox, kind: state.KindGrant, subject: word("grant"), from: now - 60, until: now + 240, time: now - 60}
	l.grantEntry = state.Grant{Account: "alice", Flags: state.GrantPTY}
	l.cert = ssh.Certificate{
		CertType: ssh.UserCert, Serial: 7, ValidPrincipals: []string{profile.GrantPrincipal(word("grant"))},
		ValidBefore: now + 240, Permissions: ssh.Permissions{Extensions: map[string]string{"permit-pty": ""}},
	}
	return l
}

// decide builds the State and the request and asks.
func (l *login) decide() Decision {
	l.t.Helper()
	return Decide(l.build())
}

func (l *login) build() (Request, *state.State, Now) {
	l.t.Helper()
	if l.policy != nil {
		l.add(*l.policy)
	}
	if !l.mismatch {
		l.caEntry.payload = state.CA{Key: profile.Hash(l.ca.PublicKey())}
	}
	l.add(l.caEntry)
	l.add(entry{scope: l.scopes.Zone, kind: state.KindCAHost, subject: word("host ca entry"), from: now - 7200, until: now + 86400,
		payload: state.CA{Key: profile.Hash(l.hostCA.PublicKey())}})
	if l.grant != nil {
		g := l.grantEntry
		if g.Key.IsZero() {
			g.Key = profile.Hash(l.key.PublicKey())
		}
		l.grant.payload = g
		l.issue(g)
		l.add(*l.grant)
	}
	for _, e := range l.later {
		l.add(e)
	}
	l.offer()
	s := l.world.state()
	if l.state != nil {
		s = l.state(s)
	}
	return l.req, s, l.now
}

// issue fills in the key ID, as who holds the CA's key does: for the grant as it is, unless the row says otherwise.
func (l *login) issue(g state.Grant) {
	l.t.Helper()
	if l.cert.KeyId != "" {
		return
	}
	terms := profile.Terms{Zone: l.scopes.Zone, Kind: l.grant.kind, Grant: g}
	if l.grant.scope != l.scopes.Zone {
		terms.Device = "gate-7"
	}
	if terms.Kind != state.KindGrantPriv {
		terms.Kind = state.KindGrant
	}
	if l.issued != nil {
		l.issued(&terms)
	}
	var err error
	if l.cert.KeyId, err = profile.GrantKeyID(l.grant.subject, terms); err != nil {
		l.t.Fatal(err)
	}
}

// offer fills in the request's key.
func (l *login) offer() {
	l.t.Helper()
	pub := l.key.PublicKey()
	if !l.plain {
		cert := l.cert
		cert.Extensions = maps.Clone(cert.Extensions)
		cert.Key = pub
		if l.sign != nil {
			l.sign(&cert, l.ca)
		} else {
			sign(l.t, &cert, l.ca)
		}
		pub = &cert
	}
	blob := pub.Marshal()
	if l.blob != nil {
		blob = l.blob(blob)
	}
	l.req.Key = base64.StdEncoding.EncodeToString(blob)
	if l.text != nil {
		l.req.Key = l.text(l.req.Key)
	}
	if l.req.KeyType = l.keyType; l.keyType == "" {
		l.req.KeyType = pub.Type()
	}
}

// sign signs as our CA does: x/crypto by itself takes SHA-256 with RSA. A signer that cannot do SHA-512 stays as it is.
func sign(t testing.TB, cert *ssh.Certificate, ca ssh.Signer) {
	t.Helper()
	if as, ok := ca.(ssh.AlgorithmSigner); ok && ca.PublicKey().Type() == ssh.KeyAlgoRSA {
		if s, err := ssh.NewSignerWithAlgorithms(as, []string{ssh.KeyAlgoRSASHA512}); err == nil {
			ca = s
		}
	}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
}

// wire reads and writes SSH's string type (RFC 4251 section 5).
func wireString(b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}
