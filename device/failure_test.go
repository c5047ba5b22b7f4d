package device_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"dpki/authkeys"
	"dpki/device"
	"dpki/device/journal"
	"dpki/device/pipe"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/harness/follower"
	"dpki/registry"
)

// A restart decides at once from what is on disk, network or not.
func TestRestartWithoutNetwork(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, nil)
	alice := r.Granted("alice", time.Hour)
	r.Allowed("before", "alice", alice.Cert)
	r.Stop()
	r.Cut.Store(true)
	began := time.Now()
	r.Start(nil)
	r.Allowed("after a restart", "alice", alice.Cert)
	if took := time.Since(began); took > 30*time.Second { // a look may take two minutes
		t.Errorf("ready after %v", took)
	}
	r.Stop()
	r.Cut.Store(false)
	r.Org.Revoke(r.Mailbox, alice.Grant)
	r.Start(nil)
	r.Eventually(func(s device.Status) bool { return s.Grants == 0 && s.Problem == "" })
	r.Refused("revoked while it was down", "alice", alice.Cert, authkeys.GrantRevoked)
}

// A revocation that a reorganisation takes away holds; a grant that it takes
// away is gone.
func TestReorganisation(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, devchain.Options{BlockTime: time.Second, HoldBack: 1000}, nil)
	org := r.Org
	one := r.Granted("alice", time.Hour)
	r.Allowed("the first grant", "alice", one.Cert)
	base := org.Chain.Number()
	two := r.Granted("alice", time.Hour)
	org.Revoke(r.Mailbox, one.Grant)
	r.Eventually(func(s device.Status) bool { return s.Grants == 1 })
	r.Allowed("the second grant", "alice", two.Cert)
	r.Refused("the first, revoked", "alice", one.Cert, authkeys.GrantRevoked)

	if err := org.Chain.Reorg(int(org.Chain.Number()-base), false); err != nil {
		t.Fatal(err)
	}
	r.Eventually(func(s device.Status) bool { return s.Grants == 0 })
	r.Refused("the second grant, which never happened", "alice", two.Cert, authkeys.GrantUnknown)
	r.Refused("the first, whose revocation never happened", "alice", one.Cert, authkeys.GrantRevoked)
	r.Stop()
	r.Start(nil)
	r.Refused("the same after a restart", "alice", one.Cert, authkeys.GrantRevoked)

	// Finality passes without the revocation: the grant stands.
	org.Chain.HoldBack(0)
	r.Eventually(func(s device.Status) bool { r.Engine.Refresh(t.Context()); return s.Grants == 1 })
	r.Allowed("after finality", "alice", one.Cert)
}

// A fetch that ends, or cannot be started, is started again, and told again whom
// to ask.
func TestFetchThatCrashes(t *testing.T) {
	t.Parallel()
	r := follower.New(t, fleet.New(t, follower.Ticking))
	var starts atomic.Int64
	var mu sync.Mutex
	var current io.Closer
	sup := device.NewSupervisor(func(ctx context.Context) (io.ReadWriteCloser, error) {
		if n := starts.Add(1); n == 2 {
			return nil, errors.New("it cannot be started") // once
		}
		conn, err := follower.InProcess(ctx)
		mu.Lock()
		defer mu.Unlock()
		current = conn
		return conn, err
	}, r.Logger())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { sup.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	r.Start(func(c *device.Config) { c.Fetcher = sup })
	r.Enrol("gate-7")
	for range 2 {
		before := starts.Load()
		mu.Lock()
		current.Close()
		mu.Unlock()
		harness.Eventually(t, 10*time.Second, func() error {
			if starts.Load() <= before {
				return errors.New("not started again")
			}
			return nil
		})
		block := r.Engine.Status("").Block
		r.Eventually(func(s device.Status) bool { return s.Block > block && s.Problem == "" })
	}
	if starts.Load() < 4 {
		t.Errorf("%d starts", starts.Load())
	}
}

// Without fetch every question fails at once, with a typed error.
func TestSupervisorWithoutFetch(t *testing.T) {
	s := device.NewSupervisor(follower.InProcess, slog.New(slog.DiscardHandler))
	s.Configure([]pipe.Place{{Type: pipe.Endpoint, Location: "http://127.0.0.1:1"}})
	_, err := s.Logs(context.Background(), 0, registry.LogQuery{})
	if registry.FaultOf(err) != registry.Unavailable {
		t.Errorf("got %v", err)
	}
}

// What cannot be written counts in memory where it restricts, and is read again
// when the disk has room.
func TestJournalThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	var j *journal.Journal
	r := follower.Enrolled(t, follower.Instant, func(c *device.Config) { j = c.Journal })
	alice := r.Granted("alice", time.Hour)
	r.Allowed("before", "alice", alice.Cert)
	r.Eventually(func(s device.Status) bool { return s.Finalized >= r.Org.Chain.DeployBlock && s.Gear == "watch" })

	j.Close() // every write fails from here on
	r.Org.Revoke(r.Mailbox, alice.Grant)
	r.Eventually(func(s device.Status) bool { return s.Journal != "" })
	r.Refused("a revocation that could not be written", "alice", alice.Cert, authkeys.GrantRevoked)
	// The network goes too: what was seen is not forgotten.
	r.Cut.Store(true)
	r.Eventually(func(s device.Status) bool { return s.Problem != "" })
	r.Refused("a revocation that could not be written, without network", "alice", alice.Cert, authkeys.GrantRevoked)
	r.Cut.Store(false)
	r.Eventually(func(s device.Status) bool { return s.Problem == "" })
	r.Refused("a revocation that could not be written, with network again", "alice", alice.Cert, authkeys.GrantRevoked)
	r.Stop()
	r.Cut.Store(true)
	r.Start(nil)
	r.Allowed("what the disk knows", "alice", alice.Cert)
	r.Cut.Store(false)
	r.Eventually(func(s device.Status) bool { return s.Grants == 0 && s.Journal == "" })
	r.Refused("read again", "alice", alice.Cert, authkeys.GrantRevoked)
}

// reset-trust forgets what was verified, and reads it again from the chain.
func TestResetTrust(t *testing.T) {
	t.Parallel()
	r := follower.Enrolled(t, follower.Instant, nil)
	cert := r.Granted("alice", time.Hour).Cert
	r.Allowed("before", "alice", cert)
	r.Cut.Store(true)
	if err := r.Engine.ResetTrust(context.Background()); err != nil {
		t.Fatal(err)
	}
	if v := r.Offer("alice", cert); v.Allow {
		t.Error("after reset-trust without network: allowed")
	}
	r.Cut.Store(false)
	r.Eventually(func(s device.Status) bool { return s.Grants == 1 })
	r.Allowed("after the chain was read again", "alice", cert)
}
