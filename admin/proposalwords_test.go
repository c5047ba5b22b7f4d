package admin

import (
	"math"
	"strings"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/state"
)

// A limit that leaves the length alone is no negative length to who signs it.
func TestLimitWords(t *testing.T) {
	for longest, want := range map[uint64]string{
		3600:                                  "limit of GRANT_PRIV: 1h at most, 2 approvals",
		state.Never:                           "limit of GRANT_PRIV: of any length, 2 approvals",
		math.MaxInt64/uint64(time.Second) + 1: "limit of GRANT_PRIV: of any length, 2 approvals",
		math.MaxUint64:                        "limit of GRANT_PRIV: of any length, 2 approvals",
	} {
		if got := limitWords(state.Limit{Kind: state.KindGrantPriv, Approvals: 2, Longest: longest}); got != want {
			t.Errorf("%d seconds: %q, want %q", longest, got, want)
		}
	}
}

// What the author of an entry may write as he likes is told apart from what the
// entry says: a label is no second fingerprint, and ends nothing.
func TestAttackLabels(t *testing.T) {
	lie := fingerprintText(state.Word{0xee})
	payload, err := state.CA{Key: state.Word{1}, Label: "ops " + lie}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	text, unseen := plainWords(state.KindCAUser, payload)
	if want := `CA "ops ` + lie + `" ` + fingerprintText(state.Word{1}); text != want || unseen != "" {
		t.Errorf("%s, %q; want %s", text, unseen, want)
	}
	payload, err = state.Grant{Account: "root", Key: state.Word{1}, Label: "x; allows nothing more", Flags: state.GrantSudo}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if text, _ := plainWords(state.KindGrant, payload); !strings.HasSuffix(text, `: "x; allows nothing more"; allows sudo`) {
		t.Error(text)
	}
}

// A name that two devices have does not say whose grant is approved.
func TestNamesakes(t *testing.T) {
	d, _ := newDesk(t)
	zone := state.Word{2}
	d.roster.Zones = []bundle.RosterZone{{Name: "plant", Zone: zone}}
	d.roster.Devices = []bundle.RosterMember{{Name: "gate-7", Zone: zone, Device: state.Word{7}}, {Name: "vault-1", Zone: zone, Device: state.Word{8}}}
	for _, scope := range []state.Word{{7}, {8}, zone, d.Anchor.Org} {
		if d.namesake(scope) {
			t.Errorf("%s is called like another", d.scopeName(scope))
		}
	}
	d.roster.Devices[1].Name = "gate-7"
	for _, scope := range []state.Word{{7}, {8}} {
		if !d.namesake(scope) {
			t.Errorf("both are called %s", d.scopeName(scope))
		}
	}
}
