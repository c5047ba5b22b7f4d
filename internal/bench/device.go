package main

import (
	"fmt"
	"time"

	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/machine"
	"dpki/internal/harness/sshd"
	"dpki/internal/network"
	"dpki/state"

	"golang.org/x/crypto/ssh"
)

// bench is a device in a large zone, and what is needed to log in to it.
type bench struct {
	*machine.Machine
	s       *stage
	proxy   *proxy
	entries int
	join    time.Duration // from the block that enrolled the device to knowing the whole zone
	ca      fleet.CA
	key     fleet.Key
	cert    *ssh.Certificate
	client  sshd.Client
	heavy   weight // the most that both processes weighed
}

// perWrite is how many entries a transaction takes: a pool refuses longer ones.
const perWrite = 200

// newDevice fills the zone first, so that the device has all of it to read when
// it joins.
func newDevice(s *stage, entries int) *bench {
	// Filling makes blocks faster than one a second: their time runs ahead.
	chain := devchain.New(s, devchain.Options{MaxDrift: -1})
	d := &bench{s: s, proxy: startProxy(s, chain.HTTP, nil), entries: entries}
	org := fleet.On(s, chain)
	// One endpoint in two ways: it is asked by HTTP, and announces over WebSocket.
	org.Network.Endpoints = []string{"http://" + d.proxy.addr, "ws://" + d.proxy.addr}
	org.Network.Stores = []network.Store{{Type: network.Sandbox, URL: "http://" + d.proxy.addr}}
	d.ca, d.key = org.NewCA(), org.NewKey()
	fill(org, entries)
	d.tick(chain)
	s.say("the device joins")
	d.Machine = machine.New(s, org, machine.Options{Sshd: quiet()})
	d.Eventually("the zone's grants", time.Minute, func(st device.Status) bool { return st.Grants == entries })
	d.join = time.Since(d.Mined)

	grant := org.Grant(d.ID, state.KindGrant, "alice", d.key.PublicKey(), 20*time.Hour)
	d.cert = org.Certificate(d.ca, d.key.PublicKey(), grant)
	d.client = d.Client("alice", d.key, d.cert)
	d.client.Options = []string{"KexAlgorithms=curve25519-sha256"}
	d.Eventually("the grant", 15*time.Second, func(st device.Status) bool { return st.Grants == entries+1 })
	d.weighed()
	return d
}

// quiet is an sshd that logs as in service.
func quiet() sshd.Config { return sshd.Config{Lines: []string{"LogLevel INFO"}} }

// tick makes an empty block a second, as chains do.
func (d *bench) tick(chain *devchain.Chain) {
	ticker, done := time.NewTicker(time.Second), make(chan struct{})
	go func() {
		for {
			select {
			case <-ticker.C:
				chain.Mine(1)
			case <-done:
				return
			}
		}
	}()
	d.s.Cleanup(func() { ticker.Stop(); close(done) })
}

// joined reports how long joining took.
func (d *bench) joined(t *report) {
	const bar = 5 * time.Second
	t.add(fmt.Sprintf("device joins a zone of %s entries", thousands(d.entries)), short(d.join), "5 s", d.join <= bar, "block to last grant known")
}

// killed reports how soon the daemon decides again after kill -9.
func (d *bench) killed(t *report) {
	const bar = time.Second
	var took sample
	for range 5 {
		d.Daemon.Kill()
		began := time.Now()
		d.Run()
		if d.Ask("alice", d.cert) == "" {
			d.Fatal("after kill -9 the daemon refuses what it accepted")
		}
		took = append(took, time.Since(began))
	}
	worst := took.quantile(1)
	t.add("kill -9 to the first decision", short(worst), "1 s", worst <= bar, "worst of 5, median "+short(took.median()))
}
