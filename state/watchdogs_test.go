package state

import (
	"errors"
	"testing"
)

var dogs = []Word{{1}, {2}, {3}}

func demandOf(need uint8, keys ...Word) Policy {
	return Policy{Watchdogs: []Watchdogs{{Need: need, Purposes: 1 << 3, Keys: keys}}}
}

func TestWatchdogsPayload(t *testing.T) {
	var eight []Word
	for i := range byte(MaxWatchdogs) {
		eight = append(eight, Word{i})
	}
	full := Policy{Modes: 5, Offline: 1, Fresh: 2, SafeKinds: KindMask{}.With(1), Watchdogs: []Watchdogs{{Need: 8, Purposes: DeliveredPurposes, Keys: eight}}}
	for range 40 { // 200 bytes of accounts
		full.Privileged = append(full.Privileged, "a"+string(rune('a'+len(full.Privileged)/26))+string(rune('a'+len(full.Privileged)%26))+"d")
	}
	if b, err := full.Marshal(); err != nil {
		t.Errorf("everything at its longest: %d bytes, %v", len(b), err)
	}
	for name, w := range map[string]Watchdogs{
		"none needed":       {Need: 0, Purposes: 8, Keys: dogs},
		"more than are":     {Need: 4, Purposes: 8, Keys: dogs},
		"no purpose":        {Need: 1, Keys: dogs},
		"materials":         {Need: 1, Purposes: 1 << 1, Keys: dogs},
		"access requests":   {Need: 1, Purposes: 1 << 7, Keys: dogs},
		"one twice":         {Need: 1, Purposes: 8, Keys: []Word{{1}, {1}}},
		"not in order":      {Need: 1, Purposes: 8, Keys: []Word{{2}, {1}}},
		"nobody":            {Need: 1, Purposes: 8},
		"one more than fit": {Need: 1, Purposes: 8, Keys: append(eight[:8:8], Word{9})},
	} {
		if _, err := (Policy{Watchdogs: []Watchdogs{w}}).Marshal(); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := (Policy{Watchdogs: []Watchdogs{{Need: 1, Purposes: 8, Keys: dogs}, {Need: 2, Purposes: 8, Keys: dogs}}}).Marshal(); !errors.Is(err, ErrMalformed) {
		t.Errorf("two demands in one policy: %v", err)
	}
}

// Each demand is to be met: neither takes the other's place, nor does what comes
// back from a reorganisation.
func TestWatchdogsInForce(t *testing.T) {
	h := newHistory(t)
	s := &State{Scopes: testScopes, Confirmed: h.facts}
	want := func(what string, needs ...uint8) {
		t.Helper()
		got, known := s.Watchdogs(3, 1500)
		if !known || len(got) != len(needs) {
			t.Fatalf("%s: %+v, %v; want %v", what, got, known, needs)
		}
		for i, n := range needs {
			if got[i].Need != n {
				t.Errorf("%s: %+v, want %v", what, got, needs)
			}
		}
	}
	want("no policy")
	h.put(testScopes.Org, KindPolicy, Word{1}, demandOf(2, dogs...))
	want("the organisation's", 2)
	h.put(testScopes.Zone, KindPolicy, Word{2}, demandOf(1, dogs[0]))
	want("and the zone's", 2, 1)
	if got, known := s.OrganisationWatchdogs(3, 1500); !known || len(got) != 1 || got[0].Need != 2 {
		t.Errorf("the organisation's alone: %+v, %v", got, known)
	}
	if got, known := s.Watchdogs(4, 1500); !known || len(got) != 0 {
		t.Errorf("another purpose: %+v, %v", got, known)
	}
	h.put(testScopes.Zone, KindPolicy, Word{3}, demandOf(2, dogs...))
	want("the same twice", 2)
	h.put(testScopes.Zone, KindPolicy, Word{4}, Policy{Offline: 1})
	want("the zone demands nothing", 2)
	s.Sticky = newHistory(t).put(testScopes.Zone, KindPolicy, Word{5}, demandOf(3, dogs...)).facts
	want("what was dropped goes on", 2, 3)
	s.Sticky = nil
	h.apply(testScopes.Org, Entry{Action: ActionRevoke, Kind: KindPolicy, Subject: Word{1}})
	want("revoked")

	// What is unreadable demands what nobody knows, as long as it is in force.
	h.apply(testScopes.Zone, Entry{Action: ActionPut, Kind: KindPolicy, Subject: Word{6}, From: 1000, Until: 2000, Data: []byte("sealed")})
	if got, known := s.Watchdogs(3, 1500); known {
		t.Errorf("an unreadable policy: %+v", got)
	}
	if _, known := s.OrganisationWatchdogs(3, 1500); !known {
		t.Error("an unreadable policy of the zone hides the organisation's")
	}
	if _, known := s.Watchdogs(3, 2500); !known {
		t.Error("an unreadable policy that ended")
	}
	h.apply(testScopes.Zone, Entry{Action: ActionPut, Kind: KindDeny, Subject: Word{7}, From: 2000, Until: 3000, Data: []byte("sealed")})
	if _, known := s.Watchdogs(3, 2500); !known {
		t.Error("an unreadable denial is no policy")
	}
}
