package bundle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"

	"filippo.io/age"

	"dpki/internal/anchor"
	"dpki/state"
)

var (
	header = Header{Anchor: anchorOf(1), Scope: zone, Subject: state.Word{7}, Purpose: PurposeUserKey}
	expect = Expect{Anchor: anchorOf(1), Scope: zone, Subject: state.Word{7}, Purposes: []Purpose{PurposeFiles, PurposeUserKey}}
)

func sealTo(t testing.TB, i *Identity, h Header, content string) (Block, state.Word) {
	t.Helper()
	b, commitment, err := Seal(i.Recipient(), h, []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return b, commitment
}

// encrypt makes an age file of any plaintext, as an attacker can.
func encrypt(t testing.TB, plain []byte, to ...age.Recipient) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, to...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestBundleRoundTrip(t *testing.T) {
	i := newIdentity(t)
	for _, size := range []int{0, 1, 36, 70_000, MaxContent} {
		content := bytes.Repeat([]byte("x"), size)
		b, commitment, err := Seal(i.Recipient(), header, content)
		if err != nil {
			t.Fatalf("Seal of %d bytes: %v", size, err)
		}
		if len(b.Bytes) > MaxBlock || b.CID != Sum(b.Bytes) {
			t.Errorf("block of %d bytes, CID %v", len(b.Bytes), b.CID)
		}
		got, err := i.Open(b.Bytes, expect)
		if err != nil {
			t.Fatalf("Open of %d bytes: %v", size, err)
		}
		if got.Header != header || !bytes.Equal(got.Content, content) || got.Commitment() != commitment {
			t.Errorf("Open of %d bytes gave %v, %d bytes, commitment %v", size, got.Header, len(got.Content), got.Commitment())
		}
	}
	if _, _, err := Seal(i.Recipient(), header, make([]byte, MaxContent+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Seal of more than MaxContent: %v, want ErrTooLarge", err)
	}
	if _, _, err := Seal(Recipient{}, header, nil); err == nil {
		t.Error("sealed to nobody")
	}
	noPurpose := header
	noPurpose.Purpose = 0
	if _, _, err := Seal(i.Recipient(), noPurpose, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("Seal without a purpose: %v, want ErrMalformed", err)
	}
}

// Content is secret, but somebody who guesses it must not be able to confirm
// the guess by the commitment: the salt is fresh.
func TestBundleCommitmentIsSalted(t *testing.T) {
	i := testIdentity(t)
	a, first := sealTo(t, i, header, "same")
	b, second := sealTo(t, i, header, "same")
	if a.CID == b.CID || first == second {
		t.Error("two bundles of one content are alike")
	}
}

// testdata/bundle.age was made by the first version and must stay readable.
func TestBundleOfTheFirstVersion(t *testing.T) {
	block, err := os.ReadFile("testdata/bundle.age")
	if err != nil {
		t.Fatal(err)
	}
	b, err := testIdentity(t).Open(block, expect)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(b.Content), "a bundle of version 1\n"; got != want {
		t.Errorf("content %q, want %q", got, want)
	}
	if got, want := b.Commitment().String(), "7c922e5cb975777a327e5379c665f3cf1fc70bb70f3cc118a57bcd2999a32c3c"; got != want {
		t.Errorf("commitment %s, want %s", got, want)
	}
	if got, want := Sum(block).String(), "bafkreig6yzg3ggwfkn7c4gxlwb2w4vf272ovq6dqy6sozv4qtqqr6lvpzm"; got != want {
		t.Errorf("CID %s, want %s", got, want)
	}
}

// A genuine bundle presented in the place of another one. The last row is the
// twin.
func TestAttackBundleReplayed(t *testing.T) {
	i := testIdentity(t)
	block, commitment := sealTo(t, i, header, "key")
	_, newer := sealTo(t, i, header, "newer key")
	for _, test := range []struct {
		name   string
		change func(*Expect)
		want   error
	}{
		{"in another organisation with equal salts and names", func(e *Expect) { e.Anchor = anchorOf(2) }, ErrWrongPlace},
		{"on another chain", func(e *Expect) { e.Anchor.Registry.ChainID++ }, ErrWrongPlace},
		{"at another contract", func(e *Expect) { e.Anchor.Registry.Contract[0]++ }, ErrWrongPlace},
		{"in another scope", func(e *Expect) { e.Scope[0]++ }, ErrWrongPlace},
		{"superseded: for a later entry", func(e *Expect) { e.Subject[0]++ }, ErrWrongPlace},
		{"for another purpose", func(e *Expect) { e.Purposes = []Purpose{PurposeDeviceMaterials} }, ErrWrongPlace},
		{"where no purpose is accepted", func(e *Expect) { e.Purposes = nil }, ErrWrongPlace},
		{"superseded: the entry commits to other content", func(e *Expect) { e.Commitment = newer }, ErrCommitment},
		{"where it belongs", func(e *Expect) { e.Commitment = commitment }, nil},
	} {
		want := expect
		test.change(&want)
		b, err := i.Open(block.Bytes, want)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || (b == nil) != (test.want != nil) {
			t.Errorf("%s: %v, %v, want %v", test.name, b, err, test.want)
		}
	}
}

func TestAttackBundleFlipped(t *testing.T) {
	i := testIdentity(t)
	block, _ := sealTo(t, i, header, "key")
	for n := range block.Bytes {
		b := bytes.Clone(block.Bytes)
		b[n] ^= 1 << (n % 8)
		if _, err := i.Open(b, expect); err == nil {
			t.Fatalf("byte %d flipped: opened", n)
		}
	}
	for n := range block.Bytes {
		if _, err := i.Open(block.Bytes[:n], expect); err == nil {
			t.Fatalf("cut to %d bytes: opened", n)
		}
	}
	if _, err := i.Open(append(bytes.Clone(block.Bytes), 0), expect); err == nil {
		t.Error("with a byte more: opened")
	}
	if _, err := i.Open(block.Bytes, expect); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func TestAttackBundleRecipients(t *testing.T) {
	i, other := testIdentity(t), newIdentity(t)
	classic, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	plain := marshalBundle(header, [32]byte{}, []byte("key"))
	for _, test := range []struct {
		name string
		to   []age.Recipient
		want error
	}{
		{"somebody else", []age.Recipient{other.Recipient().age}, ErrNotForUs},
		{"two recipients, a leak", []age.Recipient{i.Recipient().age, other.Recipient().age}, ErrAltered},
		{"no post-quantum part", []age.Recipient{classic.Recipient()}, ErrNotForUs},
		{"us alone", []age.Recipient{i.Recipient().age}, nil},
	} {
		_, err := i.Open(encrypt(t, plain, test.to...), expect)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	for _, s := range []string{classic.Recipient().String(), "", "age1pq1", other.Recipient().String() + "q"} {
		if _, err := ParseRecipient(s); !errors.Is(err, ErrMalformed) {
			t.Errorf("ParseRecipient(%.30q): %v, want ErrMalformed", s, err)
		}
	}
	if r, err := ParseRecipient(other.Recipient().String()); err != nil || r.String() != other.Recipient().String() {
		t.Errorf("twin: %v", err)
	}
	if _, err := ParseRecipient(string(bytes.ToUpper([]byte(other.Recipient().String())))); err == nil {
		t.Error("a recipient in capitals is a second spelling")
	}
}

// The recipient is public: anybody can encrypt anything to a device.
func TestAttackBundlePlaintext(t *testing.T) {
	i := testIdentity(t)
	good := marshalBundle(header, [32]byte{1}, []byte("key"))
	at := func(n int, b ...byte) []byte { return append(append(bytes.Clone(good[:n]), b...), good[n+len(b):]...) }
	anchorAt := 108
	for _, test := range []struct {
		name  string
		plain []byte
		want  error
	}{
		{"empty", nil, ErrMalformed},
		{"other magic", at(0, 'X'), ErrMalformed},
		{"unknown version", at(8, 2), ErrMalformed},
		{"version 0", at(8, 0), ErrMalformed},
		{"unknown purpose", at(9, 200), ErrMalformed},
		{"purpose 0", at(9, 0), ErrMalformed},
		{"anchor longer than the rest", at(106, 0xff, 0xff), ErrMalformed},
		{"anchor with a wrong checksum", at(anchorAt+5, 'X'), ErrMalformed},
		{"content shorter than announced", good[:len(good)-1], ErrMalformed},
		{"bytes after the content", append(bytes.Clone(good), 0), ErrMalformed},
		{"length above 4 GiB", at(len(good)-7, 0xff, 0xff, 0xff, 0xff), ErrMalformed},
		{"only the header", good[:bundleFixed-4], ErrMalformed},
		{"intact", good, nil},
	} {
		_, err := i.Open(encrypt(t, test.plain, i.Recipient().age), expect)
		if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) {
			t.Errorf("%s: %v, want %v", test.name, err, test.want)
		}
	}
	for n := range good {
		if _, err := parseBundle(good[:n]); err == nil {
			t.Errorf("cut to %d bytes: parsed", n)
		}
	}
	if n := binary.BigEndian.Uint16(good[106:108]); int(n) != len(header.Anchor.String()) || n > anchor.MaxLen {
		t.Errorf("the anchor's length is not where this test expects it")
	}
}

func TestAttackBundleTooLarge(t *testing.T) {
	i := testIdentity(t)
	if _, err := i.Open(make([]byte, MaxBlock+1), expect); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a block above 256 KiB: %v, want ErrTooLarge", err)
	}
	// A header line that never ends must not be read for ever either.
	if _, err := i.Open(append([]byte("age-encryption.org/v1\n"), bytes.Repeat([]byte("-> a"), 60_000)...), expect); err == nil {
		t.Error("a header without end was accepted")
	}
	block, _ := sealTo(t, i, header, "key")
	if _, err := i.Open(block.Bytes, expect); err != nil {
		t.Errorf("twin: %v", err)
	}
}

func BenchmarkOpenBundle(b *testing.B) {
	i := newIdentity(b)
	block, _ := sealTo(b, i, header, string(make([]byte, 1000)))
	b.ReportMetric(float64(len(block.Bytes)-1000), "overhead-bytes")
	for b.Loop() {
		if _, err := i.Open(block.Bytes, expect); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealBundle(b *testing.B) {
	to := newIdentity(b).Recipient()
	for b.Loop() {
		if _, _, err := Seal(to, header, make([]byte, 1000)); err != nil {
			b.Fatal(err)
		}
	}
}
