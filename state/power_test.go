package state

import "testing"

// Who may set the organisation's policy, and with whom.
func TestMayPolicy(t *testing.T) {
	org, policy := testScopes.Org, KindMask{}.With(KindPolicy).With(KindBatch)
	root := RootAdmin(good, org, Word{5})
	admin := func(account Address, power Word, mask KindMask) Admin {
		return Admin{Account: account, Power: power, PutMask: mask, Salt: Word{6}}
	}
	enter := func(h *history, scope Word, a Admin) {
		h.apply(scope, Entry{Action: ActionPut, Kind: KindAdmin, Subject: a.ID(), From: 1000, Until: 2000, Data: a.Marshal()})
	}
	limit := func(n uint8) func(*history) {
		return func(h *history) {
			h.apply(org, Entry{Action: ActionPut, Kind: KindLimit, Subject: Word{n}, From: 0, Until: Never, Data: Limit{Kind: KindPolicy, Approvals: n, Longest: 1}.Marshal()})
		}
	}
	for _, row := range []struct {
		name    string
		admins  []Admin
		scope   Word
		more    func(*history)
		authors []Address
		at      uint64
		want    bool
	}{
		{"root", []Admin{root}, org, nil, []Address{good}, 1500, true},
		{"policy and batches", []Admin{admin(bad, org, policy)}, org, nil, []Address{bad}, 1500, true},
		{"nobody", []Admin{root}, org, nil, nil, 1500, false},
		{"somebody else", []Admin{root}, org, nil, []Address{bad}, 1500, false},
		{"batches alone", []Admin{admin(bad, org, KindMask{}.With(KindBatch))}, org, nil, []Address{bad}, 1500, false},
		{"policy of one zone", []Admin{admin(bad, testScopes.Zone, policy)}, org, nil, []Address{bad}, 1500, false},
		{"entered in a zone", []Admin{root}, testScopes.Zone, nil, []Address{good}, 1500, false},
		{"before its window", []Admin{root}, org, nil, []Address{good}, 999, false},
		{"after its window", []Admin{root}, org, nil, []Address{good}, 2000, false},
		{"revoked", []Admin{root}, org, func(h *history) { h.revoke(org, KindAdmin, root.ID(), good) }, []Address{good}, 1500, false},
		{"one where two are needed", []Admin{root}, org, limit(2), []Address{good}, 1500, false},
		{"one of two that sign has the power", []Admin{root}, org, limit(2), []Address{good, bad}, 1500, false},
		{"two where two are needed", []Admin{root, admin(bad, org, policy)}, org, limit(2), []Address{good, bad}, 1500, true},
		{"two were needed once", []Admin{root}, org, func(h *history) { limit(2)(h); limit(1)(h) }, []Address{good}, 1500, true},
	} {
		h := newHistory(t)
		for _, a := range row.admins {
			enter(h, row.scope, a)
		}
		if row.more != nil {
			row.more(h)
		}
		s := &State{Scopes: testScopes, Confirmed: h.facts}
		if got := s.MayPolicy(row.authors, row.at); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
	// A salt that does not give the subject is nobody's.
	h := newHistory(t).apply(org, Entry{Action: ActionPut, Kind: KindAdmin, Subject: Word{1}, From: 1000, Until: 2000, Data: root.Marshal()})
	if (&State{Scopes: testScopes, Confirmed: h.facts}).MayPolicy([]Address{good}, 1500) {
		t.Error("an administrator under another subject")
	}
}
