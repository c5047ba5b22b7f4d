package admin

import (
	"math/big"
	"testing"

	"dpki/state"
)

func TestEther(t *testing.T) {
	for wei, want := range map[string]string{
		"0": "0", "1": "0.000000000000000001", "1000000000000000000": "1", "1500000000000000000": "1.5", "120000000000000000000": "120",
	} {
		v, _ := new(big.Int).SetString(wei, 10)
		if got := Ether(v); got != want {
			t.Errorf("Ether(%s) = %s, want %s", wei, got, want)
		}
	}
	if got := Ether(nil); got != "0" {
		t.Errorf("Ether(nil) = %s", got)
	}
}

func TestTime(t *testing.T) {
	for in, want := range map[Time]string{0: "1970-01-01T00:00:00Z", 1763835000: "2025-11-22T18:10:00Z", Time(state.Never): "never"} {
		if got := in.String(); got != want {
			t.Errorf("Time(%d) = %s, want %s", in, got, want)
		}
	}
}
