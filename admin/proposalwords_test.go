package admin

import (
	"math"
	"testing"
	"time"

	"dpki/state"
)

// A limit that leaves the length alone is no negative length to who signs it.
func TestLimitWords(t *testing.T) {
	for longest, want := range map[uint64]string{
		3600:                                  "limit of GRANT_PRIV: 1h0m0s at most, 2 approvals",
		state.Never:                           "limit of GRANT_PRIV: of any length, 2 approvals",
		math.MaxInt64/uint64(time.Second) + 1: "limit of GRANT_PRIV: of any length, 2 approvals",
		math.MaxUint64:                        "limit of GRANT_PRIV: of any length, 2 approvals",
	} {
		if got := limitWords(state.Limit{Kind: state.KindGrantPriv, Approvals: 2, Longest: longest}); got != want {
			t.Errorf("%d seconds: %q, want %q", longest, got, want)
		}
	}
}
