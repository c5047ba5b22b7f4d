package main

import (
	"fmt"
	"time"

	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/device"
	"dpki/internal/harness/devchain"
	"dpki/internal/harness/fleet"
	"dpki/registry/source"
	"dpki/registry/verify"
	"dpki/state"
)

// configured is how many endpoints a device knows.
const configured = 5

// traffic measures what an idle device's looks cost, all endpoints together,
// where k of them must agree: over TLS, each on a new connection, since by the
// next look the one before has been closed. The bar is for endpoints that do not
// compress their answers.
func traffic(s *stage, t *report, entries int) {
	const bar, looks = 300e6, 20
	// Blocks that are safe and final are not the newest one, as on public chains:
	// their headers are others.
	chain := devchain.New(s, devchain.Options{MaxDrift: -1, HoldBack: 10})
	org := fleet.On(s, chain)
	fill(org, entries)
	secure := usualTLS(s)
	var proxies []*proxy
	for range configured {
		proxies = append(proxies, startProxy(s, chain.HTTP, secure))
	}
	for _, k := range []int{1, 2, 3} {
		look := follower(s, org, proxies, k)
		each := func(packs bool) float64 {
			for _, p := range proxies {
				p.packs.Store(packs)
			}
			look() // what a client learns once
			before := allPassed(proxies)
			for range looks {
				look()
			}
			return float64(allPassed(proxies)-before) / looks
		}
		plain, packed := each(false), each(true)
		t.add(fmt.Sprintf("30 days idle, %d of %d endpoints agree", k, configured), megabytesOf(month(plain)), "300 MB", month(plain) <= bar,
			fmt.Sprintf("a look in 5 min, %.1f KB with TLS, mean of %d; with answers compressed %.1f KB, %s; %s records", plain/1e3, looks, packed/1e3, megabytesOf(month(packed)), thousands(entries)))
	}
}

// month is what looks of so many bytes come to in 30 days.
func month(look float64) float64 {
	return look * float64(30*24*time.Hour) / float64(device.Profiles["normal"].Idle)
}

func megabytesOf(n float64) string { return fmt.Sprintf("%.0f MB", n/1e6) }

// follower is a device's reader that has read everything so far. Calling it makes
// a block and looks once.
func follower(s *stage, org *fleet.Org, proxies []*proxy, k int) func() {
	var endpoints []verify.Endpoint
	var clients []*source.Client
	for i, p := range proxies {
		c, err := source.Dial("https://" + p.addr)
		s.must(err)
		clients = append(clients, c)
		endpoints = append(endpoints, verify.Endpoint{Name: fmt.Sprintf("endpoint %d", i+1), Source: c})
	}
	reader, err := verify.NewReader(verify.Config{
		Registry: org.Anchor.Registry, Org: org.Anchor.Org, CodeHash: code.Hash(), Policy: verify.Agreement{K: k},
	}, endpoints)
	s.must(err)
	s.must(reader.Follow(org.Anchor.Org, org.Zone, state.Keccak256([]byte("a mailbox"))))
	look := func() {
		org.Chain.Mine(1)
		res, err := reader.Tick(s.Context())
		s.must(err)
		reader.Commit(res)
		for _, c := range clients {
			c.Close()
		}
	}
	look()
	return look
}

// fill grants in an organisation's zone.
func fill(org *fleet.Org, entries int) {
	for left := entries; left > 0; left -= perWrite {
		changes := make([]contracts.Change, min(left, perWrite))
		for i := range changes {
			changes[i] = org.GrantEntry(org.Zone, state.KindGrant, "alice", org.NewKey().PublicKey(), 24*time.Hour)
		}
		org.Write(org.Zone, changes...)
	}
}

func allPassed(proxies []*proxy) (bytes int64) {
	for _, p := range proxies {
		bytes += p.passed()
	}
	return bytes
}
