package segment

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"dpki/state"
)

// history is n entries from sequence first.
func history(first uint64, n int) []state.Entry {
	log := make([]state.Entry, n)
	for i := range log {
		log[i] = state.Entry{
			Seq: first + uint64(i), Block: 10 + uint64(i), PrevBlock: 9 + uint64(i), Time: 1_700_000_000 + uint64(i), Authors: []state.Address{{7}},
			Action: state.ActionPut, Kind: state.KindGrant, Subject: state.Word{byte(i), byte(i >> 8), 1}, From: 1, Until: 2, Data: fmt.Append(nil, i),
		}
	}
	return log
}

var scope = state.Word{3}

func TestRoundTrip(t *testing.T) {
	for _, n := range []int{1, 2, Entries - 1, Entries, Entries + 1, 3*Entries + 7} {
		parts := Split(scope, history(1, n))
		if want := (n + Entries - 1) / Entries; len(parts) != want {
			t.Fatalf("%d entries: %d segments, want %d", n, len(parts), want)
		}
		next := uint64(1)
		for i := range parts {
			b, err := parts[i].Marshal()
			if err != nil {
				t.Fatal(err)
			}
			got, err := Parse(b)
			if err != nil || !reflect.DeepEqual(got, &parts[i]) {
				t.Fatalf("segment %d of %d entries: %v", i, n, err)
			}
			for _, e := range got.Entries {
				if e.Seq != next {
					t.Fatalf("entry %d in the place of %d", e.Seq, next)
				}
				next++
			}
			if got.Full() != (next%Entries == 1 && len(got.Entries) == Entries) {
				t.Errorf("segment %d of %d entries: full %v", i, n, got.Full())
			}
		}
		if next != uint64(n)+1 {
			t.Errorf("%d of %d entries", next-1, n)
		}
	}
}

// A log that was joined at a C word is cut from there; one that begins between
// two has nothing to begin with before the next.
func TestSplitOfALogThatWasJoined(t *testing.T) {
	if parts := Split(scope, history(2*Entries+1, Entries+5)); len(parts) != 2 || parts[0].Index != 2 || parts[1].Index != 3 {
		t.Errorf("at a C word: %d segments", len(parts))
	}
	if parts := Split(scope, history(2*Entries+2, Entries+5)); len(parts) != 1 || parts[0].Index != 3 {
		t.Errorf("after a C word: %d segments", len(parts))
	}
	if parts := Split(scope, nil); parts != nil {
		t.Errorf("nothing: %d segments", len(parts))
	}
}

// However a segment was altered, it is refused: the twin of each row is the
// segment itself.
func TestRefused(t *testing.T) {
	good := Split(scope, history(1, 5))[0]
	b, err := good.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(b); err != nil {
		t.Fatalf("the twin: %v", err)
	}
	alter := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(b)) }
	rows := map[string][]byte{
		"empty":         nil,
		"header alone":  b[:headerLen],
		"a byte short":  b[:len(b)-1],
		"a byte more":   append(bytes.Clone(b), 0),
		"another magic": alter(func(b []byte) []byte { b[0] = 'X'; return b }),
		"version 2":     alter(func(b []byte) []byte { b[8] = 2; return b }),
		"another index": alter(func(b []byte) []byte { b[headerLen-3] = 1; return b }),
		"count 0":       alter(func(b []byte) []byte { b[headerLen-1] = 0; return b }),
		"count less":    alter(func(b []byte) []byte { b[headerLen-1]--; return b }),
		"count more":    alter(func(b []byte) []byte { b[headerLen-1]++; return b }),
		"huge count":    alter(func(b []byte) []byte { b[headerLen-2] = 0xff; return b }),
		"huge":          make([]byte, MaxSize+1),
	}
	for name, bad := range rows {
		if _, err := Parse(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, s := range map[string]Segment{
		"nothing in it":   {Scope: scope},
		"a gap":           {Scope: scope, Entries: append(history(1, 2), history(4, 1)...)},
		"from the middle": {Scope: scope, Entries: history(2, 2)},
		"too many":        {Scope: scope, Entries: history(1, Entries+1)},
		"no such index":   {Scope: scope, Index: maxIndex + 1, Entries: history(1, 1)},
	} {
		if _, err := s.Marshal(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNames(t *testing.T) {
	for _, index := range []uint64{0, 1, 77, maxIndex} {
		got, i, err := ParseName(Name(scope, index))
		if err != nil || got != scope || i != index {
			t.Errorf("%d: %v %d %v", index, got, i, err)
		}
	}
	hex := scope.String()
	for _, bad := range []string{"", hex, hex + "-", hex + "-01", hex + "-+1", hex + "--1", hex[1:] + "-0", hex + "-281474976710655", "../" + hex + "-0", hex + "-0/"} {
		if _, _, err := ParseName(bad); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, n := range []int{1, 3} {
		s := Split(scope, history(1, n))[0]
		b, err := s.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)-2])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		again, err := s.Marshal()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x parses, and encodes as %x, %v", b, again, err)
		}
	})
}
