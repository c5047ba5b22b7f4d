package device

import (
	"testing"

	"dpki/authkeys"
)

func TestStatusDecides(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Status)
		want   bool
	}{
		"enrolled and fresh":                {func(*Status) {}, true},
		"stale":                             {func(s *Status) { s.Freshness = authkeys.Stale.String() }, true},
		"offline":                           {func(s *Status) { s.Freshness = authkeys.Offline.String() }, false},
		"not enrolled":                      {func(s *Status) { s.Enrolled = false }, false},
		"retired":                           {func(s *Status) { s.Retired = true }, false},
		"a restriction that cannot be read": {func(s *Status) { s.Unreadable = true }, false},
	} {
		s := Status{Enrolled: true, Freshness: authkeys.Fresh.String()}
		c.change(&s)
		if got := s.Decides(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
