// Package soak logs in to a real device for a minute while its endpoints fail
// and lie, one after another.
package soak

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"dpki/device"
	"dpki/internal/devchain"
	"dpki/internal/e2e/attack/siege"
	"dpki/internal/harness"
	"dpki/internal/harness/hostile"

	"github.com/ethereum/go-ethereum/core/types"
)

func TestMain(m *testing.M) { harness.Main(m, "dpkid", "dpki-authkeys") }

var soakFor = flag.Duration("soak", time.Minute, "how long")

const (
	endpoints = 4
	agree     = 2
	clients   = 6
	// phase is how long one endpoint fails. It is left alone for about as long
	// again, so that two are missing at most.
	phase = 3 * time.Second
	// changes are so far apart that most logins are long after one.
	changes = 1500 * time.Millisecond
	// settled is how long after a change every login must go by it: five times
	// the bar of a revocation, and a look that an endpoint holds up.
	settled = 6 * time.Second
)

// TestSoak: guests log in all the time while grants come and go and endpoints
// fail. Nobody gets in whose grant was revoked a while ago; everybody else does.
func TestSoak(t *testing.T) {
	s := siege.New(t, siege.Plan{Endpoints: endpoints, Agree: agree, Chain: devchain.Options{BlockTime: time.Second}})
	yesterday := s.Record(s.Endpoints[0]).Play()
	guests := make([]*guest, clients)
	for i := range guests {
		guests[i] = &guest{user: s.Granted("alice"), granted: true, since: time.Now()}
	}
	end, total := time.Now().Add(*soakFor), &tally{}
	var all sync.WaitGroup
	for i, g := range guests {
		all.Go(func() {
			for time.Now().Before(end) {
				total.add(g.login(s, fmt.Sprintf("guest %d", i)))
			}
		})
	}
	seed := uint64(time.Now().UnixNano())
	random, phases := rand.New(rand.NewPCG(seed, 2)), 0
	modes := failures(yesterday)
	for next := time.Now(); time.Now().Before(end); time.Sleep(changes) {
		if time.Now().After(next) {
			for _, e := range s.Endpoints {
				e.Tell(nil)
			}
			s.Endpoints[phases%endpoints].Tell(modes[phases%len(modes)])
			phases, next = phases+1, time.Now().Add(phase)
		}
		guests[random.IntN(clients)].change(s)
		s.Nudge() // as those do that announce blocks
	}
	all.Wait()
	for _, e := range s.Endpoints {
		e.Tell(nil)
	}
	s.Until("afterwards", s.Alice, true)
	total.report(t, phases)
}

// failures are what endpoints do, in turn.
func failures(yesterday hostile.Lie) []hostile.Lie {
	return []hostile.Lie{
		hostile.Hangup(),
		hostile.Silent(),
		hostile.Header(func(h *types.Header) { h.Root[0] ^= 1 }),
		hostile.Instead(503, []byte("later")),
		hostile.Logs(func([]hostile.Log) []hostile.Log { return nil }),
		hostile.Stall(),
		yesterday,
		hostile.Truncate(),
		hostile.StorageNode(),
	}
}

// guest is somebody whose grant comes and goes.
type guest struct {
	mu      sync.Mutex
	user    siege.User
	granted bool
	since   time.Time // of the last change's block
}

func (g *guest) now() (u siege.User, granted bool, since time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.user, g.granted, g.since
}

// change revokes the grant, or makes another.
func (g *guest) change(s *siege.Site) {
	u, granted, _ := g.now()
	if granted {
		s.Revoke(u)
	} else {
		u = s.Granted("alice")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.user, g.granted, g.since = u, !granted, time.Now()
}

// outcome is what came of one login.
type outcome struct {
	in     bool
	took   time.Duration
	judged bool   // nothing had changed lately
	wrong  string // why it is wrong; empty where it is right, or not judged
}

func (g *guest) login(s *siege.Site, name string) outcome {
	u, granted, since := g.now()
	began := time.Now()
	o := outcome{in: s.LogsIn(u) == nil}
	o.took = time.Since(began)
	again, still, _ := g.now()
	o.judged = still == granted && again.Cert == u.Cert && began.Sub(since) >= settled
	switch {
	case o.judged && o.in && !granted:
		o.wrong = fmt.Sprintf("%s got in %v after its revocation", name, began.Sub(since))
	case o.judged && !o.in && granted:
		o.wrong = fmt.Sprintf("%s did not get in %v after its grant", name, began.Sub(since))
	}
	return o
}

// tally is what all logins came to.
type tally struct {
	mu          sync.Mutex
	took        []time.Duration // of those that got in
	out, judged int
	wrong       []string
}

func (t *tally) add(o outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if o.in {
		t.took = append(t.took, o.took)
	} else {
		t.out++
	}
	if o.judged {
		t.judged++
	}
	if o.wrong != "" {
		t.wrong = append(t.wrong, o.wrong)
	}
}

func (t *tally) report(tb testing.TB, phases int) {
	slices.Sort(t.took)
	n := len(t.took)
	if n < 50 || t.out < 20 || t.judged < 50 || phases < int(*soakFor/phase)/2 {
		tb.Fatalf("%d logins, %d refusals, %d of them judged, %d endpoints failed: too few", n, t.out, t.judged, phases)
	}
	median, p99 := t.took[n/2], t.took[n*99/100]
	tb.Logf("measured: %d logins and %d refusals while endpoints failed %d times; %d of them long after a change, %d wrong; a login took %v, p99 %v",
		n, t.out, phases, t.judged, len(t.wrong), median.Round(time.Millisecond), p99.Round(time.Millisecond))
	if len(t.wrong) > 0 {
		tb.Errorf("%d wrong answers, the first: %s", len(t.wrong), t.wrong[0])
	}
	// sshd asks twice a login, and each question may wait for one look.
	if bar := 5 * 2 * device.RefreshBudget; p99 > bar {
		tb.Errorf("p99 is %v, want at most %v", p99, bar)
	}
}
