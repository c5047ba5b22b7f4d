package login

import (
	"testing"
	"time"

	"dpki/internal/harness"
	"dpki/state"
)

// Five minutes on a device: a grant lets exactly that certificate in at once,
// and its revocation ends that.
func TestGrantLogsInAndRevocationDoesNot(t *testing.T) {
	m := newMachine(t)
	log := harness.StartSyslog(t)
	ca := m.org.NewCA()
	key := m.org.NewKey()
	grant := m.org.Grant(m.id, state.KindGrantPriv, "root", key.PublicKey(), 5*time.Minute)
	cert := m.org.Certificate(ca, key.PublicKey(), grant)

	m.accepted("root", key, cert)
	log.Wait(t, "would accept", 5*time.Second)
	m.refused("alice", key, cert)
	m.refused("root", key, nil)

	other := m.org.NewKey()
	m.refused("root", other, m.org.Certificate(ca, other.PublicKey(), grant))
	log.Wait(t, "the grant is for another key", 5*time.Second)

	began := time.Now()
	m.org.Revoke(m.id, grant)
	mined := time.Now()
	harness.Eventually(t, 10*time.Second, func() error {
		if got := m.login("root", key, cert); got.Code == 0 {
			return errStillIn
		}
		return nil
	})
	t.Logf("revocation: mined after %v, the first refusal %v after that", mined.Sub(began).Round(time.Millisecond), time.Since(mined).Round(time.Millisecond))
	log.Wait(t, "the grant is revoked", 5*time.Second)

	// The twin: the same key, account and CA with a new grant.
	again := m.org.Grant(m.id, state.KindGrantPriv, "root", key.PublicKey(), 5*time.Minute)
	m.accepted("root", key, m.org.Certificate(ca, key.PublicKey(), again))
}
