// Package stores lies to a real device about the content of bundles.
package stores

import (
	"errors"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"

	"dpki/authkeys"
	"dpki/bundle"
	kubostore "dpki/bundle/store/kubo"
	"dpki/device"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/hostile"
	"dpki/internal/harness/kubo"
	"dpki/internal/network"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys") }

// slack is what may be read beyond a limit before the reader ends.
const slack = 64 << 10

// lie is what a store says of a block.
type lie struct {
	name string
	tell hostile.Lie
}

// TestStore: a store may withhold what it likes, and do nothing else. What needs
// a bundle is denied as long as the bundle is missing; everything else goes on.
func TestStore(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1})
	var older atomic.Pointer[[]byte]
	s.Store.Tell(hostile.Body(func(b []byte) []byte { older.Store(&b); return b }))
	deliver(s)
	elsewhere := hostile.Start(t, s.Org.Chain.HTTP)
	attack(t, s, []lie{
		{"an older block", hostile.Body(func([]byte) []byte { return *older.Load() })},
		{"a byte more", hostile.Body(func(b []byte) []byte { return append(b, 0) })},
		{"without end", hostile.Endless("", "A", bundle.MaxBlock/2)},
		{"not found", hostile.Instead(http.StatusNotFound, nil)},
		{"redirected", hostile.Redirect(elsewhere.HTTP)},
	})
	if elsewhere.Count().Begun > 0 {
		t.Error("whoever was named in a redirect was asked")
	}
}

// TestGateway is the same before the gateway of a real kubo.
func TestGateway(t *testing.T) {
	harness.Need(t, harness.Namespace, harness.Kubo)
	node := kubo.Start(t)
	s := siege.New(t, siege.Plan{Endpoints: 1, Agree: 1, Prepare: func(org *fleet.Org, s *siege.Site) {
		ours, err := kubostore.Open(node.API)
		if err != nil {
			t.Fatal(err)
		}
		org.Blocks = ours
		s.Store.Lead(node.Gateway)
		org.Network.Stores = []network.Store{{Type: network.Gateway, URL: s.Store.HTTP}}
	}})
	attack(t, s, []lie{
		{"another block", hostile.Body(func([]byte) []byte { return []byte("not what was asked for") })},
		{"a bit", hostile.Body(func(b []byte) []byte { b[len(b)/2] ^= 1; return b })},
		{"truncated", hostile.Truncate()},
		{"stalled", hostile.Stall()},
	})
}

// attack lies about one batch of materials after the other.
func attack(t *testing.T, s *siege.Site, lies []lie) {
	for _, l := range lies {
		t.Run(l.name, func(t *testing.T) {
			s := s.In(t)
			s.Current("before")
			s.Store.Tell(l.tell)
			key := announce(s)
			u := underKey(s)
			harness.Eventually(s, siege.Within, func() error {
				if s.Nudge(); s.Store.Count().Begun == 0 {
					return errors.New("the store was not asked")
				}
				return nil
			})
			s.Current("the entries")
			s.Refuses("withheld", u, authkeys.CAUnknown)
			s.LetsIn("what does not need it", s.Alice)
			if st, err := s.Status(); err != nil || slices.Contains(st.ZoneKeys, key) {
				t.Errorf("the device has the key: %v, %v", st.ZoneKeys, err)
			}
			if n := s.Store.Count(); n.Longest > bundle.MaxBlock+slack {
				t.Errorf("%d bytes were read, the limit is %d", n.Longest, bundle.MaxBlock)
			}
			s.Store.Tell(nil)
			s.Until("the twin: served", u, true)
		})
	}
}

// deliver announces a zone key and waits for the device to have it.
func deliver(s *siege.Site) {
	s.Helper()
	key := announce(s)
	s.Look("a zone key", func(st device.Status) bool { return slices.Contains(st.ZoneKeys, key) })
}

// announce makes another zone key and announces the device's bundle that holds it.
func announce(s *siege.Site) uint32 {
	s.Helper()
	s.Org.AddKey()
	s.Org.Announce(s.Org.Zone, func(r *bundle.Request) *bundle.DeviceMaterials { return s.Org.Materials(r.Name) }, s.Asked)
	return s.Org.Keys[len(s.Org.Keys)-1].ID
}

// underKey is a user of a CA that is announced under the zone's newest key.
func underKey(s *siege.Site) siege.User {
	s.Helper()
	ca := s.Org.NewCA()
	u := s.Granted("alice")
	u.Cert = s.Org.Certificate(ca, u.Key.PublicKey(), u.Grant)
	return u
}
