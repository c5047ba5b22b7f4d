package admin

import (
	"testing"

	"dpki/bundle"
	"dpki/state"
)

// Who has seen a person's request could ask to be a device with his mailbox, and
// one of his name would be given what is his.
func TestNoDeviceIsAPerson(t *testing.T) {
	p := &enrolling{people: map[state.Word]string{{1}: "tess"}, persons: map[string]bool{"tess": true}}
	for name, test := range map[string]struct {
		m       bundle.RosterMember
		refused bool
	}{
		"his mailbox":       {bundle.RosterMember{Name: "gate-7", Device: state.Word{1}}, true},
		"his name":          {bundle.RosterMember{Name: "tess", Device: state.Word{2}}, true},
		"a device's of its": {bundle.RosterMember{Name: "gate-7", Device: state.Word{2}}, false},
	} {
		if err := p.noPerson(test.m); (err != nil) != test.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An organisation in which somebody has slipped a second gate-7 is not adopted as
// it is: nobody could tell which is which.
func TestNobodyIsAdoptedTwice(t *testing.T) {
	own := []bundle.RosterMember{{Name: "gate-7", Device: state.Word{1}}, {Name: "gate-8", Device: state.Word{2}}}
	if got := namedTwice(own); got != "" {
		t.Errorf("%s is there twice", got)
	}
	if got := namedTwice(append(own, bundle.RosterMember{Name: "gate-7", Device: state.Word{3}})); got != "gate-7" {
		t.Errorf("twice: %q", got)
	}
}
