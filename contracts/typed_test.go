package contracts

import (
	"encoding/json"
	"testing"

	"github.com/ethereum/go-ethereum/signer/core/apitypes"

	"dpki/state"
)

// TestTypedData hashes what an external signer is given, by go-ethereum's own
// implementation of EIP-712.
func TestTypedData(t *testing.T) {
	registry := state.Registry{ChainID: 1135, Contract: state.Address{0xc0, 19: 1}}
	p := Proposal{Org: subject(1), Epoch: 3, Nonce: subject(2), Deadline: 1767225600, Groups: []Group{
		{Scope: subject(1), Changes: []Change{Freeze(1767225600)}},
		{Scope: subject(3), Salt: subject(4), Changes: []Change{{Action: state.ActionRevoke, Kind: state.KindGrant, Subject: subject(5)}}},
		{Scope: subject(6)},
	}}
	for groups := range len(p.Groups) + 1 {
		q := p
		q.Groups = p.Groups[:groups]
		text, err := q.TypedData(registry)
		if err != nil {
			t.Fatal(err)
		}
		var typed apitypes.TypedData
		if err := json.Unmarshal(text, &typed); err != nil {
			t.Fatal(err)
		}
		got, _, err := apitypes.TypedDataAndHash(typed)
		if err != nil {
			t.Fatal(err)
		}
		want, err := q.Digest(registry)
		if err != nil || state.Word(got) != want {
			t.Errorf("%d groups: typed data hashes to %x, Digest = %v, %v", groups, got, want, err)
		}
	}
	p.Groups[0].Changes[0].Until = state.Never + 1
	if _, err := p.TypedData(registry); err == nil {
		t.Error("a change that the contract cannot hold")
	}
}
