package witness

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"dpki/state"
)

func TestCheckpoint(t *testing.T) {
	want := sample()
	b, err := want.Sign(private(1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(b, KeyOf(private(1)), chain)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v, want %+v", got, err, want)
	}
	for number, hash := range map[uint64]state.Word{1000: {1}, 999: {2}, 998: {3}} {
		if h, ok := got.Hash(number); !ok || h != hash {
			t.Errorf("block %d: %v, %v", number, h, ok)
		}
	}
	for _, number := range []uint64{0, 997, 1001, 1<<64 - 1} {
		if h, ok := got.Hash(number); ok || !h.IsZero() {
			t.Errorf("block %d is covered: %v", number, h)
		}
	}
}

// The first blocks of a chain are fewer than a checkpoint holds.
func TestCheckpointAtGenesis(t *testing.T) {
	c := &Checkpoint{ChainID: 1, Hashes: []state.Word{{9}}}
	b, err := c.Sign(private(1))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Parse(b, KeyOf(private(1)), 1); err != nil || got.Number != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	c.Hashes = append(c.Hashes, state.Word{8})
	if _, err := c.Sign(private(1)); !errors.Is(err, ErrForm) {
		t.Errorf("a block before the first: %v", err)
	}
}

func TestCheckpointRefused(t *testing.T) {
	for name, alter := range map[string]func(c *Checkpoint){
		"no hash":          func(c *Checkpoint) { c.Hashes = nil },
		"too many hashes":  func(c *Checkpoint) { c.Hashes = make([]state.Word, MaxHashes+1) },
		"safe ahead":       func(c *Checkpoint) { c.Safe = c.Number + 1 },
		"final ahead":      func(c *Checkpoint) { c.Finalized = c.Number + 1 },
		"no chain":         func(c *Checkpoint) { c.ChainID = 0 },
		"block before 0":   func(c *Checkpoint) { c.Number, c.Safe, c.Finalized = 1, 0, 0 },
		"twin, as it came": nil,
	} {
		c := sample()
		if alter == nil {
			if _, err := c.Sign(private(1)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		alter(c)
		if b, err := c.Sign(private(1)); b != nil || !errors.Is(err, ErrForm) {
			t.Errorf("%s: signed, %v", name, err)
		}
		// The same from somebody who signs it all the same.
		if len(c.Hashes) <= 255 {
			b := c.signed(KeyOf(private(1)))
			b = append(b, bytes.Repeat([]byte{0}, 64)...)
			if _, err := Parse(b, KeyOf(private(1)), c.ChainID); !errors.Is(err, ErrForm) {
				t.Errorf("%s: parsed, %v", name, err)
			}
		}
	}
	good, err := sample().Sign(private(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(good, KeyOf(private(2)), chain); !errors.Is(err, ErrOther) {
		t.Errorf("another witness's: %v", err)
	}
	if _, err := Parse(good, KeyOf(private(1)), chain+1); !errors.Is(err, ErrOther) {
		t.Errorf("another chain's: %v", err)
	}
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1
		if c, err := Parse(bad, KeyOf(private(1)), chain); err == nil {
			t.Errorf("byte %d altered: %+v", i, c)
		}
		if c, err := Parse(good[:i], KeyOf(private(1)), chain); err == nil {
			t.Errorf("cut at %d: %+v", i, c)
		}
	}
	if _, err := Parse(append(bytes.Clone(good), 0), KeyOf(private(1)), chain); !errors.Is(err, ErrForm) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestKey(t *testing.T) {
	k := KeyOf(private(1))
	if got, err := ParseKey(k.String()); err != nil || got != k {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"", k.String()[1:], strings.ToUpper(k.String()), "0x" + k.String(), k.String() + "00"} {
		if got, err := ParseKey(bad); !errors.Is(err, ErrKey) || got != (Key{}) {
			t.Errorf("%q: %v, %v", bad, got, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	good, err := sample().Sign(private(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:checkpointHead])
	f.Add([]byte(checkpointMagic))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := Parse(b, KeyOf(private(1)), chain)
		if err != nil {
			if !errors.Is(err, ErrForm) && !errors.Is(err, ErrOther) && !errors.Is(err, ErrSignature) {
				t.Fatalf("untyped error %v", err)
			}
			return
		}
		if again, err := c.Sign(private(1)); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
	})
}
