package contracts

import (
	"encoding/hex"
	"errors"
	"testing"

	"dpki/state"
)

func TestRefusal(t *testing.T) {
	e := newEVM(t)
	alice, mallory := state.Address{0xa1}, state.Address{0xbb}
	org := e.registry().OrganisationID(alice, word(1))
	e.must(alice, PackCreate(word(1)))
	root := state.RootAdmin(alice, org, word(1))
	stranger := state.RootAdmin(mallory, org, word(1))
	grant := Change{Action: state.ActionPut, Kind: state.KindGrant, From: 9, Until: 7, Subject: word(2)}
	for _, c := range []struct {
		admin state.Admin
		want  string
	}{
		{stranger, "the contract refused: NotAdmin(admin " + stranger.ID().String() + ")"},
		{root, "the contract refused: InvalidWindow(from 1970-01-01T00:00:09Z, until 1970-01-01T00:00:07Z)"},
	} {
		data, err := PackWrite(org, c.admin, []Group{{Scope: org, Changes: []Change{grant}}})
		if err != nil {
			t.Fatal(err)
		}
		r := e.send(c.admin.Account, &e.contract, data)
		refusal, ok := ParseRefusal(r.output)
		if !r.failed || !ok || refusal.Error() != c.want {
			t.Errorf("ParseRefusal(%x) = %v, %v, want %s", r.output, refusal, ok, c.want)
		}
	}
}

func TestPackRefusesWhatTheContractCannotHold(t *testing.T) {
	good := Change{Action: state.ActionPut, Kind: state.MaxKind, Until: state.Never, Data: make([]byte, state.MaxData)}
	bad := map[string]func(*Change){
		"kind":  func(c *Change) { c.Kind++ },
		"from":  func(c *Change) { c.From = state.Never + 1 },
		"until": func(c *Change) { c.Until++ },
		"data":  func(c *Change) { c.Data = append(c.Data, 0) },
	}
	for name, spoil := range bad {
		c := good
		spoil(&c)
		if _, err := PackWrite(word(1), state.Admin{}, []Group{{Changes: []Change{good, c}}}); !errors.Is(err, ErrChange) {
			t.Errorf("%s: PackWrite = %v, want ErrChange", name, err)
		}
	}
	if _, err := PackWrite(word(1), state.Admin{}, []Group{{Changes: []Change{good}}}); err != nil {
		t.Errorf("PackWrite = %v", err)
	}
	if _, err := PackWriteApproved(Proposal{Deadline: state.Never + 1}, nil); !errors.Is(err, ErrChange) {
		t.Errorf("PackWriteApproved = %v, want ErrChange", err)
	}
}

// FuzzParseRefusal: the data of a revert comes from an endpoint.
func FuzzParseRefusal(f *testing.F) {
	for _, seed := range []string{"", "ba963c12", "ba963c12" + word(1).String(), "08c379a0", "9b86885d" + word(0).String() + word(0).String()} {
		b, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if r, ok := ParseRefusal(data); ok && r.Error() == "" {
			t.Error("a refusal without a name")
		}
	})
}
