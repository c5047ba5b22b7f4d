// Package siege is a device that sees the chain and the store through hostile
// proxies only (harness/hostile), for the tests of internal/e2e/attack.
package siege

import (
	"os"
	"path/filepath"
	"testing"

	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/hostile"
	"dpki/internal/harness/machine"
	"dpki/internal/network"
)

// Site is a device under siege.
type Site struct {
	*machine.Machine
	T         *testing.T
	CA        fleet.CA
	Endpoints []*hostile.Proxy
	Store     *hostile.Proxy // before the content store
	Alice     User           // may log in throughout
}

// Plan is what differs between sites.
type Plan struct {
	Endpoints, Agree int
	// HTTP has the endpoints asked by HTTP, where a proxy counts each byte of an
	// answer and may redirect. Otherwise they are asked over WebSocket, which
	// carries hints too.
	HTTP  bool
	Chain devchain.Options
	// Prepare, unless nil, changes what the device is told, before it enrols.
	Prepare func(*fleet.Org, *Site)
}

// New makes the device, in place of an earlier test's.
func New(t *testing.T, p Plan) *Site {
	t.Helper()
	harness.Need(t, harness.Namespace, harness.Sshd, harness.Ssh)
	if p.Chain.BlockTime == 0 {
		p.Chain.MaxDrift = -1 // blocks as fast as the tests write; a few seconds ahead of the clock in the end
	}
	org := fleet.New(t, p.Chain)
	s := &Site{T: t, Store: hostile.Start(t, org.Chain.HTTP)}
	org.Network.Endpoints, org.Network.Agree = nil, p.Agree
	for range p.Endpoints {
		e := hostile.Start(t, org.Chain.HTTP)
		s.Endpoints = append(s.Endpoints, e)
		url := e.WS
		if p.HTTP {
			url = e.HTTP
		}
		org.Network.Endpoints = append(org.Network.Endpoints, url)
	}
	org.Network.Stores = []network.Store{{Type: network.Sandbox, URL: s.Store.HTTP}}
	if p.Prepare != nil {
		p.Prepare(org, s)
	}
	s.CA = org.NewCA()
	s.Machine = machine.New(t, org, machine.Options{})
	s.Alice = s.Granted("alice")
	s.Until("in the beginning", s.Alice, true)
	return s
}

// In is the same site, with the failures of a subtest.
func (s *Site) In(t *testing.T) *Site {
	c, m := *s, *s.Machine
	c.T, c.Machine, m.TB = t, &m, t
	return &c
}

// Durable is a chain that Fork can copy.
func Durable(t *testing.T) devchain.Options {
	t.Helper()
	return devchain.Options{Dir: t.TempDir(), Port: harness.FreePort(t), MaxDrift: -1}
}

// Fork stops the chain, copies it, and starts it and the copy: two chains with
// the same past, on which different things happen from now on. The organisation
// on the second is what somebody can show who rules the endpoints: on a chain of
// his own he needs nobody's key, since he writes the storage as he likes; here
// the administrator's writes the same bytes. The chain is one of Durable.
func (s *Site) Fork(o devchain.Options) *fleet.Org {
	s.Helper()
	s.Org.Chain.Close()
	copied := filepath.Join(s.TempDir(), "fork")
	s.Must(os.CopyFS(copied, os.DirFS(o.Dir)))
	s.Org.Chain = devchain.New(s, o)
	o.Dir, o.Port = copied, 0
	forked := *s.Org
	forked.Chain = devchain.New(s, o)
	return &forked
}
