package mirror

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"dpki/device"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"
	"dpki/internal/network"
	"dpki/registry/witness"
	"dpki/state"
)

// TestWitnessesBehindAMirror: where witnesses are pinned, a mirror that is all that
// a device reaches adds nothing by itself: what they have not signed does not
// count, and they are heard through the mirror too.
func TestWitnessesBehindAMirror(t *testing.T) {
	s := newSite(t)
	keyFile := filepath.Join(t.TempDir(), "witness.key")
	out, err := exec.Command(harness.Bin(t, "dpki"), "--home", t.TempDir(), "witness", "key", keyFile).Output()
	if err != nil {
		t.Fatal(err)
	}
	key, err := witness.ParseKey(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	start := func() *harness.Proc {
		t.Helper()
		return harness.Start(t, harness.Command{
			Path:  harness.Bin(t, "dpki"),
			Args:  []string{"--home", t.TempDir(), "witness", "run", "--network", s.file, "--key", keyFile, "--node", s.org.Chain.WS, "--out", s.dir},
			Ready: harness.Says("is signed"),
		})
	}
	signing := start()
	s.org.Network.Witnesses, s.org.Network.WitnessAgree, s.org.Network.WitnessVersion = []network.Witness{{Name: "hq", Key: key}}, 1, 1
	ca := s.org.NewCA()
	m := machine.New(t, s.org, machine.Options{Prepare: s.island.settle})
	if st, err := m.Status(); err != nil || st.Signed != 1 || st.Endpoints != 0 || st.Mirrors != 1 {
		t.Errorf("status %+v, %v", st, err)
	}
	first, second := s.org.NewKey(), s.org.NewKey()
	grant := s.org.Grant(m.ID, state.KindGrant, "alice", first.PublicKey(), time.Hour)
	cert := s.org.Certificate(ca, first.PublicKey(), grant)
	s.soon(func() error { return m.Present("alice", first, cert) })

	signing.Stop()
	other := s.org.Certificate(ca, second.PublicKey(), s.org.Grant(m.ID, state.KindGrant, "alice", second.PublicKey(), time.Hour))
	m.Eventually("a block that nobody has signed", 60*time.Second, func(st device.Status) bool { return strings.Contains(st.Problem, "witnesses") })
	for range 5 {
		m.Refused("a grant that no witness has signed", "alice", second, other)
	}
	m.Accepted("one that was signed", "alice", first, cert)
	start()
	s.soon(func() error { return m.Present("alice", second, other) })
}
