package admin

import (
	"testing"

	"dpki/contracts/bindings"
)

// Each error of the contract's ABI has a hint of its own, and each hint its error.
func TestEveryRefusalHasAHint(t *testing.T) {
	abi, err := bindings.DPKIMetaData.ParseABI()
	if err != nil {
		t.Fatal(err)
	}
	for name := range abi.Errors {
		if refusalHints[name] == "" {
			t.Errorf("error %s of the contract has no hint", name)
		}
	}
	for name := range refusalHints {
		if _, ok := abi.Errors[name]; !ok {
			t.Errorf("hint for %s, which the contract does not know", name)
		}
	}
	if len(abi.Errors) < 30 || refusalHint("OfANewerContract") == "" {
		t.Errorf("%d errors", len(abi.Errors))
	}
}
