package kills

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/contracts"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/state"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid") }

// total is how often a daemon is killed. `make test-long` asks for 1,000.
var total = flag.Int("kills", 200, "how often a daemon is killed")

const (
	// leastOfEach is how many kills each phase must have had.
	leastOfEach = 10
	// devices are killed side by side.
	devices = 4
	// everyWrite is how long the administrator rests between two writes.
	everyWrite = 150 * time.Millisecond
	// perWrite entries come in one block.
	perWrite = 8
	// zoneKeys is how often the devices get another key, in a bundle.
	zoneKeys = 12
)

// TestKilledAtAnyInstant kills daemons while they look at the chain, while they
// write what they found, while they replace the journal by a smaller one, and in
// between, at times that are uniform over each of them.
func TestKilledAtAnyInstant(t *testing.T) {
	harness.Need(t, harness.Namespace)
	org := fleet.New(t, devchain.Options{HoldBack: 3, MaxDrift: -1})
	org.Network.Endpoints = []string{org.Chain.WS}
	org.NewCA()
	var all []*victim
	var requests []*bundle.Request
	for i := range devices {
		v := newVictim(t, org, fmt.Sprintf("gate-%d", i+1))
		all, requests = append(all, v), append(requests, v.request)
	}
	org.Enrol(requests...)
	for _, v := range all {
		v.untilEnrolled()
	}

	var end sync.WaitGroup
	stop := make(chan struct{})
	end.Go(func() { write(org, requests, stop) })
	tally := newTally()
	random := rand.Uint64()
	t.Logf("seed %d", random)
	began := time.Now()
	var killing sync.WaitGroup
	for i, v := range all {
		killing.Go(func() {
			r := rand.New(rand.NewPCG(random, uint64(i)))
			for n := i; n < *total; n += devices {
				if !v.killOnce(tally.rarest(), r, tally) {
					return
				}
			}
		})
	}
	killing.Wait()
	took := time.Since(began)
	close(stop)
	end.Wait()
	t.Logf("measured: %d kills in %v: %s", tally.sum(), took.Round(time.Second), tally)
	if got := tally.sum(); got < *total {
		t.Errorf("%d kills, want %d", got, *total)
	}
	for _, p := range phases {
		if n := tally.of(p); n < leastOfEach {
			t.Errorf("%d kills while %s, want %d at least", n, p, leastOfEach)
		}
	}

	// What each device had at each of its deaths is a beginning of what is on the
	// chain, and those that live on come to its end.
	truth := readChain(t, org)
	for _, v := range all {
		v.compare(truth)
		v.untilCaughtUp(truth)
	}
}

// write writes entries that devices read, and now and then a zone key with the
// bundles that bring it, until it is told to stop.
func write(org *fleet.Org, requests []*bundle.Request, stop chan struct{}) {
	for n := 1; ; n++ {
		select {
		case <-stop:
			return
		case <-time.After(everyWrite):
		}
		if n%20 == 0 && len(org.Keys) < zoneKeys {
			org.AddKey()
			org.Announce(org.Zone, func(r *bundle.Request) *bundle.DeviceMaterials { return org.Materials(r.Name) }, requests...)
		}
		var groups []contracts.Group
		for _, r := range requests {
			var changes []contracts.Change
			for range perWrite / len(requests) {
				changes = append(changes, org.GrantEntry(r.Mailbox(org.Zone), state.KindGrant, "alice", org.NewKey().PublicKey(), time.Hour))
			}
			groups = append(groups, contracts.Group{Scope: r.Mailbox(org.Zone), Changes: changes})
		}
		payload, err := state.Deny{Key: state.Word{byte(n), byte(n >> 8), 1}, Before: state.Never}.Marshal()
		groups = append(groups, contracts.Group{Scope: org.Zone, Changes: []contracts.Change{org.Seal(org.Zone, state.KindDeny, payload, err, time.Hour)}})
		org.WriteGroups(groups...)
	}
}
