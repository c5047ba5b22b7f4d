package socket

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRequestRoundTrip(t *testing.T) {
	for _, r := range []Request{
		NewRequest(Status),
		NewRequest(Authkeys, "root", "ssh-ed25519", "AAAA"),
		NewRequest(Sudo, "", "", ""),
		{Type: Account, Fields: make([][]byte, MaxFields)},
		{Type: Explain, Fields: [][]byte{bytes.Repeat([]byte{0xff}, maxBody-2)}},
	} {
		b, err := r.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > MaxRequest {
			t.Fatalf("%d bytes", len(b))
		}
		// A reader takes one request and leaves what follows.
		reader := io.MultiReader(iotest.OneByteReader(bytes.NewReader(b)), strings.NewReader("rest"))
		if got, err := ReadRequest(reader); err != nil || !equal(got, r) {
			t.Errorf("read %v, %v; want %v", got, err, r)
		}
		if rest, _ := io.ReadAll(reader); string(rest) != "rest" {
			t.Errorf("left %q", rest)
		}
	}
}

func TestKnownTypes(t *testing.T) {
	known := map[Type]bool{1: true, 2: true, 3: true, 4: true, 5: true, 16: true, 17: true, 18: true, 19: true}
	for v := range 256 {
		if got := Type(v).Known(); got != known[Type(v)] {
			t.Errorf("type %d: %v", v, got)
		}
	}
}

func equal(a, b Request) bool {
	if a.Type != b.Type || len(a.Fields) != len(b.Fields) {
		return false
	}
	for i := range a.Fields {
		if !bytes.Equal(a.Fields[i], b.Fields[i]) {
			return false
		}
	}
	return true
}

func TestBadRequests(t *testing.T) {
	good, err := NewRequest(Authkeys, "root", "ssh-ed25519", "AAAA").Marshal()
	if err != nil {
		t.Fatal(err)
	}
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	for _, row := range []struct {
		name string
		b    []byte
		want error
	}{
		{"empty", nil, ErrTruncated},
		{"header only in part", good[:6], ErrTruncated},
		{"truncated", good[:len(good)-1], ErrTruncated},
		{"magic", edit(func(b []byte) []byte { b[3] = '2'; return b }), ErrMagic},
		{"type 0", edit(func(b []byte) []byte { b[4] = 0; return b }), ErrType},
		{"type between", edit(func(b []byte) []byte { b[4] = 6; return b }), ErrType},
		{"type after", edit(func(b []byte) []byte { b[4] = 20; return b }), ErrType},
		{"too long", edit(func(b []byte) []byte { b[5], b[6] = 0xff, 0xff; return b }), ErrTooLong},
		{"field longer than the rest", edit(func(b []byte) []byte { b[8] = 0xff; return b }), ErrTruncated},
		{"half a length", []byte("DPK1\x02\x00\x01\x00"), ErrTruncated},
		{"too many fields", append([]byte("DPK1\x02\x00\x22"), make([]byte, 2*(MaxFields+1))...), ErrFields},
	} {
		if _, err := ReadRequest(bytes.NewReader(row.b)); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
	}
	if _, err := ReadRequest(bytes.NewReader(good)); err != nil {
		t.Errorf("the same without the attack: %v", err)
	}
}

func TestRequestsThatAreNotSent(t *testing.T) {
	for name, row := range map[string]struct {
		r    Request
		want error
	}{
		"no type":     {NewRequest(0), ErrType},
		"many fields": {Request{Type: Status, Fields: make([][]byte, MaxFields+1)}, ErrFields},
		"long":        {Request{Type: Status, Fields: [][]byte{make([]byte, maxBody-1)}}, ErrTooLong},
	} {
		if _, err := row.r.Marshal(); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
	}
}

func TestAnswerRoundTrip(t *testing.T) {
	for _, a := range []Answer{{}, {Allow, "line"}, {Error, ""}, {Deny, strings.Repeat("x", MaxText)}} {
		b, err := a.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ReadAnswer(iotest.OneByteReader(bytes.NewReader(b))); err != nil || got != a {
			t.Errorf("read %v, %v; want %v", got, err, a)
		}
	}
}

// Whatever is wrong with an answer, what comes back denies.
func TestBadAnswersDeny(t *testing.T) {
	good, err := Answer{Code: Allow, Text: "line"}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("connection reset")
	for _, row := range []struct {
		name string
		r    io.Reader
		want error
	}{
		{"nothing", strings.NewReader(""), ErrTruncated},
		{"half", bytes.NewReader(good[:5]), ErrTruncated},
		{"shorter by one", bytes.NewReader(good[:len(good)-1]), ErrTruncated},
		{"trailing", io.MultiReader(bytes.NewReader(good), strings.NewReader("\n")), ErrTrailing},
		{"no end of file", io.MultiReader(bytes.NewReader(good), iotest.ErrReader(gone)), gone},
		{"unknown code", strings.NewReader("\x03\x00\x00"), ErrCode},
		{"code 255", strings.NewReader("\xff\x00\x00"), ErrCode},
		{"too long", strings.NewReader("\x01\x40\x01"), ErrTooLong},
	} {
		a, err := ReadAnswer(row.r)
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", row.name, err, row.want)
		}
		if a != (Answer{}) {
			t.Errorf("%s: answer %v beside the error", row.name, a)
		}
	}
	if a, err := ReadAnswer(bytes.NewReader(good)); err != nil || a.Code != Allow {
		t.Errorf("the same without the attack: %v, %v", a, err)
	}
	if _, err := (Answer{Code: 3}).Marshal(); !errors.Is(err, ErrCode) {
		t.Errorf("code 3: %v", err)
	}
	if _, err := (Answer{Text: strings.Repeat("x", MaxText+1)}).Marshal(); !errors.Is(err, ErrTooLong) {
		t.Errorf("long text: %v", err)
	}
}

func FuzzReadRequest(f *testing.F) {
	for _, r := range []Request{NewRequest(Status), NewRequest(Authkeys, "root", "ssh-ed25519", "AAAA"), NewRequest(CloseSession, "")} {
		b, err := r.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-1])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		rest := bytes.NewReader(b)
		r, err := ReadRequest(rest)
		if err != nil {
			if r.Type != 0 || r.Fields != nil {
				t.Fatalf("a request beside the error: %v", r)
			}
			return
		}
		again, err := r.Marshal()
		if taken := b[:len(b)-rest.Len()]; err != nil || !bytes.Equal(again, taken) {
			t.Fatalf("marshals to %x, %v; was %x", again, err, taken)
		}
	})
}

func FuzzReadAnswer(f *testing.F) {
	for _, a := range []Answer{{}, {Allow, "restrict ssh-ed25519 AAAA"}, {Error, "no"}} {
		b, err := a.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{3, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ReadAnswer(bytes.NewReader(b))
		if err != nil {
			if a != (Answer{}) {
				t.Fatalf("an answer beside the error: %v", a)
			}
			return
		}
		again, err := a.Marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("marshals to %x, %v; was %x", again, err, b)
		}
	})
}
