package device

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"dpki/bundle"
	"dpki/contracts/code"
	"dpki/device/clock"
	"dpki/device/journal"
	"dpki/internal/anchor"
	"dpki/internal/network"
	"dpki/registry/verify"
	"dpki/registry/witness"
	"dpki/state"
)

// Config is what an Engine is made of. Fields without a remark are mandatory.
type Config struct {
	Anchor   anchor.Anchor
	Identity *bundle.Identity
	Journal  *journal.Journal
	Network  network.File
	Fetcher  Fetcher
	Clock    clock.Clock
	Profile  Profile
	Log      *slog.Logger

	// Name is what the device called itself when it asked to be enrolled. Certificates
	// for its own grants are issued for it, so what a later bundle calls the device
	// does not count there. Empty = what its materials say.
	Name string
	// ZoneHint, unless zero, is the only zone in which a bundle is looked for.
	ZoneHint state.Word
	// Sessions counts the live sessions, which keep the engine watching; nil = none.
	Sessions func() int
	// Denied, unless nil, is told the keys that are denied and a time that has
	// passed: when they change, at the start, and every hour for the time's sake.
	Denied func(at time.Time, keys iter.Seq[state.Word]) error
	// Published is called after each new View; it does not block. nil = nobody.
	Published func()
	// Applier installs what deliveries bring; nil = nothing is.
	Applier Applier
	// Silent hands in no receipts.
	Silent bool
	// Moved watches as after a change: the device has just followed its
	// organisation, and somebody is at work there.
	Moved bool
	// Budget is how long a login waits for a fresh look, and such a look may take;
	// zero = RefreshBudget. Tests of anything else wait longer: a machine under load
	// is no part of what they show.
	Budget time.Duration
	// CodeHash is the contract's; zero = the one that this build knows.
	CodeHash state.Word
	// Random spreads polls, in [0, 1); nil = math/rand.
	Random func() float64
}

// Limits of one look at the chain. A device that joins reads its whole log in
// the first.
const (
	tickBudget  = 2 * time.Minute
	writeEvery  = 5 * time.Minute // how old head and clock on disk may be
	starting    = time.Second     // how long a first look may fail without a word
	forgetAfter = 24 * 3600       // seconds after its end that a grant is still explained
)

// Engine follows the log for one device.
type Engine struct {
	c    Config
	view atomic.Pointer[View]
	// successor is where the organisation points; Succession's to say.
	successor atomic.Pointer[Successor]

	refreshes chan *refresh
	resets    chan chan error
	found     chan found
	reported  chan handedIn
	delivered chan deliveryEnded
	workers   sync.WaitGroup // on those three; Run ends after them

	// What follows belongs to Run.
	reader    *verify.Reader
	replica   replica
	pending   *pending // what was verified and could not be written; nil = nothing
	due       bool     // facts are to be built anew, from the journal, once it has what is pending
	enrolment *Enrolment
	reach     reach
	pinned    witness.Set     // whose signatures a block needs
	inherited Inherited       // from the organisation's predecessors
	united    network.File    // what reach says, as a network file
	said      map[string]said // of endpoints that are not believed
	leaping   leaping
	time      clock.Verified
	head      verify.Head
	tried     map[state.Word]bool // batches that were looked through
	seeking   bool                // a worker looks through batches
	seekAt    time.Duration       // not before, since boot
	seekFails int
	reporting reporting
	delivery  delivering
	read      bool          // a look has succeeded
	failures  int           // looks that failed in a row
	unsaid    bool          // the last problem was not logged for an operator
	began     time.Duration // since boot
	changed   time.Duration // when an entry last came, since boot; 0 = never
	hinted    time.Duration // when a hint last came, since boot; 0 = never
	steady    bool          // that hint was not the first for long
	looked    time.Duration // when the chain was last looked at, since boot
	turns     turns
	more      bool          // there is more to read at once: other scopes are followed now
	littered  bool          // the facts were built anew
	written   time.Duration // when head and clock were last on disk, since boot
	denied    map[state.Word]bool
	deniedAt  uint64 // verified time that was announced with them
}

// New loads the journal and publishes what it holds: logins are decided from it
// at once. Run follows the chain from there.
func New(c Config) (*Engine, error) {
	if c.CodeHash.IsZero() {
		c.CodeHash = code.Hash()
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Budget == 0 {
		c.Budget = RefreshBudget
	}
	if c.Network.Registry() != c.Anchor.Registry {
		return nil, ErrOtherChain
	}
	e := &Engine{c: c, refreshes: make(chan *refresh, 64), resets: make(chan chan error), found: make(chan found, 1), reported: make(chan handedIn, 1), delivered: make(chan deliveryEnded, 1), began: c.Clock.Boot(), said: map[string]said{}}
	if err := e.load(); err != nil {
		return nil, err
	}
	if c.Moved {
		e.changed = c.Clock.Boot()
	}
	e.sweep()
	return e, nil
}

// View is what is known now. It never is nil.
func (e *Engine) View() *View { return e.view.Load() }

// Clock is the engine's clock.
func (e *Engine) Clock() clock.Clock { return e.c.Clock }

// Anchor is the organisation that it follows.
func (e *Engine) Anchor() anchor.Anchor { return e.c.Anchor }

// Profile is how often it looks.
func (e *Engine) Profile() Profile { return e.c.Profile }

// Budget is how long a login waits for a fresh look.
func (e *Engine) Budget() time.Duration { return e.c.Budget }

// load starts from the journal, at the beginning and after reset-trust.
func (e *Engine) load() error {
	known, err := e.c.Journal.Load()
	if err != nil {
		return err
	}
	stamp, err := e.c.Journal.Record(journal.RecordClock)
	if err != nil {
		return err
	}
	if e.time, err = clock.Restore(stamp, e.c.Clock); err != nil {
		return err
	}
	record, err := e.c.Journal.Record(journal.RecordEnrolment)
	if err != nil {
		return err
	}
	if e.enrolment, err = parseEnrolment(record, e.c.Anchor); err != nil {
		return err
	}
	if e.tried, err = e.c.Journal.Batches(); err != nil {
		return err
	}
	if e.pinned, err = loadPinned(e.c.Journal); err != nil {
		return err
	}
	record, err = e.c.Journal.Record(journal.RecordInherited)
	if err != nil {
		return err
	}
	if e.inherited, err = parseInherited(record); err != nil {
		return err
	}
	e.head, e.denied, e.pending, e.due = known.Head, nil, nil, false
	return e.rewire(known)
}

// rewire makes reader, keys and facts anew, for an enrolment or a network that
// changed.
func (e *Engine) rewire(known verify.Known) error {
	zone, err := e.pin()
	if err != nil {
		return err
	}
	e.reach, e.united = reachOf(e.c.Network, zone, e.pinned), united(e.c.Network, zone, e.pinned)
	e.c.Fetcher.Configure(e.reach.places)
	reader, err := verify.NewReader(verify.Config{
		Registry: e.c.Anchor.Registry, Org: e.c.Anchor.Org, CodeHash: e.c.CodeHash, Deploy: e.reach.deploy,
		Policy: verify.Agreement{K: e.reach.agree}, Witnesses: e.reach.witnessed(e.c.Fetcher), Leaps: e.leaps, Sparing: e.sparing, Archives: e.reach.namedArchives(e.c.Fetcher), Known: known,
	}, e.reach.named(e.c.Fetcher))
	if err != nil {
		return fmt.Errorf("network: %w", err)
	}
	e.reader = reader
	e.replica = replica{scopes: e.enrolment.scopes(e.c.Anchor.Org, e.c.Identity), name: e.enrolment.name(e.c.Name), open: bundle.NewRing(e.c.Anchor), denials: e.inherited.Denials}
	if e.enrolment != nil {
		if e.replica.open, err = e.enrolment.Materials.Ring(e.c.Anchor, e.c.Identity.MailboxSecret()); err != nil {
			return err
		}
	} else if !e.c.ZoneHint.IsZero() {
		e.replica.also = []state.Word{e.c.ZoneHint}
	}
	if err := e.rebuild(known.Scopes); err != nil {
		return err
	}
	if err := reader.Follow(e.replica.all()...); err != nil {
		return err
	}
	e.publish(nil, nil)
	return nil
}

func (e *Engine) rebuild(known map[state.Word]verify.ScopeLog) error {
	// By verified time alone: a wall clock that is wrong for a moment must not
	// take away grants for good.
	err := e.replica.build(e.c.Journal, known, e.time.Block-min(e.time.Block, forgetAfter))
	e.littered = true
	if err := e.c.Journal.Release(); err != nil {
		e.c.Log.Debug("the journal stays in memory", "error", err)
	}
	return err
}

// sweep gives memory back after a rebuild: ten thousand entries leave more
// garbage than facts. It is called where nothing holds the entries any more, and
// is done again for what pools and the pipe still had.
func (e *Engine) sweep() {
	if e.littered {
		e.littered = false
		debug.FreeOSMemory()
		time.AfterFunc(time.Second, debug.FreeOSMemory)
	}
}

// publish makes what is known the View.
func (e *Engine) publish(problem, unwritten error) {
	v := &View{
		Time: e.time, Enrolment: e.enrolment, Endpoints: len(e.reach.endpoints) - e.reach.mirrors(), Mirrors: e.reach.mirrors(), Agree: e.reach.agree,
		Witnesses: e.pinned, Health: e.reader.Health(), Network: e.united, Inherited: e.inherited,
		Looked: e.read, Problem: problem, Journal: unwritten,
	}
	if e.c.Applier != nil {
		v.Delivered = e.c.Applier.All()
	}
	v.State, v.Ends = e.replica.state(e.head), e.replica.ends()
	now := e.time.Now(e.c.Clock.Read())
	waiting := e.awaited(v.State, now)
	v.Awaited, v.NotCosigned, v.Undelivered = len(waiting), e.delivery.notCosigned(waiting), e.delivery.why
	v.Gear = e.gear(v.State, now)
	old := e.view.Swap(v)
	if old == nil || old.Gear != v.Gear {
		e.c.Fetcher.Watch(v.Gear != Idle)
		e.c.Log.Debug("gear", "gear", v.Gear.String())
	}
	e.announceDenied(v.State, now)
	if e.c.Published != nil {
		e.c.Published()
	}
}

// Run follows the chain until ctx ends. When it returns nobody works for it any
// more: who installs deliveries next, for the same machine, is alone.
func (e *Engine) Run(ctx context.Context) {
	defer e.workers.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var asked []*refresh
		look := true
		select {
		case <-ctx.Done():
			e.settle()
			return
		case <-timer.C:
		case r := <-e.refreshes:
			asked = append(asked, r)
		case <-e.c.Fetcher.Hints():
			boot := e.c.Clock.Boot()
			e.steady = e.hinted != 0 && boot-e.hinted < hintsTrusted
			e.hinted = boot
			if wait := e.turns.wait(boot); wait > 0 {
				timer.Reset(wait)
				continue
			}
		case f := <-e.found:
			look = e.take(f)
		case h := <-e.reported:
			e.reportEnded(h)
			look = false
		case d := <-e.delivered:
			e.deliveryEnds(d)
			look = false
		case done := <-e.resets:
			done <- e.reset()
		}
		if look {
			asked = e.waiting(asked)
			e.look(ctx, asked)
			for _, r := range asked {
				close(r.done)
			}
		}
		e.sweep()
		e.seek(ctx)
		e.deliver(ctx)
		e.report(ctx)
		if e.more {
			e.more = false
			timer.Reset(0)
		} else {
			timer.Reset(min(e.pause(), e.untilReport(), e.untilDelivery()))
		}
	}
}

// settle writes what is only in memory before the end.
func (e *Engine) settle() {
	if !e.time.Live {
		return
	}
	if err := e.flush(); err != nil {
		e.c.Log.Warn("what was verified last could not be written", "error", err)
	}
	if err := e.c.Journal.SetRecord(journal.RecordClock, e.time.Stamp(e.c.Clock, e.c.Clock.Read())); err != nil {
		e.c.Log.Warn("the clock could not be written", "error", err)
	}
}

// announced are the zones to look through for a first bundle.
func (e *Engine) announced() []state.Word {
	if e.enrolment != nil || !e.c.ZoneHint.IsZero() {
		return nil
	}
	var zones []state.Word
	for zone := range e.replica.state(e.head).Zones(e.time.Now(e.c.Clock.Read())) {
		zones = append(zones, zone)
	}
	return zones
}
