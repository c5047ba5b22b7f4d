package fault

import (
	"errors"
	"strings"
	"testing"

	"dpki/contracts"
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
		err := Chain(registry.ErrNoCode, network.File{Contract: contract})
		var p *Problem
		if !errors.As(err, &p) || !strings.Contains(p.Text, contract.String()) || !strings.Contains(p.Hint, want) {
			t.Errorf("%v: hint %+v, want %q", contract, err, want)
		}
	}
}
