package bundle

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"reflect"
	"strings"
	"testing"

	"dpki/state"
)

func newReceipt(t testing.TB, marks ...Mark) (*Identity, *Receipt) {
	t.Helper()
	id, err := GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if marks == nil {
		marks = []Mark{{Scope: state.Word{1}, Seq: 12, Result: Applied}, {Scope: state.Word{2}, Result: "a restriction cannot be read"}}
	}
	r, err := id.NewReceipt(anchorOf(1), state.Word{9}, 1_700_000_000, marks)
	if err != nil {
		t.Fatal(err)
	}
	return id, r
}

func TestReceiptRoundTrip(t *testing.T) {
	id, r := newReceipt(t)
	b, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseReceipt(b)
	if err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, %v", got, err)
	}
	if key := got.Key(); !ed25519.PublicKey(key[:]).Equal(id.SigningKey().Public()) {
		t.Errorf("key %v", key)
	}
	if m, ok := got.Of(state.Word{1}); !ok || m.Seq != 12 || m.Result != Applied {
		t.Errorf("mark %+v", m)
	}
	if _, ok := got.Of(state.Word{3}); ok {
		t.Error("a mark of a scope that has none")
	}
}

// Whatever is altered in a receipt, it is refused; the twin is the receipt.
func TestReceiptsRefused(t *testing.T) {
	_, r := newReceipt(t)
	b, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseReceipt(b); err != nil {
		t.Fatalf("the twin: %v", err)
	}
	_, other := newReceipt(t)
	for name, row := range map[string]struct {
		old, new string
		want     error
	}{
		"another sequence": {`"seq":12`, `"seq":13`, ErrSignature},
		"another time":     {`"time":1700000000`, `"time":1700000001`, ErrSignature},
		"another result":   {`"a restriction cannot be read"`, `"applied"`, ErrSignature},
		"another device":   {r.Device.String(), (state.Word{8}).String(), ErrSignature},
		"another scope":    {(state.Word{2}).String(), (state.Word{3}).String(), ErrSignature},
		"another key":      {r.SigningKey, other.SigningKey, ErrSignature},
		"a key of no type": {"ssh-ed25519", "ssh-rsa", ErrMalformed},
		"version 2":        {`"version":1`, `"version":2`, ErrMalformed},
		"unknown field":    {`"version":1`, `"version":1,"more":1`, ErrMalformed},
		"a scope twice":    {(state.Word{2}).String(), (state.Word{1}).String(), ErrMalformed},
		"no result":        {`"a restriction cannot be read"`, `""`, ErrMalformed},
		"a line feed":      {`"a restriction cannot be read"`, `"a\nb"`, ErrMalformed},
		"a long result":    {`"a restriction cannot be read"`, `"` + strings.Repeat("x", maxResult+1) + `"`, ErrMalformed},
		"too long":         {`"version":1`, strings.Repeat(" ", MaxReceipt) + `"version":1`, ErrTooLarge},
	} {
		altered := strings.Replace(string(b), row.old, row.new, 1)
		if altered == string(b) {
			t.Fatalf("%s: nothing was altered", name)
		}
		if _, err := ParseReceipt([]byte(altered)); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
	id, _ := newReceipt(t)
	for name, marks := range map[string][]Mark{"no mark": {}, "too many": make([]Mark, maxMarks+1), "a mark of no scope": {{Result: Applied}}} {
		if _, err := id.NewReceipt(anchorOf(1), state.Word{9}, 1, marks); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseReceipt(f *testing.F) {
	_, r := newReceipt(f)
	b, err := r.Marshal()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(bytes.Replace(b, []byte("12"), []byte("13"), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseReceipt(b)
		if err != nil {
			return
		}
		again, err := r.Marshal()
		if err != nil {
			t.Fatalf("it parses, and does not encode: %v", err)
		}
		if twice, err := ParseReceipt(again); err != nil || !reflect.DeepEqual(twice, r) {
			t.Errorf("%s comes back as %s, %v", b, again, err)
		}
	})
}
