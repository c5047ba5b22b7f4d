package login

import (
	"errors"
	"testing"
	"time"

	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/machine"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys") }

// settled is how long a device may take to show what the chain has.
const settled = harness.Patience

// rig is a machine that is a device, and what these tests do with it.
type rig struct{ *machine.Machine }

// newRig makes a device on a chain whose blocks follow real time, as those of
// real chains do.
func newRig(t *testing.T) rig {
	t.Helper()
	return newRigIn(t, fleet.New(t, devchain.Options{BlockTime: time.Second}))
}

func newRigIn(t *testing.T, org *fleet.Org) rig {
	t.Helper()
	return rig{machine.New(t, org, machine.Options{})}
}

// granted gives alice an hour on this machine.
func (m rig) granted(ca fleet.CA) (fleet.Key, contracts.Change, *ssh.Certificate) {
	m.Helper()
	key := m.Org.NewKey()
	grant := m.Org.Grant(m.ID, state.KindGrant, "alice", key.PublicKey(), time.Hour)
	return key, grant, m.Org.Certificate(ca, key.PublicKey(), grant)
}

var (
	errStillIn     = errors.New("the login still succeeds")
	errNotReloaded = errors.New("sshd has not read its configuration")
)
