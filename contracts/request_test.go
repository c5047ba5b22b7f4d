package contracts

import (
	"testing"

	"dpki/state"
)

// An administrator with nothing but REQUEST in his mask, as those are made who may
// ask and not grant, does nothing else: not one action on one kind, in no scope.
// What he may do is the twin.
func TestWhoMayOnlyAsk(t *testing.T) {
	e := newEVM(t)
	alice, bob := state.Address{0xa1}, state.Address{0xb0}
	e.must(alice, PackCreate(subject(1)))
	org := e.registry().OrganisationID(alice, subject(1))
	zone := state.ZoneID(org, subject(2))
	mailbox := state.MailboxID(zone, subject(3))
	asks := state.Admin{Account: bob, Power: zone, PutMask: state.KindMask{}.With(state.KindRequest), Salt: subject(4)}
	data, err := PackWrite(org, state.RootAdmin(alice, org, subject(1)), []Group{{Scope: org, Changes: []Change{
		{Action: state.ActionPut, Kind: state.KindAdmin, Until: e.time + 1e8, Subject: asks.ID(), Data: asks.Marshal()},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	e.must(alice, data)
	n := uint64(100)
	for _, g := range []struct {
		scope, salt state.Word
		reach       bool
	}{{org, state.Word{}, false}, {zone, state.Word{}, true}, {mailbox, subject(3), true}} {
		for action := state.ActionPut; action <= state.ActionComplete; action++ {
			for kind := range state.MaxKind + 1 {
				n++
				c := Change{Action: action, Kind: kind, Subject: subject(n)}
				if action == state.ActionPut {
					c.Until, c.Data = e.time+300, sealed(n)
				}
				data, err := PackWrite(org, asks, []Group{{Scope: g.scope, Salt: g.salt, Changes: []Change{c}}})
				if err != nil {
					t.Fatal(err)
				}
				r := e.send(bob, &e.contract, data)
				if may := g.reach && action == state.ActionPut && kind == state.KindRequest; r.failed == may {
					t.Errorf("action %d on %s in %s: failed %v, want %v", action, kind, g.scope, r.failed, !may)
				}
			}
		}
	}
}
