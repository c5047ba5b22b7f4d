package admin

import (
	"errors"
	"strings"
	"testing"

	"dpki/bundle"
	"dpki/internal/anchor"
	"dpki/state"
)

func TestSuggest(t *testing.T) {
	for _, c := range []struct {
		name  string
		names []string
		want  string
	}{
		{"gate-6", []string{"gate-8", "gate-7", "gate-7", "office"}, "did you mean gate-7 or gate-8?"},
		{"offce", []string{"gate-7", "office"}, "did you mean office?"},
		{"x", []string{"gate-7", "office"}, "there is gate-7, office"},
		{"zzzzzzzz", strings.Fields("a b c d e f g h i"), "there are 9; dpki device list shows them"},
	} {
		if got := suggest(c.name, c.names); got != c.want {
			t.Errorf("suggest(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestIsPrefix(t *testing.T) {
	id := state.Word{0xab, 0xcd, 0xef}
	for text, want := range map[string]bool{
		"abcdef": true, "abcdef00": true, id.String(): true, "abcde": false, "": false, "abcdee": false, "ABCDEF": false, id.String() + "0": false,
	} {
		if got := isPrefix(text, id); got != want {
			t.Errorf("isPrefix(%q) = %v, want %v", text, got, want)
		}
	}
}

func TestParseAnchor(t *testing.T) {
	a := anchor.Anchor{Registry: state.Registry{ChainID: 1, Contract: state.Address{1}}, Org: state.Word{2}}
	if got, err := ParseAnchor(" " + a.String() + "\n"); err != nil || got != a {
		t.Errorf("%v, %v", got, err)
	}
	_, err := ParseAnchor(a.String() + "0")
	var p *Problem
	if !errors.As(err, &p) || p.Class != Usage || !errors.Is(err, anchor.ErrChecksum) {
		t.Errorf("a wrong anchor: %v", err)
	}
}

func TestFingerprint(t *testing.T) {
	key := state.Word{1, 2, 3}
	got, ok := parseFingerprint(fingerprintText(key))
	if !ok || got != key {
		t.Errorf("round trip: %v, %v", got, ok)
	}
	for _, s := range []string{"", "SHA256:", "MD5:aa:bb", fingerprintText(key) + "=", fingerprintText(key)[:20], strings.ToLower(fingerprintText(key))} {
		if _, ok := parseFingerprint(s); ok && s != fingerprintText(key) {
			t.Errorf("parseFingerprint(%q) accepts", s)
		}
	}
}

// An administrator is told of the organisation's keys as long as his account has
// power there, and nobody is who has none.
func TestToldOfTheOrganisationsKeys(t *testing.T) {
	org, account := state.Word{1}, state.Address{0xca}
	root, zonal := state.Admin{Account: account, Power: org}, state.Admin{Account: account, Power: state.Word{2}}
	me, him := recipient(t), recipient(t)
	for name, c := range map[string]struct {
		member bundle.RosterMember
		live   []state.Admin
		want   bool
	}{
		"with power":            {bundle.RosterMember{Zone: org, Account: account.String(), Recipient: him}, []state.Admin{root}, true},
		"revoked":               {bundle.RosterMember{Zone: org, Account: account.String(), Recipient: him}, nil, false},
		"another's power":       {bundle.RosterMember{Zone: org, Account: state.Address{1}.String(), Recipient: him}, []state.Admin{root}, false},
		"power in a zone alone": {bundle.RosterMember{Zone: org, Account: account.String(), Recipient: him}, []state.Admin{zonal}, false},
		"who writes":            {bundle.RosterMember{Zone: org, Account: account.String(), Recipient: me}, nil, true},
		"no account is known":   {bundle.RosterMember{Zone: org, Recipient: him}, nil, true},
	} {
		if got := told(c.member, me, c.live); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
