package admin

import (
	"errors"
	"testing"
)

func TestExpect(t *testing.T) {
	one := Enrolment{Device: Device{Name: "gate-7", Fingerprint: "abcde-fghij-klmno-pqrst"}}
	two := Enrolment{Device: Device{Name: "gate-8", Fingerprint: "aaaaa-bbbbb-ccccc-ddddd"}}
	old := two
	old.Already = true
	for _, c := range []struct {
		name     string
		plan     []Enrolment
		expected []string
		want     bool
	}{
		{"as it is shown", []Enrolment{one}, []string{one.Fingerprint}, true},
		{"without dashes, in capitals", []Enrolment{one}, []string{"ABCDEFGHIJKLMNOPQRST"}, true},
		{"each of two", []Enrolment{one, two}, []string{two.Fingerprint, one.Fingerprint}, true},
		{"a device that was added before", []Enrolment{one, old}, []string{one.Fingerprint}, true},
		{"another", []Enrolment{one}, []string{two.Fingerprint}, false},
		{"one of two", []Enrolment{one, two}, []string{one.Fingerprint}, false},
		{"a part", []Enrolment{one}, []string{"abcde-fghij-klmno"}, false},
		{"empty", []Enrolment{one}, []string{""}, false},
		{"none", []Enrolment{one}, nil, false},
	} {
		err := Expect(c.plan, c.expected)
		var p *Problem
		if (err == nil) != c.want || err != nil && (!errors.As(err, &p) || p.Class != No) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
