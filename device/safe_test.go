package device_test

import (
	"math"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/contracts"
	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness/follower"
	"dpki/state"
)

// An organisation may ask for a kind to count at `safe` only: its grants wait for
// that, revocations and other kinds do not.
func TestKindsThatWaitForSafe(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, devchain.Options{BlockTime: time.Second, HoldBack: math.MaxInt32}, nil)
	before, other := r.Granted("alice", time.Hour), r.Granted("root", time.Hour)
	r.Allowed("without such a policy", "alice", before.Cert)
	policy := state.Policy{SafeKinds: state.KindMask{}.With(state.KindGrant)}
	payload, err := policy.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	r.Org.Write(r.Org.Anchor.Org, contracts.Change{Action: state.ActionPut, Kind: state.KindPolicy, Until: state.Never, Subject: state.Word{7}, Data: payload})
	r.Eventually(func(device.Status) bool {
		return r.Engine.View().State.Policy(r.Engine.View().Time.Block).SafeKinds.Has(state.KindGrant)
	})
	r.Refused("a kind that waits", "alice", before.Cert, authkeys.GrantNotSafe)
	r.Allowed("a kind that does not", "root", other.Cert)
	r.Org.Chain.HoldBack(0)
	r.Eventually(func(s device.Status) bool { return s.Safe+3 >= s.Block && s.Grants == 2 })
	r.Allowed("safe", "alice", before.Cert)
	r.Org.Chain.HoldBack(math.MaxInt32)
	r.Org.Revoke(r.Mailbox, before.Grant)
	r.Eventually(func(s device.Status) bool { return s.Grants == 1 })
	r.Refused("a revocation does not wait", "alice", before.Cert, authkeys.GrantRevoked)
}
