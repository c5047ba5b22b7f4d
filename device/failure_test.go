package device

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
	"dpki/device/journal"
	"dpki/device/pipe"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/registry"
)

// A restart decides at once from what is on disk, network or not.
func TestRestartWithoutNetwork(t *testing.T) {
	t.Parallel()
	r := enrolled(t, instant, nil)
	alice := r.granted("alice", time.Hour)
	r.allowed("before", "alice", alice.cert)
	r.stop()
	r.cut.Store(true)
	began := time.Now()
	r.start(nil)
	r.allowed("after a restart", "alice", alice.cert)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("ready after %v", took)
	}
	r.stop()
	r.cut.Store(false)
	r.org.Revoke(r.mailbox, alice.grant)
	r.start(nil)
	r.eventually(func(s Status) bool { return s.Grants == 0 && s.Problem == "" })
	r.refused("revoked while it was down", "alice", alice.cert, authkeys.GrantRevoked)
}

// A revocation that a reorganisation takes away holds; a grant that it takes
// away is gone.
func TestReorganisation(t *testing.T) {
	t.Parallel()
	r := enrolled(t, devchain.Options{BlockTime: time.Second, HoldBack: 1000}, nil)
	org := r.org
	one := r.granted("alice", time.Hour)
	r.allowed("the first grant", "alice", one.cert)
	base := org.Chain.Number()
	two := r.granted("alice", time.Hour)
	org.Revoke(r.mailbox, one.grant)
	r.eventually(func(s Status) bool { return s.Grants == 1 })
	r.allowed("the second grant", "alice", two.cert)
	r.refused("the first, revoked", "alice", one.cert, authkeys.GrantRevoked)

	if err := org.Chain.Reorg(int(org.Chain.Number()-base), false); err != nil {
		t.Fatal(err)
	}
	r.eventually(func(s Status) bool { return s.Grants == 0 })
	r.refused("the second grant, which never happened", "alice", two.cert, authkeys.GrantUnknown)
	r.refused("the first, whose revocation never happened", "alice", one.cert, authkeys.GrantRevoked)
	r.stop()
	r.start(nil)
	r.refused("the same after a restart", "alice", one.cert, authkeys.GrantRevoked)

	// Finality passes without the revocation: the grant stands.
	org.Chain.HoldBack(0)
	r.eventually(func(s Status) bool { r.engine.Refresh(t.Context()); return s.Grants == 1 })
	r.allowed("after finality", "alice", one.cert)
}

// A fetch that ends, or cannot be started, is started again, and told again whom
// to ask.
func TestFetchThatCrashes(t *testing.T) {
	t.Parallel()
	r := newRig(t, fleet.New(t, ticking))
	var starts atomic.Int64
	var mu sync.Mutex
	var current io.Closer
	sup := NewSupervisor(func(ctx context.Context) (io.ReadWriteCloser, error) {
		if n := starts.Add(1); n == 2 {
			return nil, errors.New("it cannot be started") // once
		}
		conn, err := inProcess(ctx)
		mu.Lock()
		defer mu.Unlock()
		current = conn
		return conn, err
	}, r.log())
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { sup.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	r.start(func(c *Config) { c.Fetcher = sup })
	r.enrol("gate-7")
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
		block := r.engine.Status("").Block
		r.eventually(func(s Status) bool { return s.Block > block && s.Problem == "" })
	}
	if starts.Load() < 4 {
		t.Errorf("%d starts", starts.Load())
	}
}

// Without fetch every question fails at once, with a typed error.
func TestSupervisorWithoutFetch(t *testing.T) {
	s := NewSupervisor(inProcess, slog.New(slog.DiscardHandler))
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
	r := enrolled(t, instant, func(c *Config) { j = c.Journal })
	alice := r.granted("alice", time.Hour)
	r.allowed("before", "alice", alice.cert)
	r.eventually(func(s Status) bool { return s.Finalized >= r.org.Chain.DeployBlock && s.Gear == "watch" })

	j.Close() // every write fails from here on
	r.org.Revoke(r.mailbox, alice.grant)
	r.eventually(func(s Status) bool { return s.Journal != "" })
	r.refused("a revocation that could not be written", "alice", alice.cert, authkeys.GrantRevoked)
	// The network goes too: what was seen is not forgotten.
	r.cut.Store(true)
	r.eventually(func(s Status) bool { return s.Problem != "" })
	r.refused("a revocation that could not be written, without network", "alice", alice.cert, authkeys.GrantRevoked)
	r.cut.Store(false)
	r.eventually(func(s Status) bool { return s.Problem == "" })
	r.refused("a revocation that could not be written, with network again", "alice", alice.cert, authkeys.GrantRevoked)
	r.stop()
	r.cut.Store(true)
	r.start(nil)
	r.allowed("what the disk knows", "alice", alice.cert)
	r.cut.Store(false)
	r.eventually(func(s Status) bool { return s.Grants == 0 && s.Journal == "" })
	r.refused("read again", "alice", alice.cert, authkeys.GrantRevoked)
}

// reset-trust forgets what was verified, and reads it again from the chain.
func TestResetTrust(t *testing.T) {
	t.Parallel()
	r := enrolled(t, instant, nil)
	cert := r.granted("alice", time.Hour).cert
	r.allowed("before", "alice", cert)
	r.cut.Store(true)
	if err := r.engine.ResetTrust(context.Background()); err != nil {
		t.Fatal(err)
	}
	if v := r.offer("alice", cert); v.Allow {
		t.Error("after reset-trust without network: allowed")
	}
	r.cut.Store(false)
	r.eventually(func(s Status) bool { return s.Grants == 1 })
	r.allowed("after the chain was read again", "alice", cert)
}
