package follower

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
	"dpki/device"
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

// Rig is an engine on a real chain, with the fetch side in this process and
// clocks that a test can push.
type Rig struct {
	*testing.T
	Org      *fleet.Org
	CA       fleet.CA   // of an enrolled device's organisation
	Mailbox  state.Word // of an enrolled device
	Identity *bundle.Identity
	Path     string // of the journal
	Network  network.File

	Wall, Boot atomic.Int64 // pushed by so many nanoseconds
	BootID     string
	Cut        atomic.Bool  // the network is gone
	Looks      atomic.Int64 // questions for the tip
	Finality   atomic.Int64 // those of them that asked what is final

	Engine *device.Engine
	Stop   func()
}

// Instant: a block for each transaction, at once. Block time runs ahead of the
// clock by some seconds then.
var Instant = devchain.Options{MaxDrift: -1}

// Ticking: blocks that follow real time, as those of real chains do.
var Ticking = devchain.Options{BlockTime: time.Second}

// patience is what a login waits for a look: long, so that a machine under load
// changes no verdict. A test of the wait itself sets Config.Budget.
const patience = 30 * time.Second

// Enrolled is a rig whose engine runs and is enrolled as gate-7, in an
// organisation that has a CA.
func Enrolled(t *testing.T, o devchain.Options, change func(*device.Config)) *Rig {
	t.Helper()
	r := New(t, fleet.New(t, o))
	r.CA = r.Org.NewCA()
	r.Start(change)
	r.Mailbox = r.Enrol("gate-7")
	return r
}

// New is a rig whose engine does not run yet.
func New(t *testing.T, org *fleet.Org) *Rig {
	t.Helper()
	id, err := bundle.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	r := &Rig{T: t, Org: org, Identity: id, Path: filepath.Join(t.TempDir(), "journal"), Network: org.Chain.Network(), BootID: "first"}
	if err := journal.Create(r.Path, org.Anchor); err != nil {
		t.Fatal(err)
	}
	return r
}

// Clock is the machine's, as far as they are pushed.
func (r *Rig) Clock() clock.Clock {
	system, err := clock.System()
	if err != nil {
		r.Fatal(err)
	}
	return clock.Clock{
		Wall:   func() time.Time { return time.Now().Add(time.Duration(r.Wall.Load())) },
		Boot:   func() time.Duration { return system.Boot() + time.Duration(r.Boot.Load()) },
		BootID: r.BootID,
	}
}

// Uptime is what the machine's own boot clock shows.
func (r *Rig) Uptime() time.Duration {
	c := r.Clock()
	return c.Boot() - time.Duration(r.Boot.Load())
}

// Pass lets time pass, for both clocks.
func (r *Rig) Pass(d time.Duration) {
	r.Wall.Add(int64(d))
	r.Boot.Add(int64(d))
}

// counted counts what the engine asks, and can cut the network.
type counted struct {
	*device.Supervisor
	rig *Rig
}

func (c counted) Head(ctx context.Context, i int, q registry.HeadQuery) (registry.HeadReply, error) {
	c.rig.Looks.Add(1)
	if !q.TipOnly {
		c.rig.Finality.Add(1)
	}
	if c.rig.Cut.Load() {
		return registry.HeadReply{}, &registry.Failure{Fault: registry.Unavailable, Detail: "cut"}
	}
	return c.Supervisor.Head(ctx, i, q)
}

// Start opens the journal and runs an engine. change adjusts its configuration.
func (r *Rig) Start(change func(*device.Config)) {
	r.Helper()
	j, err := journal.Open(r.Path, r.Org.Anchor)
	if err != nil {
		r.Fatal(err)
	}
	log := r.Logger()
	sup := device.NewSupervisor(InProcess, log)
	config := device.Config{
		Anchor: r.Org.Anchor, Identity: r.Identity, Journal: j, Network: r.Network, Fetcher: counted{sup, r}, Clock: r.Clock(),
		Profile: device.Profile{Watch: 100 * time.Millisecond, Idle: time.Hour}, Budget: patience, Log: log,
	}
	if r.Cut.Load() {
		config.Budget = 0 // the first look, which logins wait for, does not come
	}
	if change != nil {
		change(&config)
	}
	if r.Engine, err = device.New(config); err != nil {
		j.Close()
		r.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran, supervised := make(chan struct{}), make(chan struct{})
	go func() { r.Engine.Run(ctx); close(ran) }()
	go func() { sup.Run(ctx); close(supervised) }()
	stopped := false
	r.Stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		<-ran
		<-supervised
		j.Close()
	}
	r.Cleanup(r.Stop)
}

// Logger is the test's own, while it runs.
func (r *Rig) Logger() *slog.Logger { return slog.New(slog.NewTextHandler(testWriter{r.T}, nil)) }

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("%s", b[:len(b)-1])
	}
	return len(b), nil
}

// InProcess is a Starter whose fetch is this process.
func InProcess(ctx context.Context) (io.ReadWriteCloser, error) {
	a, b := net.Pipe()
	go pipe.Serve(ctx, b, &fetch.Backend{})
	return a, nil
}

// Request is the device's own, to be enrolled.
func (r *Rig) Request(name string) *bundle.Request {
	r.Helper()
	request, err := r.Identity.NewRequest(r.Org.Anchor, name, "")
	if err != nil {
		r.Fatal(err)
	}
	return request
}

// Enrol has the device added and waits until it knows.
func (r *Rig) Enrol(name string) state.Word {
	r.Helper()
	mailbox := r.Org.Enrol(r.Request(name))
	r.Eventually(func(s device.Status) bool { return s.Enrolled && s.Name == name })
	return mailbox
}

// Eventually waits for a status.
func (r *Rig) Eventually(ok func(device.Status) bool) {
	r.Helper()
	harness.Eventually(r, 20*time.Second, func() error {
		if s := r.Engine.Status("test"); !ok(s) {
			return fmt.Errorf("status: %+v", s)
		}
		return nil
	})
}

// Quiet waits until the engine has stopped looking by itself: it is idle, and
// its next look an hour away.
func (r *Rig) Quiet() {
	r.Helper()
	last := int64(-1)
	harness.Eventually(r, 20*time.Second, func() error {
		r.Pass(2 * time.Minute) // since whatever it learned last: longer than an engine watches for it
		time.Sleep(300 * time.Millisecond)
		before := last
		if last = r.Looks.Load(); last != before || r.Engine.View().Gear != device.Idle {
			return fmt.Errorf("gear %v, %d looks", r.Engine.View().Gear, last)
		}
		return nil
	})
}
