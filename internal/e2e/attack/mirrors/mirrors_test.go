// Package mirrors lies to a real device by a mirror: a real `dpki mirror` that is
// altered on the way.
package mirrors

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"dpki/authkeys"
	"dpki/bundle"
	"dpki/device"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/hostile"
	"dpki/registry/verify"
	"dpki/state"

	"github.com/ethereum/go-ethereum/core/types"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys", "dpki") }

// start starts a mirror of the chain and the store, and returns its URL.
func start(t *testing.T, org *fleet.Org) string {
	t.Helper()
	dir := t.TempDir()
	text, err := org.Chain.Network().Marshal()
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "network.toml"), text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	const says = "serves network sandbox at http://"
	p := harness.Start(t, harness.Command{
		Path: harness.Bin(t, "dpki"), Args: []string{"mirror", "--network", filepath.Join(dir, "network.toml"), "--dir", filepath.Join(dir, "mirror"), "--listen", "127.0.0.1:0"},
		Ready: harness.Says(says),
	})
	p.WaitOutput(t, "\n", siege.Within)
	_, rest, _ := strings.Cut(p.Output(), says)
	addr, _, _ := strings.Cut(rest, "\n")
	return "http://" + addr
}

// TestAMirrorInvents: a device whose only source is a mirror takes nothing from
// it that the chain does not prove, and no block of a store that is another.
func TestAMirrorInvents(t *testing.T) {
	var mirror *hostile.Proxy
	s := siege.New(t, siege.Plan{Agree: 1, Prepare: func(org *fleet.Org, _ *siege.Site) {
		mirror = hostile.Start(t, start(t, org))
		org.Network.Mirrors, org.Network.Stores = []string{mirror.HTTP}, nil
	}})
	logs := func(change func([]hostile.Log) []hostile.Log) hostile.Lie {
		return hostile.At("/dpki/1/logs/", hostile.Body(func(b []byte) []byte { return hostile.LogList(b, change) }))
	}
	for _, row := range []struct {
		name    string
		tell    hostile.Lie
		problem string
	}{
		{"an entry invented", logs(func(l []hostile.Log) []hostile.Log {
			return append(l, l[len(l)-1].WithEntry(func(e *state.Entry) { e.Seq, e.PrevBlock, e.Subject[0] = e.Seq+1, e.Block, ^e.Subject[0] }))
		}), verify.ErrLogs.Error()},
		{"an entry omitted", logs(func(l []hostile.Log) []hostile.Log { return l[:len(l)-1] }), verify.ErrLogs.Error()},
		{"a forged root", hostile.At("/dpki/1/head/", hostile.Body(func(b []byte) []byte {
			return hostile.Member(b, "latest", func(latest []byte) []byte { return hostile.Forged(latest, func(h *types.Header) { h.Root[0] ^= 1 }) })
		})), verify.ErrProof.Error()},
		{"a page", hostile.Instead(200, []byte("<html>all is well</html>")), "mirror"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := s.In(t)
			s.Current("before")
			mirror.Tell(row.tell)
			a, b := s.Pair()
			s.Problem(row.problem)
			if mirror.Count().Altered == 0 {
				t.Error("the lie was not told")
			}
			s.Refuses("not seen", a, authkeys.GrantUnknown)
			s.LetsIn("seen before", s.Alice)
			mirror.Tell(nil)
			s.Until("the twin: the truth", a, true)
			s.LetsIn("the twin: the truth", b)
		})
	}
	t.Run("a block", func(t *testing.T) {
		s := s.In(t)
		s.Current("before")
		mirror.Tell(hostile.At("/ipfs/", hostile.Body(func(b []byte) []byte { return append(bytes.Clone(b), 0) })))
		s.Org.AddKey()
		key := s.Org.Keys[len(s.Org.Keys)-1].ID
		s.Org.Announce(s.Org.Zone, func(r *bundle.Request) *bundle.DeviceMaterials { return s.Org.Materials(r.Name) }, s.Asked)
		s.Look("the block was asked for", func(device.Status) bool { return mirror.Count().Altered > 0 })
		if st, err := s.Status(); err != nil || slices.Contains(st.ZoneKeys, key) {
			t.Errorf("the device has the key: %v, %v", st.ZoneKeys, err)
		}
		mirror.Tell(nil)
		s.Look("the twin: the key", func(st device.Status) bool { return slices.Contains(st.ZoneKeys, key) })
	})
}

// TestMirrorsAreOneVoice: two must agree, and two mirrors that show a fork are
// one of them.
func TestMirrorsAreOneVoice(t *testing.T) {
	chain := siege.Durable(t)
	var mirrors []*hostile.Proxy
	s := siege.New(t, siege.Plan{Endpoints: 2, Agree: 2, Chain: chain, Prepare: func(org *fleet.Org, _ *siege.Site) {
		for range 2 {
			m := hostile.Start(t, start(t, org))
			mirrors = append(mirrors, m)
			org.Network.Mirrors = append(org.Network.Mirrors, m.HTTP)
		}
	}})
	forked := s.Fork(chain)
	invented := s.Ungranted("alice")
	forked.Write(s.ID, invented.Grant)
	forked.Chain.Mine(50)
	other := start(t, forked)
	for _, m := range mirrors {
		m.Tell(hostile.Elsewhere(other))
	}
	for _, e := range s.Endpoints {
		e.Tell(hostile.Refuse("eth_getProof")) // so that nobody is left but the mirrors
	}
	s.Look("the mirrors were asked", func(device.Status) bool { return mirrors[0].Count().Altered > 0 && mirrors[1].Count().Altered > 0 })
	s.Problem(verify.ErrAgreement.Error())
	s.Refuses("two mirrors", invented, authkeys.GrantUnknown)
	// The twin: a second voice says the same.
	s.Endpoints[0].Tell(hostile.Elsewhere(forked.Chain.HTTP))
	s.Until("the limit: a mirror and an endpoint", invented, true)
}
