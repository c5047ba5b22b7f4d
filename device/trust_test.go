package device

import (
	"errors"
	"testing"

	"dpki/registry/verify"
)

func TestTrust(t *testing.T) {
	for want, s := range map[string]Status{
		"one, which is fully trusted":                                                                           {Agree: 1, Endpoints: 1},
		"3: whichever answers first is fully trusted":                                                           {Agree: 1, Endpoints: 3},
		"1: whichever answers first is fully trusted (a mirror is one more)":                                    {Agree: 1, Endpoints: 1, Mirrors: 1},
		"2 of 3 must agree":                                                                                     {Agree: 2, Endpoints: 3},
		"2 of 1 must agree (all 2 mirrors together are one more)":                                               {Agree: 2, Endpoints: 1, Mirrors: 2},
		"any one of 1 is believed, for what 2 of 3 witnesses have signed":                                       {Agree: 1, Endpoints: 1, Signed: 2, Witnesses: 3},
		"2 of 3 must agree, for what 1 of 1 witnesses have signed":                                              {Agree: 2, Endpoints: 3, Signed: 1, Witnesses: 1},
		"any one of 2 is believed (all 2 mirrors together are one more), for what 1 of 2 witnesses have signed": {Agree: 1, Endpoints: 2, Mirrors: 2, Signed: 1, Witnesses: 2},
	} {
		if got := s.Trust(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if s.TrustsOne() != (s.Agree == 1 && s.Signed == 0) {
			t.Errorf("%s: TrustsOne %v", want, s.TrustsOne())
		}
	}
}

func TestHealth(t *testing.T) {
	got := healthOf([]verify.Health{{Name: "a", Looks: 3}, {Name: "b", Lies: 2, Missed: 1, Last: errors.New("one\ntwo")}})
	if len(got) != 2 || got[0] != (EndpointHealth{Name: "a", OK: true, Looks: 3}) || got[1] != (EndpointHealth{Name: "b", Lies: 2, Missed: 1, Problem: "one; two"}) {
		t.Errorf("%+v", got)
	}
}
