package main

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"time"

	"dpki/contracts"
	"dpki/contracts/code"
	"dpki/device"
	"dpki/internal/devchain"
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
	const bar, looks = 300e6, 24 // two hours of them
	// Blocks that are safe and final are not the newest one, as on public chains:
	// their headers are others.
	chain := devchain.New(s, devchain.Options{MaxDrift: -1, HoldBack: 10})
	crowd(s, chain)
	org := fleet.On(s, chain)
	fill(org, entries)
	secure := usualTLS(s)
	var proxies []*proxy
	for range configured {
		proxies = append(proxies, startProxy(s, chain.HTTP, secure))
	}
	for _, row := range []struct{ endpoints, witnesses int }{{1, 0}, {2, 0}, {3, 0}, {1, 2}, {3, 2}} {
		ask, signed := verify.Witnesses{}, &signing{}
		places, what := proxies, fmt.Sprintf("%d of %d endpoints", row.endpoints, configured)
		if row.witnesses > 0 {
			signed = startWitnesses(s, chain, secure)
			ask = verify.Witnesses{Agree: row.witnesses, All: signed.all}
			places = append(slices.Clone(proxies), signed.places...)
			what += fmt.Sprintf(", %d of %d witnesses", row.witnesses, len(ask.All))
		}
		look := follower(s, org, proxies, row.endpoints, ask, signed)
		each := func(packs bool) float64 {
			for _, p := range places {
				p.packs.Store(packs)
			}
			look() // what a client learns once
			before := allPassed(places)
			for range looks {
				look()
			}
			return float64(allPassed(places)-before) / looks
		}
		plain, packed := each(false), each(true)
		t.add("30 days idle, "+what+" agree", megabytesOf(month(plain)), "300 MB", month(plain) <= bar,
			fmt.Sprintf("a look in 5 min, %.1f KB with TLS, mean of %d over two hours; with answers compressed %.1f KB, %s; %s records", plain/1e3, looks, packed/1e3, megabytesOf(month(packed)), thousands(entries)))
	}
}

// month is what looks of so many bytes come to in 30 days.
func month(look float64) float64 {
	return look * float64(30*24*time.Hour) / float64(device.Profiles["normal"].Idle)
}

func megabytesOf(n float64) string { return fmt.Sprintf("%.0f MB", n/1e6) }

// follower is an idle device's reader that has read everything so far. Calling
// it makes the block that is there at the next look, and looks.
func follower(s *stage, org *fleet.Org, proxies []*proxy, k int, ask verify.Witnesses, signed *signing) func() {
	var endpoints []verify.Endpoint
	var clients []*source.Client
	for i, p := range proxies {
		c, err := source.Dial("https://" + p.addr)
		s.must(err)
		clients = append(clients, c)
		endpoints = append(endpoints, verify.Endpoint{Name: fmt.Sprintf("endpoint %d", i+1), Source: c})
	}
	reader, err := verify.NewReader(verify.Config{
		Registry: org.Anchor.Registry, Org: org.Anchor.Org, CodeHash: code.Hash(), Policy: verify.Agreement{K: k}, Witnesses: ask,
		Sparing: func() bool { return true }, // as the device is while it idles
	}, endpoints)
	s.must(err)
	s.must(reader.Follow(org.Anchor.Org, org.Zone, state.Keccak256([]byte("a mailbox"))))
	look := func() {
		s.must(org.Chain.AdjustTime(device.Profiles["normal"].Idle))
		signed.look(s)
		res, err := reader.Tick(s.Context())
		s.must(err)
		reader.Commit(res)
		for i, c := range clients {
			c.Close()
			proxies[i].hangUp() // a client keeps what it has just used
		}
		signed.close()
	}
	for range 3 {
		look() // until nothing waits for finality
	}
	return look
}

// crowd makes the proof of the contract's account as long as on a chain of a
// million accounts, by those alone that stand beside it there: in the state's
// trie each of the first five branches on its way is full.
func crowd(s *stage, chain *devchain.Chain) {
	const full = 5
	path := state.Keccak256(chain.Contract[:])
	beside := map[string]bool{} // paths that leave the contract's by their last nibble
	for n := uint64(1); len(beside) < full*15; n++ {
		var a state.Address
		binary.BigEndian.PutUint64(a[:], n)
		to := state.Keccak256(a[:])
		shared := 0
		for shared < full && nibble(to, shared) == nibble(path, shared) {
			shared++
		}
		if shared == full {
			continue
		}
		if key := to.String()[:shared+1]; !beside[key] {
			beside[key] = true
			s.must(chain.Fund(s.Context(), a, big.NewInt(1)))
		}
	}
}

func nibble(w state.Word, i int) byte { return w[i/2] >> (4 * (1 - i%2)) & 15 }

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
