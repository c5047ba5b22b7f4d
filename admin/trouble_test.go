package admin

import (
	"errors"
	"strings"
	"testing"

	"dpki/contracts"
	"dpki/contracts/bindings"
	"dpki/internal/network"
	"dpki/registry"
	"dpki/state"
)

// A chain on which nobody has put the contract is told from one on which another
// contract is named.
func TestNoContract(t *testing.T) {
	for contract, want := range map[state.Address]string{
		contracts.Deterministic().Contract: "dpki network deploy",
		{1}:                                "dpki network show",
	} {
		err := chainProblem(registry.ErrNoCode, network.File{Contract: contract})
		var p *Problem
		if !errors.As(err, &p) || !strings.Contains(p.Text, contract.String()) || !strings.Contains(p.Hint, want) {
			t.Errorf("%v: hint %+v, want %q", contract, err, want)
		}
	}
}

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
