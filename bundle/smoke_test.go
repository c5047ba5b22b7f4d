package bundle

import (
	"testing"

	"dpki/internal/anchor"
	"dpki/state"
)

func TestSealOpen(t *testing.T) {
	a := anchor.Anchor{Registry: state.Registry{ChainID: 1}, Org: state.Word{1}}
	r := NewRing(a)
	zone := state.Word{2}
	if err := r.Add(zone, 1, NewKey()); err != nil {
		t.Fatal(err)
	}
	s, err := r.Seal(Entry{Scope: zone, Kind: state.KindGrant, From: 1, Until: 2}, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Open(zone, &state.Entry{Kind: state.KindGrant, Subject: s.Subject, From: 1, Until: 2, Data: s.Data})
	if err != nil || string(got) != "hello" {
		t.Errorf("Open = %q, %v", got, err)
	}
}
