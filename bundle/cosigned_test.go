package bundle

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"dpki/internal/harness/sshkey"
	"dpki/internal/sshsig"
	"dpki/state"
)

// watched is a recipient whose policy demands watchdogs, and what was announced to it.
type watched struct {
	*testing.T
	i       *Identity
	ring    *Ring
	mailbox state.Word
	store   *memory
	facts   *state.Facts
	seq     uint64
	dogs    []ssh.Signer
}

func newWatched(t *testing.T, dogs int) *watched {
	t.Helper()
	w := &watched{T: t, i: testIdentity(t), ring: NewRing(anchorOf(1)), store: newMemory(), facts: state.NewFacts()}
	w.mailbox = w.i.MailboxSecret().Mailbox(zone)
	if err := errors.Join(w.ring.AddMailbox(w.mailbox, w.i.MailboxSecret()), w.ring.Add(zone, 1, Key{1})); err != nil {
		t.Fatal(err)
	}
	for range dogs {
		w.dogs = append(w.dogs, sshkey.New(t))
	}
	return w
}

func hashesOf(dogs ...ssh.Signer) (keys []state.Word) {
	for _, d := range dogs {
		keys = append(keys, state.Word(Sum(d.PublicKey().Marshal())))
	}
	slices.SortFunc(keys, func(a, b state.Word) int { return bytes.Compare(a[:], b[:]) })
	return keys
}

const present = 1500

func (w *watched) apply(scope state.Word, e state.Entry) {
	w.Helper()
	w.seq++
	e.Seq, e.Time, e.Authors = w.seq, 1000, []state.Address{{1}}
	if e.Action == 0 {
		e.Action, e.From, e.Until = state.ActionPut, 1000, 2000
	}
	w.facts.Apply(state.Scopes{Org: anchorOf(1).Org, Zone: zone, Mailbox: w.mailbox}, scope, &e, w.ring)
}

// demand writes a policy of the organisation or the zone. Keys of nobody: none is
// demanded.
func (w *watched) demand(scope state.Word, need int, dogs ...ssh.Signer) state.Word {
	w.Helper()
	p := state.Policy{Offline: 1}
	if len(dogs) > 0 {
		p.Watchdogs = []state.Watchdogs{{Need: uint8(need), Purposes: state.DeliveredPurposes, Keys: hashesOf(dogs...)}}
	}
	payload, err := p.Marshal()
	if err != nil {
		w.Fatal(err)
	}
	e := state.Entry{Kind: state.KindPolicy, Subject: state.Word{byte(w.seq + 1)}, Data: payload}
	if scope == zone {
		sealed, err := w.ring.Seal(Entry{Scope: zone, Kind: state.KindPolicy, From: 1000, Until: 2000}, payload)
		if err != nil {
			w.Fatal(err)
		}
		e.Subject, e.Data = sealed.Subject, sealed.Data
	}
	w.apply(scope, e)
	return e.Subject
}

func (w *watched) out(o Outgoing) Outgoing {
	o.To, o.Mailbox, o.From, o.Until = w.i.Recipient(), w.mailbox, 1000, 2000
	return o
}

// send announces a set of files, with nobody's signature yet.
func (w *watched) send(version string, supersedes state.Word) *Watched {
	w.Helper()
	return w.sendAs("web", version, supersedes)
}

// sendAs announces the set web by a name.
func (w *watched) sendAs(name, version string, supersedes state.Word) *Watched {
	w.Helper()
	f := &Files{Version: 1, Name: "web", Files: []File{{"version", "0644", Content(version)}}}
	content, err := f.Marshal()
	if err != nil {
		w.Fatal(err)
	}
	sent, err := w.ring.DeliverWatched(anchorOf(1), "gate-7", w.out(Outgoing{Purpose: PurposeFiles, Content: content, Name: name, Supersedes: supersedes}))
	if err != nil {
		w.Fatal(err)
	}
	w.store.put(sent.Block)
	w.apply(w.mailbox, state.Entry{Kind: state.KindDelivery, Subject: sent.Entry.Subject, Data: sent.Entry.Data})
	return sent
}

// signatures are those of dogs over a statement.
func (w *watched) signatures(s *Statement, dogs ...ssh.Signer) []byte {
	w.Helper()
	return w.signAll([]state.Word{s.Digest()}, dogs...)
}

func (w *watched) signAll(statements []state.Word, dogs ...ssh.Signer) []byte {
	w.Helper()
	content := &Signatures{Version: 1, Statements: statements}
	message, err := WatchMessage(content.Statements)
	if err != nil {
		w.Fatal(err)
	}
	for _, d := range dogs {
		sig, err := sshsig.Sign(d, WatchNamespace, message)
		if err != nil {
			w.Fatal(err)
		}
		content.Signatures = append(content.Signatures, SSHSignature{sig})
	}
	slices.SortFunc(content.Signatures, func(a, b SSHSignature) int { return bytes.Compare(a.Key.Hash[:], b.Key.Hash[:]) })
	b, err := content.Marshal()
	if err != nil {
		w.Fatal(err)
	}
	return b
}

// attach announces content as the signatures on a delivery.
func (w *watched) attach(on state.Word, content []byte) Sealed {
	w.Helper()
	block, sealed, err := w.ring.Deliver(anchorOf(1), w.out(Outgoing{Purpose: PurposeSignatures, Content: content, Signs: on}))
	if err != nil {
		w.Fatal(err)
	}
	w.store.put(block)
	w.apply(w.mailbox, state.Entry{Kind: state.KindDelivery, Subject: sealed.Subject, Data: sealed.Data})
	return sealed
}

func (w *watched) sign(s *Watched, dogs ...ssh.Signer) Sealed {
	w.Helper()
	return w.attach(s.Entry.Subject, w.signatures(s.Statement, dogs...))
}

func (w *watched) state() *state.State {
	return &state.State{Scopes: state.Scopes{Org: anchorOf(1).Org, Zone: zone, Mailbox: w.mailbox}, Confirmed: w.facts}
}

func (w *watched) read(s *Watched) error {
	return w.readAs("gate-7", DemandOn, s)
}

func (w *watched) readAs(name string, on func(*state.State, string, *state.DeliveryFact, uint64) Demand, s *Watched) error {
	w.Helper()
	for f := range w.state().Deliveries(present) {
		if f.Subject == s.Entry.Subject {
			b, err := w.i.ReadDelivery(w.Context(), w.store, anchorOf(1), f, on(w.state(), name, f, present), PurposeFiles)
			if (b == nil) == (err == nil) {
				w.Errorf("%v and %v", b, err)
			}
			return err
		}
	}
	w.Fatal("the delivery is not announced")
	return nil
}

func (w *watched) taken(what string, s *Watched) {
	w.Helper()
	if err := w.read(s); err != nil {
		w.Errorf("%s: %v", what, err)
	}
}

func (w *watched) refused(what string, s *Watched, have, need int) {
	w.Helper()
	var e *CosignError
	if err := w.read(s); !errors.Is(err, ErrNotCosigned) || !errors.As(err, &e) || e.Have != have || e.Need != need {
		w.Errorf("%s: %v, want %d of %d", what, err, have, need)
	}
}

func TestCosigned(t *testing.T) {
	w := newWatched(t, 3)
	before := w.send("0", state.Word{})
	w.taken("nothing is demanded", before)
	w.demand(zone, 2, w.dogs...)
	s := w.send("1", state.Word{})
	gets := w.store.gets
	w.refused("by nobody", s, 0, 2)
	if w.store.gets != gets {
		t.Error("it was fetched to find out")
	}
	w.sign(s, w.dogs[0])
	w.refused("by one", s, 1, 2)
	second := w.sign(s, w.dogs[2])
	w.taken("by two, brought one by one", s)
	// A signature is withdrawn as any delivery is.
	w.apply(w.mailbox, state.Entry{Action: state.ActionRevoke, Kind: state.KindDelivery, Subject: second.Subject})
	w.refused("after one was revoked", s, 1, 2)
	all := w.send("2", state.Word{})
	w.sign(all, w.dogs...)
	w.taken("by three at once", all)
	// Many deliveries, one signature.
	a, b := w.send("a", state.Word{}), w.send("b", state.Word{})
	both := []state.Word{a.Statement.Digest(), b.Statement.Digest()}
	slices.SortFunc(both, func(x, y state.Word) int { return bytes.Compare(x[:], y[:]) })
	content := w.signAll(both, w.dogs[:2]...)
	for _, s := range []*Watched{a, b} {
		w.attach(s.Entry.Subject, content)
		w.taken("one of two that were signed together", s)
	}
}

// Each attack stands beside what is accepted: the same without it.
func TestAttackCosignatures(t *testing.T) {
	w := newWatched(t, 3)
	w.demand(zone, 2, w.dogs...)
	stranger := sshkey.New(t)

	t.Run("a stranger's", func(t *testing.T) {
		w.T = t
		s := w.send("1", state.Word{})
		w.sign(s, w.dogs[0], stranger)
		w.refused("one and a stranger", s, 1, 2)
		w.sign(s, w.dogs[1])
		w.taken("twin", s)
	})
	t.Run("one watchdog twice", func(t *testing.T) {
		w.T = t
		s := w.send("1", state.Word{})
		w.sign(s, w.dogs[0])
		w.sign(s, w.dogs[0])
		w.refused("twice, in two bundles", s, 1, 2)
		sig, err := sshsig.Parse(mustSignatures(t, w.signatures(s.Statement, w.dogs[0])).Signatures[0].Marshal())
		if err != nil {
			t.Fatal(err)
		}
		twice := &Signatures{Version: 1, Statements: []state.Word{s.Statement.Digest()}, Signatures: []SSHSignature{{sig}, {sig}}}
		if _, err := twice.Marshal(); !errors.Is(err, ErrMalformed) {
			t.Errorf("twice, in one: %v", err)
		}
		content, err := marshalContent(twice)
		if err != nil {
			t.Fatal(err)
		}
		w.attach(s.Entry.Subject, content)
		w.refused("twice, in one bundle", s, 1, 2)
		w.sign(s, w.dogs[1])
		w.taken("twin", s)
	})
	t.Run("of another delivery", func(t *testing.T) {
		w.T = t
		for what, alter := range map[string]func(*Statement){
			"another device":       func(s *Statement) { s.Mailbox[0]++ },
			"another name":         func(s *Statement) { s.Recipient = "gate-8" },
			"another purpose":      func(s *Statement) { s.Purpose = PurposeUserKey },
			"another entry":        func(s *Statement) { s.Subject[0]++ },
			"another organisation": func(s *Statement) { s.Anchor = anchorOf(2) },
			"a longer time":        func(s *Statement) { s.Until++ },
			"an earlier time":      func(s *Statement) { s.From-- },
			"in place of another":  func(s *Statement) { s.Supersedes = state.Word{9} },
			"another file set":     func(s *Statement) { s.Name = "db" },
			"another content":      func(s *Statement) { s.Commitment[0]++ },
			"another block":        func(s *Statement) { s.Block[0]++ },
			"another summary":      func(s *Statement) { s.Summary[0]++ },
		} {
			s := w.send("1", state.Word{})
			other := *s.Statement
			alter(&other)
			w.attach(s.Entry.Subject, w.signatures(&other, w.dogs...))
			w.refused(what, s, 0, 2)
			w.sign(s, w.dogs[0], w.dogs[2])
			w.taken("twin of "+what, s)
		}
	})
	t.Run("shown one thing, sent another", func(t *testing.T) {
		w.T = t
		s, shown := w.send("evil", state.Word{}), w.send("good", state.Word{})
		if err := s.Statement.Describes(shown.Summary); !errors.Is(err, ErrMalformed) {
			t.Errorf("the statement with another summary: %v", err)
		}
		lie := *s.Statement
		lie.Summary = shown.Statement.Summary
		if err := lie.Describes(shown.Summary); err != nil {
			t.Fatal(err) // the watchdog sees nothing wrong
		}
		w.attach(s.Entry.Subject, w.signatures(&lie, w.dogs...))
		w.refused("a summary that is not the content's", s, 0, 2)
		w.sign(s, w.dogs[0], w.dogs[1])
		w.taken("twin", s)
	})
	t.Run("announced by another name", func(t *testing.T) {
		w.T = t
		// Where the files go says the content's name, and the watchdogs would read the other.
		s := w.sendAs("motd", "1", state.Word{})
		if err := s.Statement.Describes(s.Summary); !errors.Is(err, ErrMalformed) {
			t.Errorf("watchdogs are shown it: %v", err)
		}
		w.sign(s, w.dogs...)
		if err := w.read(s); !errors.Is(err, ErrMalformed) || errors.Is(err, ErrNotCosigned) {
			t.Errorf("signed all the same: %v", err)
		}
		for _, name := range []string{"web", ""} {
			s := w.sendAs(name, "1", state.Word{})
			if err := s.Statement.Describes(s.Summary); err != nil {
				t.Errorf("twin %q: %v", name, err)
			}
			w.sign(s, w.dogs...)
			w.taken("twin "+name, s)
		}
	})
	t.Run("replayed", func(t *testing.T) {
		w.T = t
		old := w.send("1", state.Word{})
		signed := w.signatures(old.Statement, w.dogs...)
		w.attach(old.Entry.Subject, signed)
		w.taken("before", old)
		next := w.send("1", old.Entry.Subject) // even the same content
		w.attach(next.Entry.Subject, signed)
		w.refused("the superseded one's signatures", next, 0, 2)
		w.sign(next, w.dogs[0], w.dogs[1])
		w.taken("twin", next)
	})
	t.Run("altered", func(t *testing.T) {
		w.T = t
		s := w.send("1", state.Word{})
		good := w.signatures(s.Statement, w.dogs[0], w.dogs[1])
		parsed := mustSignatures(t, good)
		blob := parsed.Signatures[0].Marshal()
		blob[len(blob)-1] ^= 1
		sig, err := sshsig.Parse(blob)
		if err != nil {
			t.Fatal(err)
		}
		parsed.Signatures[0].Signature = sig
		content, err := marshalContent(parsed)
		if err != nil {
			t.Fatal(err)
		}
		w.attach(s.Entry.Subject, content)
		w.refused("a bit of a signature", s, 0, 2)
		w.attach(s.Entry.Subject, good)
		w.taken("twin", s)
	})
	t.Run("a key that is denied", func(t *testing.T) {
		w.T = t
		s := w.send("1", state.Word{})
		w.sign(s, w.dogs[0], w.dogs[1])
		w.taken("before", s)
		w.apply(anchorOf(1).Org, state.Entry{Kind: state.KindDenyClear, Subject: hashesOf(w.dogs[1])[0]})
		w.refused("after", s, 1, 2)
		w.sign(s, w.dogs[2])
		w.taken("twin", s)
	})
}

func mustSignatures(t *testing.T, b []byte) *Signatures {
	t.Helper()
	s, err := ParseSignatures(b)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The organisation's demand is not lowered by a zone's, nor met by its watchdogs.
func TestAttackZoneBelowTheFloor(t *testing.T) {
	w := newWatched(t, 2)
	org, own := w.dogs[0], w.dogs[1]
	w.demand(anchorOf(1).Org, 1, org)
	s := w.send("1", state.Word{})
	w.refused("the organisation's", s, 0, 1)
	w.demand(zone, 0)
	w.refused("a zone that demands nothing", s, 0, 1)
	w.demand(zone, 1, own)
	w.sign(s, own)
	w.refused("by the zone's alone", s, 0, 1)
	w.sign(s, org)
	w.taken("by both", s)
	only := w.send("2", state.Word{})
	w.sign(only, org)
	w.refused("by the organisation's alone", only, 0, 1)
	// A person knows the organisation's demand alone.
	if err := w.readAs("gate-7", PersonDemandOn, only); err != nil {
		t.Errorf("a person: %v", err)
	}
	bare := w.send("3", state.Word{})
	if err := w.readAs("gate-7", PersonDemandOn, bare); !errors.Is(err, ErrNotCosigned) {
		t.Errorf("a person, by nobody: %v", err)
	}
}

// Who was taken out of the policy signs for nothing that comes to be applied.
func TestAttackFormerWatchdog(t *testing.T) {
	w := newWatched(t, 2)
	w.demand(zone, 1, w.dogs[0])
	s := w.send("1", state.Word{})
	w.sign(s, w.dogs[0])
	w.taken("while the policy names him", s)
	w.demand(zone, 1, w.dogs[1])
	w.refused("now that it does not", s, 0, 1)
	w.sign(s, w.dogs[1])
	w.taken("twin", s)
}

// What cannot be read demands what nobody knows, and a Demand that nobody made
// is met by nothing.
func TestUnknownDemand(t *testing.T) {
	w := newWatched(t, 1)
	s := w.send("1", state.Word{})
	w.taken("no policy", s)
	for f := range w.state().Deliveries(present) {
		if _, err := w.i.ReadDelivery(t.Context(), w.store, anchorOf(1), f, Demand{}, PurposeFiles); !errors.Is(err, ErrNotCosigned) {
			t.Errorf("the zero value: %v", err)
		}
	}
	w.apply(zone, state.Entry{Kind: state.KindPolicy, Subject: state.Word{99}, Data: []byte("sealed by a key that is not here")})
	if err := w.read(s); !errors.Is(err, ErrNotCosigned) || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("an unreadable policy: %v", err)
	}
	if err := w.readAs("gate-7", PersonDemandOn, s); err != nil {
		t.Errorf("a person, whom a zone's does not bind: %v", err)
	}
	w.apply(anchorOf(1).Org, state.Entry{Kind: state.KindPolicy, Subject: state.Word{98}, Data: []byte("no policy")})
	if err := w.readAs("gate-7", PersonDemandOn, s); !errors.Is(err, ErrNotCosigned) {
		t.Errorf("a person, and the organisation's: %v", err)
	}
	for _, subject := range []state.Word{{98}, {99}} {
		for _, scope := range []state.Word{zone, anchorOf(1).Org} {
			w.apply(scope, state.Entry{Action: state.ActionRevoke, Kind: state.KindPolicy, Subject: subject})
		}
	}
	w.taken("twin: they are revoked", s)
}

// No summary says a secret, whatever is delivered.
func TestSummaries(t *testing.T) {
	for _, d := range deliveredContents {
		t.Run(d.name, func(t *testing.T) {
			good := d.good(t)
			content, err := good.(interface{ Marshal() ([]byte, error) }).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			p := map[string]Purpose{"user key": PurposeUserKey, "host certificate": PurposeHostCertificate, "trust": PurposeCA, "files": PurposeFiles}[d.name]
			s, err := Summarize(p, [32]byte{1}, content)
			if err != nil || s.Check() != nil {
				t.Fatalf("%v, %v", s, err)
			}
			text, err := s.Marshal()
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range []string{"PRIVATE KEY", "c2VjcmV0", string(encodeSecret(authority.Key[:]))} {
				if strings.Contains(string(text), secret) {
					t.Errorf("the summary holds %q", secret)
				}
			}
			if p == PurposeUserKey && !s.PrivateKey {
				t.Error("it does not say that a private key travels")
			}
			again, err := Summarize(p, [32]byte{2}, content)
			if err != nil {
				t.Fatal(err)
			}
			one, err1 := s.digest()
			two, err2 := again.digest()
			if salted := one != two; err1 != nil || err2 != nil || salted != (p == PurposeFiles) {
				t.Errorf("another salt: %v %v, %v %v", one, two, err1, err2)
			}
			for other := range purposeNames {
				if _, err := Summarize(other, [32]byte{1}, content); other != p && err == nil {
					t.Errorf("summarized as %v", other)
				}
			}
		})
	}
}

func FuzzSignatures(f *testing.F) {
	s := &Signatures{Version: 1, Statements: []state.Word{{1}, {2}}}
	message, err := WatchMessage(s.Statements)
	if err != nil {
		f.Fatal(err)
	}
	sig, err := sshsig.Sign(sshkey.New(f), WatchNamespace, message)
	if err != nil {
		f.Fatal(err)
	}
	s.Signatures = []SSHSignature{{sig}}
	content, err := s.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	addSeed(f, content)
	f.Add([]byte(`{"version":1,"statements":[],"signatures":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSignatures(b)
		if err != nil {
			return
		}
		again, err := s.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if back, err := ParseSignatures(again); err != nil || len(back.Signatures) != len(s.Signatures) {
			t.Errorf("%s: %v", again, err)
		}
	})
}

// What was signed once verifies for ever: these digests are made by another program
// from docs/formats.md section 7.
func TestStatementVector(t *testing.T) {
	s := Statement{
		Anchor: anchorOf(1), Recipient: "gate-7", Mailbox: state.Word{2}, Subject: state.Word{3}, Purpose: PurposeFiles, From: 1000, Until: 2000,
		Supersedes: state.Word{4}, Name: "web", Commitment: state.Word{5}, Block: CID{6}, Summary: state.Word{7},
	}
	if got := s.Digest().String(); got != "2fb5ee93ef5571ae3b9b2cc28da8b39cbbdb5629dc97a21a5d60f6d65a99af6a" {
		t.Errorf("statement %s", got)
	}
	content, err := (&Files{Version: 1, Name: "web", Files: []File{{"a", "0644", Content("hello")}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	summary, err := Summarize(PurposeFiles, [32]byte{9}, content)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := summary.digest(); err != nil || got.String() != "cf855b2ff0937b7c82078a2e14ced58377a77f699f5548ff2af62a137fdc89a0" {
		t.Errorf("summary %v, %v", got, err)
	}
}
