package network

import (
	"errors"
	"reflect"
	"testing"

	"dpki/state"
)

// A preset is a network file as any other: it can be printed, altered and read
// again. No one operator's endpoints decide.
func TestPresets(t *testing.T) {
	chains := map[string]uint64{"lisk": 1135, "lisk-sepolia": 4202}
	contract := state.Address{1, 2, 3}
	if got := Presets(); len(got) != len(chains) {
		t.Errorf("presets %v", got)
	}
	for _, name := range Presets() {
		f, ok, err := Preset(name, contract)
		if err != nil || !ok || f.Name != name || f.ChainID != chains[name] || f.Contract != contract || f.Agree < 2 || len(f.Endpoints) <= f.Agree {
			t.Errorf("%s: %+v, %v, %v", name, f, ok, err)
		}
		text, err := f.Marshal()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Parse(text); err != nil || !reflect.DeepEqual(again, f) {
			t.Errorf("%s: %+v, %v", name, again, err)
		}
	}
	for _, name := range []string{"", "none", "../network", "lisk.toml", "lisk/"} {
		if f, ok, err := Preset(name, contract); ok || err != nil || f.Name != "" {
			t.Errorf("%q: %+v, %v, %v", name, f, ok, err)
		}
	}
	if _, ok, err := Preset("lisk", state.Address{}); !ok || !errors.Is(err, ErrInvalid) {
		t.Errorf("without a contract: %v, %v", ok, err)
	}
}
