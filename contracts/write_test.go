package contracts

import (
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"dpki/contracts/code"
	"dpki/state"
)

func createAddress(from state.Address, nonce uint64) state.Address {
	return state.Address(crypto.CreateAddress(common.Address(from), nonce))
}

func word(b byte) (w state.Word) {
	for i := range w {
		w[i] = b
	}
	return w
}

func TestCodeHashIsThatOfTheRuntimeCode(t *testing.T) {
	if got, want := state.Word(code.Hash()), state.Keccak256(mustHex(runtimeHex)); got != want {
		t.Errorf("code.Hash() = %v, want %v", got, want)
	}
}

func TestDeterministicDeployment(t *testing.T) {
	d := Deterministic()
	if got, want := d.To.String(), "0x4e59b44847b379578588920ca78fbf26c0b4956c"; got != want {
		t.Errorf("To = %v, want %v", got, want)
	}
	want := crypto.CreateAddress2(common.Address(d.To), [32]byte{}, crypto.Keccak256(InitCode()))
	if got := common.Address(d.Contract); got != want {
		t.Errorf("Contract = %v, want %v", got, want)
	}
}

func TestCreateAndWrite(t *testing.T) {
	e := newEVM(t)
	alice := state.Address{0xa1}
	salt := word(7)
	r := e.must(alice, PackCreate(salt))
	org := e.registry().OrganisationID(alice, salt)
	if got := state.Word(r.output); got != org {
		t.Errorf("createOrganisation returned %v, want %v", got, org)
	}
	zone := state.ZoneID(org, word(9))
	data, err := PackWrite(org, state.RootAdmin(alice, org, salt), []Group{
		{Scope: zone, Changes: []Change{{Action: state.ActionPut, Kind: state.KindGrant, Until: e.time + 300, Subject: word(1), Data: []byte("sealed")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r = e.must(alice, data)
	if got := len(r.logs); got != 1 {
		t.Fatalf("%d logs, want 1", got)
	}
	topics := make([]state.Word, len(r.logs[0].Topics))
	for i, topic := range r.logs[0].Topics {
		topics[i] = state.Word(topic)
	}
	gotOrg, gotScope, entry, err := state.DecodeLog(topics, r.logs[0].Data, e.block)
	if err != nil || gotOrg != org || gotScope != zone {
		t.Fatalf("DecodeLog = %v, %v, %v", gotOrg, gotScope, err)
	}
	if string(entry.Data) != "sealed" || entry.Kind != state.KindGrant || entry.Authors[0] != alice {
		t.Errorf("entry = %+v", entry)
	}
	h, err := abi.UnpackHashOf(e.must(alice, abi.PackHashOf(org, zone)).output)
	if err != nil {
		t.Fatal(err)
	}
	if want := state.Next(e.registry().H0(org, zone), entry); state.Word(h) != want {
		t.Errorf("hashOf = %x, want %v", h, want)
	}
}
