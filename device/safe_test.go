package device

import (
	"math"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/state"
)

// An organisation may ask for a kind to count at `safe` only: its grants wait for
// that, revocations and other kinds do not.
func TestKindsThatWaitForSafe(t *testing.T) {
	t.Parallel()
	r := enrolled(t, devchain.Options{BlockTime: time.Second, HoldBack: math.MaxInt32}, nil)
	before, other := r.granted("alice", time.Hour), r.granted("root", time.Hour)
	r.allowed("without such a policy", "alice", before.cert)
	policy := state.Policy{SafeKinds: state.KindMask{}.With(state.KindGrant)}
	payload, err := policy.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.org.Write(r.org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindPolicy, Until: state.Never, Subject: state.Word{7}, Data: payload})
	r.eventually(func(Status) bool {
		return r.engine.View().State.Policy(r.engine.View().Time.Block).SafeKinds.Has(state.KindGrant)
	})
	r.refused("a kind that waits", "alice", before.cert, authkeys.GrantNotSafe)
	r.allowed("a kind that does not", "root", other.cert)
	r.org.Chain.HoldBack(0)
	r.eventually(func(s Status) bool { return s.Safe+3 >= s.Block && s.Grants == 2 })
	r.allowed("safe", "alice", before.cert)
	r.org.Chain.HoldBack(math.MaxInt32)
	r.org.Revoke(r.mailbox, before.grant)
	r.eventually(func(s Status) bool { return s.Grants == 1 })
	r.refused("a revocation does not wait", "alice", before.cert, authkeys.GrantRevoked)
}
