package witness

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

func rotation(t testing.TB, old, next Set, signers ...byte) *Rotation {
	t.Helper()
	r, err := NewRotation(anchor, old, next)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range signers {
		if err := r.Sign(private(n)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := r.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseRotation(b)
	if err != nil || !reflect.DeepEqual(parsed, r) {
		t.Fatalf("got %+v, %v, want %+v", parsed, err, r)
	}
	return parsed
}

// A network file with other witnesses counts only with k old ones' signatures,
// in this organisation, one version after the other.
func TestFollow(t *testing.T) {
	one, two, three := setOf(1, 2, 1, 2, 3), setOf(2, 2, 1, 2, 4), setOf(3, 1, 5)
	other := setOf(1, 2, 7, 8, 9)
	gone := Set{Version: 2}
	step := rotation(t, one, two, 1, 3)
	for _, row := range []struct {
		name      string
		pinned    Set
		next      Set
		rotations []*Rotation
		anchor    string
		want      Set
		err       error
	}{
		{"the first set", Set{}, one, nil, anchor, one, nil},
		{"a file without witnesses", one, Set{}, nil, anchor, one, nil},
		{"neither knows of any", Set{}, Set{}, nil, anchor, Set{}, nil},
		{"the same", one, setOf(1, 2, 1, 2, 3), nil, anchor, one, nil},
		{"an older file", two, one, nil, anchor, two, nil},
		{"others under the same version", one, other, nil, anchor, one, ErrRotation},
		{"fewer must agree, under the same version", one, setOf(1, 1, 1, 2, 3), nil, anchor, one, ErrRotation},
		{"the next without a statement", one, two, nil, anchor, one, ErrRotation},
		{"the next, signed by one of two", one, two, []*Rotation{rotation(t, one, two, 2)}, anchor, one, ErrRotation},
		{"the next, signed by two", one, two, []*Rotation{step}, anchor, two, nil},
		{"by two, in another organisation", one, two, []*Rotation{step}, anchor + "2", one, ErrRotation},
		{"signed for another next", one, setOf(2, 2, 1, 2, 9), []*Rotation{step}, anchor, one, ErrRotation},
		{"two versions on, in one statement each", one, three, []*Rotation{rotation(t, two, three, 2, 4), step}, anchor, three, nil},
		{"two versions on, the middle missing", one, three, []*Rotation{rotation(t, two, three, 2, 4)}, anchor, one, ErrRotation},
		{"taken away without a statement", one, gone, nil, anchor, one, ErrRotation},
		{"taken away by k old ones", one, gone, []*Rotation{rotation(t, one, gone, 2, 3)}, anchor, gone, nil},
		{"back again after that", gone, three, nil, anchor, three, nil},
		{"more must agree than there are", Set{}, setOf(1, 3, 1, 2), nil, anchor, Set{}, ErrForm},
		{"none must agree", Set{}, setOf(1, 0, 1, 2), nil, anchor, Set{}, ErrForm},
	} {
		got, err := row.pinned.Follow(row.next, row.rotations, row.anchor)
		if !got.Equal(row.want) || !errors.Is(err, row.err) {
			t.Errorf("%s: got %+v, %v; want %+v, %v", row.name, got, err, row.want, row.err)
		}
	}
}

func TestRotationRefused(t *testing.T) {
	one, two := setOf(1, 2, 1, 2, 3), setOf(2, 2, 1, 2, 4)
	for name, r := range map[string]Rotation{
		"a version left out":  {Anchor: anchor, Old: one, New: setOf(3, 1, 1)},
		"the same version":    {Anchor: anchor, Old: one, New: setOf(1, 1, 1)},
		"no old witness":      {Anchor: anchor, Old: Set{Version: 1}, New: two},
		"no organisation":     {Old: one, New: two},
		"unsound next":        {Anchor: anchor, Old: one, New: setOf(2, 4, 1)},
		"the last version":    {Anchor: anchor, Old: setOf(1<<32-1, 1, 1), New: setOf(0, 0)},
		"a key twice":         {Anchor: anchor, Old: one, New: Set{Version: 2, Agree: 1, Keys: []Key{{1}, {1}}}},
		"keys out of order":   {Anchor: anchor, Old: one, New: Set{Version: 2, Agree: 1, Keys: []Key{{2}, {1}}}},
		"too long an anchor":  {Anchor: string(make([]byte, maxAnchor+1)), Old: one, New: two},
		"too many witnesses":  {Anchor: anchor, Old: one, New: Set{Version: 2, Agree: 1, Keys: make([]Key, MaxWitnesses+1)}},
		"nobody is to agree":  {Anchor: anchor, Old: one, New: setOf(2, 0, 1)},
		"a set without a set": {Anchor: anchor, Old: Set{}, New: Set{Version: 1}},
	} {
		if b, err := r.Marshal(); b != nil || !errors.Is(err, ErrForm) {
			t.Errorf("%s: %x, %v", name, b, err)
		}
	}
	r := rotation(t, one, two, 1)
	if err := r.Sign(private(4)); !errors.Is(err, ErrOther) {
		t.Errorf("signed by a new one: %v", err)
	}
	b, err := rotation(t, one, two, 1, 2).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if got, err := ParseRotation(bad); err == nil && got.Complete() {
			t.Errorf("byte %d altered: %+v", i, got)
		}
		if _, err := ParseRotation(b[:i]); err == nil {
			t.Errorf("cut at %d: accepted", i)
		}
	}
	if _, err := ParseRotation(append(bytes.Clone(b), 0)); !errors.Is(err, ErrForm) {
		t.Errorf("a byte more: %v", err)
	}
}

// The same witness twice is one signature.
func TestRotationSignedTwiceByOne(t *testing.T) {
	one, two := setOf(1, 2, 1, 2, 3), setOf(2, 2, 1, 2, 4)
	if rotation(t, one, two, 1, 1).Complete() {
		t.Error("one witness counted twice")
	}
	if !rotation(t, one, two, 1, 2).Complete() {
		t.Error("the twin: two witnesses are not enough")
	}
	b, err := rotation(t, one, two, 1, 2).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	const each = 1 + 64
	doubled := append(bytes.Clone(b[:len(b)-each]), b[len(b)-2*each:len(b)-each]...)
	if _, err := ParseRotation(doubled); !errors.Is(err, ErrForm) {
		t.Errorf("one signature written twice: %v", err)
	}
}

func FuzzParseRotation(f *testing.F) {
	for _, signers := range [][]byte{nil, {1}, {1, 3}} {
		b, err := rotation(f, setOf(1, 2, 1, 2, 3), setOf(2, 2, 1, 2, 4), signers...).Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(rotationMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRotation(b)
		if err != nil {
			if !errors.Is(err, ErrForm) && !errors.Is(err, ErrSignature) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if again, err := r.Marshal(); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
	})
}

func FuzzParseSet(f *testing.F) {
	f.Add(setOf(1, 2, 1, 2, 3).Marshal())
	f.Add(Set{}.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseSet(b)
		if err != nil {
			if !errors.Is(err, ErrForm) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if !bytes.Equal(s.Marshal(), b) {
			t.Fatalf("%x became %x", b, s.Marshal())
		}
	})
}
