package admin

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/anchor"
	"dpki/state"
)

func aProposal(t testing.TB) *Proposal {
	t.Helper()
	a := anchor.Anchor{Registry: state.Registry{ChainID: 31337, Contract: state.Address{7}}, Org: state.Word{9}}
	p := &Proposal{Anchor: a, Proposal: contracts.Proposal{Org: a.Org, Epoch: 3, Nonce: state.Word{1}, Deadline: 2e9, Groups: []contracts.Group{{
		Scope: state.Word{5}, Salt: state.Word{6}, Changes: []contracts.Change{
			{Action: state.ActionPut, Kind: state.KindGrantPriv, From: 1, Until: 2e9, Subject: state.Word{2}, Data: []byte("sealed")},
			{Action: state.ActionRevoke, Kind: state.KindGrant, Subject: state.Word{3}},
		}}}}, Open: []Disclosure{{state.Word{2}, bundle.NewKey()}}}
	for range 2 {
		key, err := crypto.GenerateKey()
		if err != nil {
			t.Fatal(err)
		}
		digest, err := p.Digest(a.Registry)
		if err != nil {
			t.Fatal(err)
		}
		signature, err := crypto.Sign(digest[:], key)
		if err != nil {
			t.Fatal(err)
		}
		signature[64] += 27
		if err := p.add(SignedBy{state.Address(crypto.PubkeyToAddress(key.PublicKey)), signature}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func proposalText(t testing.TB, p *Proposal) []byte {
	t.Helper()
	text, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestProposalFile(t *testing.T) {
	p := aProposal(t)
	text := proposalText(t, p)
	got, err := ParseProposal(text)
	if err != nil || !bytes.Equal(proposalText(t, got), text) {
		t.Fatalf("the same again: %v", err)
	}
	for name, altered := range map[string]string{
		"a field twice":       strings.Replace(string(text), `"epoch": 3,`, `"epoch": 3,`+"\n"+` "epoch": 3,`, 1),
		"an unknown field":    strings.Replace(string(text), `"epoch": 3,`, `"epoch": 3,`+"\n"+` "extra": 3,`, 1),
		"a field in capitals": strings.Replace(string(text), `"epoch"`, `"Epoch"`, 1),
		"a field left out":    strings.Replace(string(text), ` "epoch": 3,`+"\n", "", 1),
		"another version":     strings.Replace(string(text), `"version": 1`, `"version": 2`, 1),
		"something after it":  string(text) + "{}",
		"no end of line":      strings.TrimSuffix(string(text), "\n"),
		"too long":            string(text) + strings.Repeat(" ", MaxProposal),
	} {
		if altered == string(text) {
			t.Fatalf("%s: nothing was altered", name)
		}
		if _, err := ParseProposal([]byte(altered)); err == nil {
			t.Errorf("%s was read", name)
		}
	}
}

// A signature is taken only over what stands in the file, and of the account that
// it is said to be of.
func TestAttackProposalSignature(t *testing.T) {
	p := aProposal(t)
	first, second := p.Signed[0], p.Signed[1]
	p.Signed = nil
	var refused *Problem
	if err := p.add(SignedBy{first.Account, second.Signature}); !errors.As(err, &refused) {
		t.Errorf("somebody else's: %v", err)
	}
	p.Groups[0].Changes[0].Until++
	if err := p.add(first); !errors.As(err, &refused) {
		t.Errorf("over something else: %v", err)
	}
	p.Groups[0].Changes[0].Until--
	if err := p.add(first); err != nil {
		t.Errorf("twin: %v", err)
	}
	other := aProposal(t)
	other.Deadline++
	if err := p.Unite(other); !errors.As(err, &refused) {
		t.Errorf("united with another proposal: %v", err)
	}
	again := *p
	again.Signed = []SignedBy{second}
	if err := p.Unite(&again); err != nil || len(p.Signed) != 2 {
		t.Errorf("twin: %v, %d signatures", err, len(p.Signed))
	}
}

func FuzzProposal(f *testing.F) {
	p := aProposal(f)
	f.Add(proposalText(f, p))
	p.Guarded, p.Open, p.Signed = true, nil, nil
	p.Groups = []contracts.Group{{Scope: p.Org, Changes: []contracts.Change{contracts.Freeze(2e9)}}}
	f.Add(proposalText(f, p))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := ParseProposal(b)
		if err == nil && !bytes.Equal(proposalText(t, p), b) {
			t.Errorf("another spelling was read: %q", b)
		}
	})
}
