package device

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"dpki/bundle"
	"dpki/device/clock"
	"dpki/device/fetch"
	"dpki/device/journal"
	"dpki/device/pipe"
	"dpki/internal/devchain"
	"dpki/internal/harness"
	"dpki/internal/harness/fleet"
	"dpki/internal/network"
	"dpki/registry"
	"dpki/state"
)

// rig is an engine on a real chain, with the fetch side in this process and
// clocks that a test can push.
type rig struct {
	*testing.T
	org      *fleet.Org
	ca       fleet.CA   // of an enrolled device's organisation
	mailbox  state.Word // of an enrolled device
	identity *bundle.Identity
	path     string
	network  network.File

	wall, boot atomic.Int64 // pushed by so many nanoseconds
	bootID     string
	cut        atomic.Bool  // the network is gone
	looks      atomic.Int64 // questions for the tip
	finality   atomic.Int64 // those of them that asked what is final

	engine *Engine
	stop   func()
}

// instant: a block for each transaction, at once. Block time runs ahead of the
// clock by some seconds then.
var instant = devchain.Options{MaxDrift: -1}

// ticking: blocks that follow real time, as those of real chains do.
var ticking = devchain.Options{BlockTime: time.Second}

// enrolled is a rig whose engine runs and is enrolled as gate-7, in an
// organisation that has a CA.
func enrolled(t *testing.T, o devchain.Options, change func(*Config)) *rig {
	t.Helper()
	r := newRig(t, fleet.New(t, o))
	r.ca = r.org.NewCA()
	r.start(change)
	r.mailbox = r.enrol("gate-7")
	return r
}

func newRig(t *testing.T, org *fleet.Org) *rig {
	t.Helper()
	id, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{T: t, org: org, identity: id, path: filepath.Join(t.TempDir(), "journal"), network: org.Chain.Network(), bootID: "first"}
	if err := journal.Create(r.path, org.Anchor); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *rig) clock() clock.Clock {
	system, err := clock.System()
	if err != nil {
		r.Fatal(err)
	}
	return clock.Clock{
		Wall:   func() time.Time { return time.Now().Add(time.Duration(r.wall.Load())) },
		Boot:   func() time.Duration { return system.Boot() + time.Duration(r.boot.Load()) },
		BootID: r.bootID,
	}
}

// uptime is what the machine's own boot clock shows.
func (r *rig) uptime() time.Duration {
	c := r.clock()
	return c.Boot() - time.Duration(r.boot.Load())
}

// pass lets time pass, for both clocks.
func (r *rig) pass(d time.Duration) {
	r.wall.Add(int64(d))
	r.boot.Add(int64(d))
}

// counted counts what the engine asks, and can cut the network.
type counted struct {
	*Supervisor
	rig *rig
}

func (c counted) Head(ctx context.Context, i int, q registry.HeadQuery) (registry.HeadReply, error) {
	c.rig.looks.Add(1)
	if !q.TipOnly {
		c.rig.finality.Add(1)
	}
	if c.rig.cut.Load() {
		return registry.HeadReply{}, &registry.Failure{Fault: registry.Unavailable, Detail: "cut"}
	}
	return c.Supervisor.Head(ctx, i, q)
}

// start opens the journal and runs an engine. change adjusts its configuration.
func (r *rig) start(change func(*Config)) {
	r.Helper()
	j, err := journal.Open(r.path, r.org.Anchor)
	if err != nil {
		r.Fatal(err)
	}
	log := r.log()
	sup := NewSupervisor(inProcess, log)
	config := Config{
		Anchor: r.org.Anchor, Identity: r.identity, Journal: j, Network: r.network, Fetcher: counted{sup, r}, Clock: r.clock(),
		Profile: Profile{Watch: 100 * time.Millisecond, Idle: time.Hour}, Log: log,
	}
	if change != nil {
		change(&config)
	}
	if r.engine, err = New(config); err != nil {
		j.Close()
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran, supervised := make(chan struct{}), make(chan struct{})
	go func() { r.engine.Run(ctx); close(ran) }()
	go func() { sup.Run(ctx); close(supervised) }()
	stopped := false
	r.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		<-ran
		<-supervised
		j.Close()
	}
	r.Cleanup(r.stop)
}

// log is the test's own, while it runs.
func (r *rig) log() *slog.Logger { return slog.New(slog.NewTextHandler(testWriter{r.T}, nil)) }

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", b[:len(b)-1])
	}
	return len(b), nil
}

// inProcess is a Starter whose fetch is this process.
func inProcess(ctx context.Context) (io.ReadWriteCloser, error) {
	a, b := net.Pipe()
	go pipe.Serve(ctx, b, &fetch.Backend{})
	return a, nil
}

func (r *rig) request(name string) *bundle.Request {
	r.Helper()
	request, err := r.identity.NewRequest(r.org.Anchor, name, "")
	if err != nil {
		r.Fatal(err)
	}
	return request
}

// enrol has the device added and waits until it knows.
func (r *rig) enrol(name string) state.Word {
	r.Helper()
	mailbox := r.org.Enrol(r.request(name))
	r.eventually(func(s Status) bool { return s.Enrolled && s.Name == name })
	return mailbox
}

// eventually waits for a status.
func (r *rig) eventually(ok func(Status) bool) {
	r.Helper()
	harness.Eventually(r, 20*time.Second, func() error {
		if s := r.engine.Status("test"); !ok(s) {
			return fmt.Errorf("status: %+v", s)
		}
		return nil
	})
}

// quiet waits until the engine has stopped looking by itself: it is idle, and
// its next look an hour away.
func (r *rig) quiet() {
	r.Helper()
	last := int64(-1)
	harness.Eventually(r, 20*time.Second, func() error {
		r.pass(2 * linger) // since whatever it learned last
		time.Sleep(300 * time.Millisecond)
		before := last
		if last = r.looks.Load(); last != before || r.engine.View().Gear != Idle {
			return fmt.Errorf("gear %v, %d looks", r.engine.View().Gear, last)
		}
		return nil
	})
}
