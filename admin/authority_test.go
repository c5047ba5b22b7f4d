package admin

import (
	"testing"

	"dpki/contracts"
	"dpki/state"
)

func TestAllowed(t *testing.T) {
	org, zone, salt := state.Word{1}, state.Word{2}, state.Word{3}
	mailbox := state.MailboxID(zone, salt)
	grants := state.KindMask{}.With(state.KindGrant)
	root := state.RootAdmin(state.Address{1}, org, state.Word{})
	zoned := state.Admin{Power: zone, PutMask: grants, RevokeMask: grants}
	boxed := state.Admin{Power: mailbox, PutMask: grants}
	change := func(a state.Action, k state.Kind) []contracts.Change { return []contracts.Change{{Action: a, Kind: k}} }
	for name, c := range map[string]struct {
		admin state.Admin
		group contracts.Group
		want  bool
	}{
		"root everywhere":            {root, contracts.Group{Scope: mailbox, Changes: change(state.ActionPut, state.KindGrantPriv)}, true},
		"zone, its own scope":        {zoned, contracts.Group{Scope: zone, Changes: change(state.ActionPut, state.KindGrant)}, true},
		"zone, its mailbox":          {zoned, contracts.Group{Scope: mailbox, Salt: salt, Changes: change(state.ActionPut, state.KindGrant)}, true},
		"zone, mailbox without salt": {zoned, contracts.Group{Scope: mailbox, Changes: change(state.ActionPut, state.KindGrant)}, false},
		"zone, other zone":           {zoned, contracts.Group{Scope: state.Word{9}, Changes: change(state.ActionPut, state.KindGrant)}, false},
		"zone, organisation":         {zoned, contracts.Group{Scope: org, Changes: change(state.ActionPut, state.KindGrant)}, false},
		"zone, kind not in mask":     {zoned, contracts.Group{Scope: zone, Changes: change(state.ActionPut, state.KindGrantPriv)}, false},
		"zone, revoke":               {zoned, contracts.Group{Scope: zone, Changes: change(state.ActionRevoke, state.KindGrant)}, true},
		"mailbox, put":               {boxed, contracts.Group{Scope: mailbox, Changes: change(state.ActionPut, state.KindGrant)}, true},
		"mailbox, revoke not given":  {boxed, contracts.Group{Scope: mailbox, Changes: change(state.ActionRevoke, state.KindGrant)}, false},
		"nobody":                     {state.Admin{}, contracts.Group{Scope: zone, Changes: change(state.ActionPut, state.KindGrant)}, false},
	} {
		if got := allowed(org, c.admin, []contracts.Group{c.group}); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
