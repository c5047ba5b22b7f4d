package admin

import (
	"strings"
	"testing"

	"dpki/bundle"
	"dpki/state"
)

// An account is shown with what the rosters call it, and its address always stands
// first. Other administrators write rosters: one that calls the thief's account by a
// colleague's name, in a later roster or by another's line, does not hide whose it is.
func TestAttackNamesOfAccounts(t *testing.T) {
	account := func(n byte) string { return state.Address{19: n}.String() }
	member := func(name, key string, n byte) bundle.RosterMember {
		m := bundle.RosterMember{Name: name, SigningKey: key}
		if n != 0 {
			m.Account = account(n)
		}
		return m
	}
	alice, bob, mallory := member("alice", "A", 0xa), member("bob", "B", 0xb), member("mallory", "M", 0xe)
	known := []bundle.RosterMember{alice, bob, mallory}
	for name, row := range map[string]struct {
		later []bundle.RosterMember
		want  map[byte]string // what stands beside an address
	}{
		"as they are":              {nil, map[byte]string{0xa: " (alice)", 0xb: " (bob)", 0xe: " (mallory)", 0xf: ""}},
		"said again":               {known, map[byte]string{0xb: " (bob)", 0xe: " (mallory)"}},
		"another machine of bob's": {[]bundle.RosterMember{member("bob", "B2", 0xb)}, map[byte]string{0xb: " (bob)"}},
		"bob as a person too":      {[]bundle.RosterMember{member("bob", "B", 0)}, map[byte]string{0xb: " (bob)"}},
		"the thief is called bob": {[]bundle.RosterMember{member("bob", "M", 0xe)},
			map[byte]string{0xe: " (mallory or bob; another is called bob too)", 0xb: " (bob; another is called bob too)"}},
		"bob's line has the thief's account": {[]bundle.RosterMember{member("bob", "B", 0xe)},
			map[byte]string{0xe: " (mallory or bob; another is called bob too)", 0xb: " (bob; another is called bob too)"}},
		"a new account is called bob": {[]bundle.RosterMember{member("bob", "X", 0xf)},
			map[byte]string{0xf: " (bob; another is called bob too)", 0xb: " (bob; another is called bob too)"}},
		"bob's account is called mallory": {[]bundle.RosterMember{member("mallory", "M", 0xb)},
			map[byte]string{0xb: " (bob or mallory; another is called mallory too)", 0xa: " (alice)"}},
		"a person without an account": {[]bundle.RosterMember{member("tess", "T", 0), member("tess", "X", 0xf)},
			map[byte]string{0xf: " (tess; another is called tess too)"}},
		"like an address":     {[]bundle.RosterMember{member(account(0xb), "X", 0xf)}, map[byte]string{0xf: "", 0xb: " (bob)"}},
		"like the form":       {[]bundle.RosterMember{member("bob) "+account(0xb)+" (bob", "X", 0xf)}, map[byte]string{0xf: ""}},
		"a control character": {[]bundle.RosterMember{member("bob\x1b[2K\r", "X", 0xf)}, map[byte]string{0xf: ""}},
		"very many": {[]bundle.RosterMember{member("b1", "X", 0xf), member("b2", "X", 0xf), member("b3", "X", 0xf), member("b4", "X", 0xf), member("b5", "X", 0xf)},
			map[byte]string{0xf: " (b1 or b2 or b3 and 2 more)"}},
	} {
		d := New(Config{})
		d.called.note(&bundle.Roster{People: known})
		d.called.note(&bundle.Roster{People: row.later})
		for n, want := range row.want {
			if got := d.Shown(account(n)); got != account(n)+want {
				t.Errorf("%s: %s, want %s", name, got, account(n)+want)
			}
		}
	}
}

// Who signs reads the names of his own roster beside every address.
func TestNamesInProposals(t *testing.T) {
	d, _ := newDesk(t)
	carol := state.Address{0xca}
	d.called.note(&bundle.Roster{People: []bundle.RosterMember{{Name: "carol", SigningKey: "C", Account: carol.String()}}})
	shown := carol.String() + " (carol)"
	for what, text := range map[string]string{
		"administrator": d.adminWords(state.Admin{Account: carol, Power: d.Anchor.Org}),
		"root":          d.adminWords(state.RootAdmin(carol, d.Anchor.Org, state.Word{})),
		"guardian":      d.guardianWords(state.Guardians{Accounts: []state.Address{carol, {0xcb}}, Needed: 1, Final: 1, Timelock: 3600}),
	} {
		if strings.Count(text, shown) != 1 || strings.Count(text, "carol") != 1 {
			t.Errorf("%s: %s", what, text)
		}
	}
	p := &bundle.Roster{People: []bundle.RosterMember{{Name: "carol", SigningKey: "X", Account: state.Address{0xee}.String()}}}
	d.called.note(p)
	if text := d.adminWords(state.Admin{Account: state.Address{0xee}, Power: d.Anchor.Org}); !strings.Contains(text, "(carol; another is called carol too)") {
		t.Error(text)
	}
}
