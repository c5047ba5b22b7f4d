package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"dpki/state"
)

var (
	zone  = state.Word{0x20}
	place = Entry{Scope: zone, Kind: state.KindGrant, From: 1700000000, Until: 1700000300}
)

func ringOf(t testing.TB, org byte, scope state.Word, keys ...Key) *Ring {
	t.Helper()
	r := NewRing(anchorOf(org))
	for i, k := range keys {
		if err := r.Add(scope, uint32(i+1), k); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

// written is the entry that a sealed payload becomes.
func written(e Entry, s Sealed) *state.Entry {
	return &state.Entry{Action: state.ActionPut, Kind: e.Kind, Subject: s.Subject, From: e.From, Until: e.Until, Data: s.Data}
}

func TestSealedRoundTrip(t *testing.T) {
	r := ringOf(t, 1, zone, Key{1}, Key{2})
	for _, test := range []struct{ payload, data int }{
		{0, 181}, {1, 181}, {127, 181}, {128, 309}, {255, 309}, {256, 565}, {511, 565},
	} {
		payload := bytes.Repeat([]byte{0x80}, test.payload)
		s, err := r.Seal(place, payload)
		if err != nil {
			t.Fatalf("Seal of %d bytes: %v", test.payload, err)
		}
		if len(s.Data) != test.data {
			t.Errorf("%d bytes sealed have %d bytes, want %d", test.payload, len(s.Data), test.data)
		}
		if s.Data[4] != 2 {
			t.Errorf("sealed with key %d, want the newest, 2", s.Data[4])
		}
		got, err := r.Open(zone, written(place, s))
		if err != nil || !bytes.Equal(got, payload) {
			t.Errorf("Open of %d bytes = %x, %v", test.payload, got, err)
		}
	}
	if _, err := r.Seal(place, make([]byte, 512)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Seal of 512 bytes: %v, want ErrTooLarge", err)
	}
	if _, err := r.Seal(Entry{Scope: zone, Until: 1 << 40}, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("Seal with a window of 41 bits: %v, want ErrMalformed", err)
	}
}

// The nonce is constant: everything rests on fresh subjects.
func TestSealDrawsSubjects(t *testing.T) {
	r := ringOf(t, 1, zone, Key{1})
	seen := make(map[state.Word]bool)
	for range 100 {
		s, err := r.Seal(place, nil)
		if err != nil {
			t.Fatal(err)
		}
		if seen[s.Subject] || s.Subject.IsZero() {
			t.Fatalf("subject %v is not fresh", s.Subject)
		}
		seen[s.Subject] = true
	}
}

// Sealed data moved to another window, kind, scope, subject or organisation
// does not open. The last row is the twin: nothing moved.
// The same subject is sealed again for another scope only, whose key is another.
func TestSealAgain(t *testing.T) {
	old, next := state.Word{7}, state.Word{8}
	r := ringOf(t, 1, old, Key{1})
	if err := r.Add(next, 1, Key{2}); err != nil {
		t.Fatal(err)
	}
	entry := Entry{Scope: old, Kind: state.KindGrant, From: 1, Until: 2}
	first, err := r.Seal(entry, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.SealAgain(first.Subject, old, entry, []byte("y")); !errors.Is(err, ErrMalformed) {
		t.Errorf("in its own scope: %v", err)
	}
	entry.Scope = next
	again, err := r.SealAgain(first.Subject, old, entry, []byte("y"))
	if err != nil || again.Subject != first.Subject || again.Key == first.Key {
		t.Fatalf("%+v, %v", again, err)
	}
	got, err := r.Open(next, &state.Entry{Kind: entry.Kind, Subject: again.Subject, From: 1, Until: 2, Data: again.Data})
	if err != nil || string(got) != "y" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestAttackSealedDataMoved(t *testing.T) {
	other := state.Word{0x21}
	keys := []Key{{1}}
	r := ringOf(t, 1, zone, keys...)
	// The worst case: the attacker's scope and organisation have the same key.
	if err := r.Add(other, 1, keys[0]); err != nil {
		t.Fatal(err)
	}
	elsewhere := ringOf(t, 2, zone, keys...)
	s, err := r.Seal(place, []byte("grant"))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name  string
		ring  *Ring
		scope state.Word
		move  func(*state.Entry)
		want  error
	}{
		{"starts earlier", r, zone, func(e *state.Entry) { e.From-- }, ErrAltered},
		{"ends later", r, zone, func(e *state.Entry) { e.Until++ }, ErrAltered},
		{"never ends", r, zone, func(e *state.Entry) { e.Until = state.Never }, ErrAltered},
		{"privileged", r, zone, func(e *state.Entry) { e.Kind = state.KindGrantPriv }, ErrAltered},
		{"a CA instead", r, zone, func(e *state.Entry) { e.Kind = state.KindCAUser }, ErrAltered},
		{"another subject", r, zone, func(e *state.Entry) { e.Subject[31]++ }, ErrAltered},
		{"another scope with the same key", r, other, func(*state.Entry) {}, ErrAltered},
		{"a scope without key", r, state.Word{0x22}, func(*state.Entry) {}, ErrNoKey},
		{"another organisation with equal keys", elsewhere, zone, func(*state.Entry) {}, ErrAltered},
		{"another key number", r, zone, func(e *state.Entry) { e.Data[4]++ }, ErrNoKey},
		{"another version", r, zone, func(e *state.Entry) { e.Data[0]++ }, ErrMalformed},
		{"a byte less", r, zone, func(e *state.Entry) { e.Data = e.Data[:len(e.Data)-1] }, ErrMalformed},
		{"a byte more", r, zone, func(e *state.Entry) { e.Data = append(e.Data, 0) }, ErrMalformed},
		{"no data", r, zone, func(e *state.Entry) { e.Data = nil }, ErrMalformed},
		{"empty ring", &Ring{}, zone, func(*state.Entry) {}, ErrNoKey},
		{"nothing changed", r, zone, func(*state.Entry) {}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			e := written(place, s)
			e.Data = bytes.Clone(e.Data)
			test.move(e)
			got, err := test.ring.Open(test.scope, e)
			if !errors.Is(err, test.want) || test.want == nil && err != nil {
				t.Errorf("Open: %v, want %v", err, test.want)
			}
			if (test.want == nil) != (string(got) == "grant") {
				t.Errorf("Open gave %q", got)
			}
		})
	}
}

func TestAttackSealedDataFlipped(t *testing.T) {
	r := ringOf(t, 1, zone, Key{1})
	s, err := r.Seal(place, []byte("grant"))
	if err != nil {
		t.Fatal(err)
	}
	for i := range s.Data {
		for bit := range 8 {
			e := written(place, s)
			e.Data = bytes.Clone(e.Data)
			e.Data[i] ^= 1 << bit
			if got, err := r.Open(zone, e); err == nil {
				t.Fatalf("byte %d bit %d flipped: opened as %q", i, bit, got)
			}
		}
	}
	if _, err := r.Open(zone, written(place, s)); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// A key that authenticates the ciphertext but is not the one committed to must
// not open it: the commitment is what makes disclosure an argument.
func TestAttackSealedCommitmentChanged(t *testing.T) {
	r := ringOf(t, 1, zone, Key{1})
	s, err := r.Seal(place, []byte("grant"))
	if err != nil {
		t.Fatal(err)
	}
	e := written(place, s)
	e.Data[5] ^= 1 // in SHA-256(k), which no AEAD covers
	if _, err := r.Open(zone, e); !errors.Is(err, ErrAltered) {
		t.Errorf("commitment changed: %v, want ErrAltered", err)
	}
	e.Data[5] ^= 1
	if _, err := r.Open(zone, e); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestDisclosedKeyOpensOneEntry(t *testing.T) {
	r := ringOf(t, 1, zone, Key{1})
	first, err := r.Seal(place, []byte("first"))
	if err != nil {
		t.Fatal(err)
	}
	second, err := r.Seal(place, []byte("second"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := r.Disclose(zone, written(place, first))
	if err != nil || k != first.Key {
		t.Fatalf("Disclose = %v, want the key that Seal returned", err)
	}
	got, err := OpenWith(k, anchorOf(1), zone, written(place, first))
	if err != nil || string(got) != "first" {
		t.Errorf("OpenWith = %q, %v", got, err)
	}
	if _, err := OpenWith(k, anchorOf(1), zone, written(place, second)); !errors.Is(err, ErrAltered) {
		t.Errorf("the first entry's key on the second: %v, want ErrAltered", err)
	}
	if _, err := OpenWith(k, anchorOf(2), zone, written(place, first)); !errors.Is(err, ErrAltered) {
		t.Errorf("in another organisation: %v, want ErrAltered", err)
	}
}

func TestUnpadRefusesOtherForms(t *testing.T) {
	padded, err := pad([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := unpad(padded); err != nil || string(got) != "x" {
		t.Fatalf("unpad = %q, %v", got, err)
	}
	for name, b := range map[string][]byte{
		"all zeros":              make([]byte, 128),
		"no marker":              append(bytes.Repeat([]byte{1}, 127), 0),
		"larger than it need be": append(bytes.Clone(padded), make([]byte, 128)...),
		"empty":                  nil,
	} {
		if got, err := unpad(b); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %q, %v, want ErrMalformed", name, got, err)
		}
	}
}

func TestSealZone(t *testing.T) {
	a := anchorOf(1)
	r := ringOf(t, 1, a.Org, Key{1})
	s, z, err := r.SealZone(a.Org, "plant", 1, state.Never)
	if err != nil {
		t.Fatal(err)
	}
	if want := state.ZoneID(a.Org, z.Salt); s.Subject != want {
		t.Errorf("subject %v, want the zone's id %v", s.Subject, want)
	}
	payload, err := r.Open(a.Org, written(Entry{Kind: state.KindZone, From: 1, Until: state.Never}, s))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := state.ParseZone(payload); err != nil || got != z || got.Name != "plant" {
		t.Errorf("payload %+v, %v, want %+v", got, err, z)
	}
	again, _, err := r.SealZone(a.Org, "plant", 1, state.Never)
	if err != nil || again.Subject == s.Subject {
		t.Errorf("the same zone twice has one subject (%v)", err)
	}
	if _, _, err := r.SealZone(a.Org, "Plant!", 1, state.Never); err == nil {
		t.Error("a bad name was sealed")
	}
}

func TestRingKeys(t *testing.T) {
	r := ringOf(t, 1, zone, Key{1})
	if err := r.Add(zone, 1, Key{1}); err != nil {
		t.Errorf("the same key again: %v", err)
	}
	if err := r.Add(zone, 1, Key{2}); !errors.Is(err, ErrKeyConflict) {
		t.Errorf("another key under the same number: %v, want ErrKeyConflict", err)
	}
	if id, err := r.NextKeyID(zone); err != nil || id != 2 {
		t.Errorf("NextKeyID = %d, %v, want 2", id, err)
	}
	if !r.Has(zone) || r.Has(state.Word{9}) {
		t.Error("Has is wrong")
	}
	if err := (&Ring{}).Add(zone, 1, Key{1}); err == nil {
		t.Error("a ring without an anchor took a key")
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	k := Key(bytes.Repeat([]byte("K"), 32))
	m := MailboxSecret(bytes.Repeat([]byte("K"), 32))
	i := testIdentity(t)
	r := ringOf(t, 1, zone, k)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%q", "%d"} {
		for _, v := range []any{k, &k, m, []Key{k}, NumberedKey{1, k}, i, *i, Sealed{Key: k}, r, *r} {
			text := fmt.Sprintf(verb, v)
			if strings.Contains(text, "KKK") || strings.Contains(text, "4b4b") || strings.Contains(text, "75 75") || text != "" && !strings.Contains(text, redacted) {
				t.Errorf("%s of %T prints the secret: %s", verb, v, text)
			}
		}
	}
}

func BenchmarkOpenSealedEntry(b *testing.B) {
	r := ringOf(b, 1, zone, Key{1})
	s, err := r.Seal(place, make([]byte, 100))
	if err != nil {
		b.Fatal(err)
	}
	e := written(place, s)
	for b.Loop() {
		if _, err := r.Open(zone, e); err != nil {
			b.Fatal(err)
		}
	}
}
