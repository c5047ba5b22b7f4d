package network

import (
	"bytes"
	"crypto/ed25519"
	"reflect"
	"testing"

	"dpki/registry/witness"
)

func key(n byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
}

// The set does not depend on the order of the file; a rotation crosses the file.
func TestWitnesses(t *testing.T) {
	f, err := Parse([]byte(good))
	if err != nil {
		t.Fatal(err)
	}
	one := f.WitnessSet()
	if one.Keys[0] != witness.KeyOf(key(2)) || one.Keys[1] != witness.KeyOf(key(1)) || one.Agree != 1 || one.Version != 1 {
		t.Fatalf("set %+v", one)
	}
	f.Witnesses[0], f.Witnesses[1] = f.Witnesses[1], f.Witnesses[0]
	if !f.WitnessSet().Equal(one) {
		t.Error("the set depends on the order")
	}

	next := f
	next.WitnessVersion, next.WitnessAgree, next.Witnesses = 2, 0, nil
	r, err := witness.NewRotation("anchor", one, next.WitnessSet())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Sign(key(1)); err != nil {
		t.Fatal(err)
	}
	next.Rotations = []*witness.Rotation{r}
	text, err := next.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text)
	if err != nil || !reflect.DeepEqual(again, next) {
		t.Fatalf("got %+v, %v, want %+v", again, err, next)
	}
	if set, err := one.Follow(again.WitnessSet(), again.Rotations, "anchor"); err != nil || set.Version != 2 {
		t.Errorf("got %+v, %v", set, err)
	}
}
