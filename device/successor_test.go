package device

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"testing"

	"dpki/internal/network"
	"dpki/registry/witness"
	"dpki/state"
)

// What local root demands of endpoints on this chain it demands on the next, and
// witnesses, where only what they sign counts: who may announce a network file
// loosens neither.
func TestAttackLooserPlaces(t *testing.T) {
	here, to := state.Registry{ChainID: 1, Contract: state.Address{1}}, state.Registry{ChainID: 2, Contract: state.Address{1}}
	file := func(agree int, hosts ...string) network.File {
		return network.File{Name: "next", ChainID: to.ChainID, Contract: to.Contract, Agree: agree, FeeModel: network.EIP1559, Endpoints: hosts}
	}
	two := []string{"https://a.example", "https://b.example"}
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := witness.Key(public)
	signed, pinned := file(1, two...), witness.Set{Version: 1, Agree: 1, Keys: []witness.Key{key}}
	signed.Witnesses, signed.WitnessAgree, signed.WitnessVersion = []network.Witness{{Name: "w", Key: key}}, 1, 1
	for _, c := range []struct {
		what    string
		root    int
		pinned  witness.Set
		next    network.File
		agree   int
		refused error
	}{
		{"one was enough, and is", 1, witness.Set{}, file(1, two[0]), 1, nil},
		{"two must agree, and one is there", 2, witness.Set{}, file(1, two[0]), 0, network.ErrInvalid},
		{"two must agree, one would do", 2, witness.Set{}, file(1, two...), 2, nil},
		{"the organisation wants more", 1, witness.Set{}, file(2, two...), 2, nil},
		{"witnesses sign here, nobody there", 1, pinned, file(1, two...), 0, errNoWitnesses},
		{"witnesses were taken away here", 1, witness.Set{Version: 2}, file(1, two...), 1, nil},
		{"witnesses sign here and there", 1, pinned, signed, 1, nil},
		{"another chain's", 1, witness.Set{}, network.File{ChainID: 3}, 0, errNoPlaces},
	} {
		v := &View{Witnesses: c.pinned, Enrolment: &Enrolment{Places: &places{successor: c.next}}}
		n, _, err := placesFor(v, network.File{Agree: c.root}, here, to)
		if !errors.Is(err, c.refused) || err == nil && n.Agree != c.agree {
			t.Errorf("%s: %d must agree, %v", c.what, n.Agree, err)
		}
	}
}
