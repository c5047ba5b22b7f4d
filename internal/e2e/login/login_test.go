package login

import (
	"slices"
	"testing"
	"time"

	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/state"
)

// Five minutes on a device: a grant lets exactly that certificate in at once,
// and its revocation ends that.
func TestGrantLogsInAndRevocationDoesNot(t *testing.T) {
	m := newRig(t)
	log := harness.StartSyslog(t)
	ca := m.Org.NewCA()
	key := m.Org.NewKey()
	grant := m.Org.Grant(m.ID, state.KindGrantPriv, "root", key.PublicKey(), 5*time.Minute)
	cert := m.Org.Certificate(ca, key.PublicKey(), grant)

	m.Accepted("with a grant", "root", key, cert)
	log.Wait(t, "would accept", harness.Patience)
	m.Refused("as another account", "alice", key, cert)
	m.Refused("without the certificate", "root", key, nil)

	other := m.Org.NewKey()
	m.Refused("by another key", "root", other, m.Org.Certificate(ca, other.PublicKey(), grant))
	log.Wait(t, "the grant is for another key", harness.Patience)

	m.Org.Revoke(m.ID, grant)
	harness.Eventually(t, harness.Patience, func() error {
		if got := m.Login("root", key, cert); got.Code == 0 {
			return errStillIn
		}
		return nil
	})
	log.Wait(t, "the grant is revoked", harness.Patience)

	// The twin: the same key, account and CA with a new grant.
	again := m.Org.Grant(m.ID, state.KindGrantPriv, "root", key.PublicKey(), 5*time.Minute)
	m.Accepted("with a new grant", "root", key, m.Org.Certificate(ca, key.PublicKey(), again))
}

// revocationBar is how long after its block a revocation may let logins in, in
// the gear watch. A test asserts five times that; what it measured it prints.
const revocationBar = time.Second

// With hints of an endpoint, a revocation's block ends logins within the second.
func TestRevocationReachesTheNextLogin(t *testing.T) {
	org := fleet.New(t, devchain.Options{BlockTime: time.Second})
	org.Network.Endpoints = []string{org.Chain.WS}
	m := newRigIn(t, org)
	ca := org.NewCA()
	var all []time.Duration
	for range 5 {
		key := org.NewKey()
		grant := org.Grant(m.ID, state.KindGrant, "alice", key.PublicKey(), 5*time.Minute)
		cert := org.Certificate(ca, key.PublicKey(), grant)
		m.Accepted("with a grant", "alice", key, cert)
		c := m.Client("alice", key, cert)
		org.Revoke(m.ID, grant)
		mined := time.Now()
		began := mined
		harness.Eventually(t, harness.Patience, func() error {
			began = time.Now() // of the login that is refused
			if m.Sshd.Login(t, c, "true").Code == 0 {
				return errStillIn
			}
			return nil
		})
		all = append(all, began.Sub(mined))
	}
	slices.Sort(all)
	t.Logf("from the revocation's block to the beginning of the first login that is refused: %v", all)
	if worst := all[len(all)-1]; worst > 5*revocationBar {
		t.Errorf("%v, want at most %v (five times the bar)", worst, 5*revocationBar)
	}
}
