package faults

import (
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/machine"

	"golang.org/x/crypto/ssh"
)

const (
	soakFor     = 25 * time.Second
	soakClients = 6
	// settled is how long after a change a login must go by it: five times the
	// bar, and what a kill of the daemon adds.
	settled = 8 * time.Second
)

// A guest is somebody whose grant comes and goes.
type guest struct {
	mu      sync.Mutex
	user    user
	granted bool
	since   time.Time // of the last change's block
}

func (g *guest) now() (u user, granted bool, since time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.user, g.granted, g.since
}

// TestSoak: guests log in all the time while grants come and go, processes are killed and the network is cut. Nobody gets
// in whose grant was revoked a while ago, everybody gets in whose grant is there and whose daemon is, and nothing grows.
func TestSoak(t *testing.T) {
	w := newWorld(t, devchain.Options{}, machine.Options{})
	guests := make([]*guest, soakClients)
	for i := range guests {
		guests[i] = &guest{user: w.grant("alice"), granted: true, since: time.Now()}
	}
	var disturbed sync.Mutex // guards quiet
	quiet := time.Now()      // of the last disturbance's end
	var tally struct {
		sync.Mutex
		in, out, wrong int
		first          string
	}
	note := func(in bool, wrong string) {
		tally.Lock()
		defer tally.Unlock()
		if in {
			tally.in++
		} else {
			tally.out++
		}
		if wrong != "" {
			tally.wrong++
			if tally.first == "" {
				tally.first = wrong
			}
		}
	}
	end := time.Now().Add(soakFor)
	var clients sync.WaitGroup
	for i, g := range guests {
		clients.Go(func() {
			for time.Now().Before(end) {
				u, granted, since := g.now()
				began := time.Now()
				in := w.try(u)
				again, _, _ := g.now()
				disturbed.Lock()
				calm := began.Sub(quiet) > settled && !quiet.IsZero()
				disturbed.Unlock()
				switch {
				case again.cert != u.cert || began.Sub(since) < settled: // it changed meanwhile, or just now
					note(in, "")
				case in && !granted:
					note(in, fmt.Sprintf("guest %d got in %v after its revocation", i, began.Sub(since)))
				case !in && granted && calm:
					note(in, fmt.Sprintf("guest %d did not get in %v after its grant", i, began.Sub(since)))
				default:
					note(in, "")
				}
			}
		})
	}
	disturb := func(f func()) {
		disturbed.Lock()
		quiet = time.Time{}
		disturbed.Unlock()
		f()
		disturbed.Lock()
		quiet = time.Now()
		disturbed.Unlock()
	}
	files := w.open()
	random := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
	for round := 0; time.Now().Before(end); round++ {
		g := guests[random.IntN(len(guests))]
		u, granted, _ := g.now()
		if granted {
			w.Org.Revoke(w.ID, u.grant)
		} else {
			u = w.grant("alice")
		}
		g.mu.Lock()
		g.user, g.granted, g.since = u, !granted, time.Now()
		g.mu.Unlock()
		switch round % 8 {
		case 3:
			disturb(func() {
				_, fetch := w.Processes()
				syscall.Kill(fetch, syscall.SIGKILL)
			})
		case 5:
			disturb(func() { w.Daemon.Kill(); w.Run() })
			files = w.open()
		}
	}
	clients.Wait()
	t.Logf("%d logins, %d refusals, %d wrong", tally.in, tally.out, tally.wrong)
	if tally.wrong > 0 || tally.in < 20 || tally.out < 5 {
		t.Errorf("%d logins, %d refusals, %d wrong, the first: %s", tally.in, tally.out, tally.wrong, tally.first)
	}
	w.until("afterwards", w.alice, true, settled)
	harness.Eventually(t, 20*time.Second, func() error {
		if now := w.open(); now > files+8 {
			return fmt.Errorf("the daemon held %d open files and now holds %d", files, now)
		}
		return nil
	})
	run, fetch := w.Processes()
	if total := w.Memory(run, "VmRSS") + w.Memory(fetch, "VmRSS"); total > 5*40<<20 {
		t.Errorf("both processes weigh %d MB", total>>20)
	}
}

// try logs in by a Go client, from any goroutine.
func (w *world) try(u user) bool {
	signer, err := ssh.NewCertSigner(u.cert, u.key)
	if err != nil {
		return false
	}
	c, err := ssh.Dial("tcp", w.Sshd.Addr(), &ssh.ClientConfig{User: u.account, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		HostKeyCallback: ssh.FixedHostKey(w.Sshd.Host), Timeout: 20 * time.Second})
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// open is how many files the daemon has open.
func (w *world) open() int {
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", w.Daemon.Pid()))
	w.Must(err)
	return len(entries)
}
