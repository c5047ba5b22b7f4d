package device

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"dpki/bundle"
	"dpki/state"
)

const (
	deliverBudget = 2 * time.Minute
	firstDeliver  = 2 * time.Second
	lastDeliver   = 10 * time.Minute
)

// deliverable are the purposes that a DELIVERY may announce.
var deliverable = []bundle.Purpose{bundle.PurposeUserKey, bundle.PurposeHostCertificate, bundle.PurposeCA, bundle.PurposeFiles}

// delivering is what the engine knows of the installing of deliveries, beside
// what the Applier remembers.
type delivering struct {
	busy  bool
	at    time.Duration // not before, since boot, unless something else is known
	seen  known         // at the last attempt
	fails int           // attempts that failed in a row, over all deliveries
	why   error         // of the last attempt, nil where it succeeded
	// unsigned are those that too few watchdogs had signed when they were last tried.
	unsigned map[state.Word]bool
}

// notCosigned counts those awaited that wait for watchdogs, and forgets the others.
func (d *delivering) notCosigned(awaited []state.DeliveryFact) int {
	for subject := range d.unsigned {
		if !slices.ContainsFunc(awaited, func(f state.DeliveryFact) bool { return f.Subject == subject }) {
			delete(d.unsigned, subject)
		}
	}
	return len(d.unsigned)
}

// since is when the next attempt may be made, since boot: at once where something
// was announced that the last one did not know, signatures for what waits among it,
// or other watchdogs are demanded.
func (d *delivering) since(s *state.State, now uint64) time.Duration {
	if !knownOf(s, now).equal(d.seen) {
		return 0
	}
	return d.at
}

// known is what decides whether another attempt can end otherwise than the last.
type known struct {
	announced int               // live deliveries into the mailbox
	watchdogs []state.Watchdogs // that the policies in force demand
}

func knownOf(s *state.State, now uint64) known {
	k := known{watchdogs: s.Policy(now).Watchdogs}
	for d := range s.Deliveries(now) {
		if d.Scope == s.Scopes.Mailbox {
			k.announced++
		}
	}
	return k
}

func (k known) equal(o known) bool {
	return k.announced == o.announced && slices.EqualFunc(k.watchdogs, o.watchdogs, state.Watchdogs.Equal)
}

// deliveryEnded is how one attempt ended.
type deliveryEnded struct {
	done Delivered
	err  error
}

// awaited are the live deliveries of this device that are not settled, in the
// log's order.
func (e *Engine) awaited(s *state.State, now uint64) (list []state.DeliveryFact) {
	if e.c.Applier == nil || s.Retired() {
		return nil
	}
	for d := range s.Deliveries(now) {
		if d.Scope == s.Scopes.Mailbox && bundle.Purpose(d.Purpose) != bundle.PurposeSignatures && !e.c.Applier.Settled(d.Subject) {
			list = append(list, *d)
		}
	}
	return list
}

// withdrawn are the deliveries in force whose entries were revoked.
func (e *Engine) withdrawn(s *state.State) (list []state.Word) {
	for _, d := range e.c.Applier.All() {
		if d.Result == bundle.Applied && s.Withdrawn(d.Subject) {
			list = append(list, d.Subject)
		}
	}
	return list
}

// deliver starts a worker on what is to be installed next, unless one is at work
// or the last attempt was a moment ago. Logins do not wait for it.
func (e *Engine) deliver(ctx context.Context) {
	if e.c.Applier == nil || e.enrolment == nil || !e.time.Live || e.delivery.busy {
		return
	}
	s, now := e.view.Load().State, e.time.Now(e.c.Clock.Read())
	if e.c.Clock.Boot() < e.delivery.since(s, now) {
		return
	}
	var work func(context.Context) deliveryEnded
	if due := e.c.Applier.Due(); due != 0 && due <= now && !s.Retired() {
		work = func(ctx context.Context) deliveryEnded {
			return deliveryEnded{err: e.c.Applier.Renew(ctx, now, trustedBy(s, now))}
		}
	}
	if gone := e.withdrawn(s); len(gone) > 0 && (work == nil || e.delivery.fails%2 == 0) {
		subject := gone[e.delivery.fails%len(gone)]
		work = func(ctx context.Context) deliveryEnded {
			done, err := e.c.Applier.Withdraw(ctx, subject, now)
			return deliveryEnded{done, err}
		}
	}
	// One that cannot be fetched or installed must not stand in the way of others.
	if list := e.awaited(s, now); len(list) > 0 && (work == nil || e.delivery.fails%2 == 1) {
		fact, name := list[e.delivery.fails%len(list)], e.enrolment.Materials.Name
		work = func(ctx context.Context) deliveryEnded { return install(ctx, e.c, s, name, fact, now) }
	}
	if work == nil {
		return
	}
	e.delivery.busy, e.delivery.seen = true, knownOf(s, now)
	e.workers.Go(func() {
		ctx, cancel := context.WithTimeout(ctx, deliverBudget)
		defer cancel()
		e.delivered <- work(ctx) // capacity 1, and one worker
	})
}

// install fetches one delivery and has it installed. It touches nothing of the
// engine's. name is the device's.
func install(ctx context.Context, c Config, s *state.State, name string, fact state.DeliveryFact, now uint64) deliveryEnded {
	end := deliveryEnded{done: Delivered{Subject: fact.Subject, Purpose: bundle.Purpose(fact.Purpose).String(), Seq: fact.Seq, Time: now, Until: fact.Until}}
	demand := bundle.DemandOn(s, name, &fact, now)
	for other := range s.Deliveries(now) {
		// Nor does one of another purpose, of which other watchdogs may be asked, or none.
		if other.Scope != fact.Scope || other.Purpose != fact.Purpose || other.Supersedes != fact.Subject || other.Seq <= fact.Seq {
			continue
		}
		// What watchdogs have not signed takes the place of nothing that they have.
		if demand.Nothing() || inForce(c.Applier, other.Subject) {
			end.done.Result = Superseded
			end.err = c.Applier.Settle(end.done)
			return end
		}
	}
	if end.err = demand.Possible(); end.err != nil {
		return end
	}
	got, id := blocks{}, bundle.CID(fact.Delivery.Block)
	if got[id], end.err = bundle.Fetch(ctx, c.Fetcher, id, bundle.MaxBlock); end.err != nil {
		return end
	}
	var withheld error
	for _, id := range demand.Blocks() { // what others bring may be enough
		block, err := bundle.Fetch(ctx, c.Fetcher, id, bundle.MaxBlock)
		if err != nil {
			withheld = err
			continue
		}
		got[id] = block
	}
	// These are the bytes that the entry names: what is wrong with them now stays so.
	// Watchdogs may sign later.
	b, err := c.Identity.ReadDelivery(ctx, got, c.Anchor, &fact, demand, deliverable...)
	switch {
	case errors.Is(err, bundle.ErrNotCosigned):
		end.err = errors.Join(err, withheld)
		return end
	case err != nil:
		end.done.Result = printable(err.Error())
		end.err = c.Applier.Settle(end.done)
		return end
	}
	defer clear(b.Content)
	done, err := c.Applier.Apply(ctx, Material{Fact: fact, Content: b.Content, Device: s.Scopes.Mailbox, Now: now, Trusted: trustedBy(s, now)})
	return deliveryEnded{done, err}
}

// inForce reports whether a delivery was installed, or was once.
func inForce(a Applier, subject state.Word) bool {
	return slices.ContainsFunc(a.All(), func(d Delivered) bool { return d.Subject == subject && d.OK() })
}

// blocks is a store that has these.
type blocks map[bundle.CID][]byte

func (b blocks) Get(_ context.Context, id bundle.CID, _ int) ([]byte, error) {
	if block, ok := b[id]; ok {
		return block, nil
	}
	return nil, fs.ErrNotExist
}

// printable is a text that may stand in a status and in a receipt.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), 200)])
}

// trustedBy reports which CAs a state's zone trusts.
func trustedBy(s *state.State, now uint64) func(state.Word, state.Kind) bool {
	return func(key state.Word, kind state.Kind) bool {
		for ca := range s.CAs() {
			if ca.CA.Key == key && ca.Kind == kind && s.Standing(&ca.Fact, now) == state.Live {
				return true
			}
		}
		return false
	}
}

// deliveryEnds notes how an attempt ended.
func (e *Engine) deliveryEnds(end deliveryEnded) {
	d := &e.delivery
	d.busy = false
	delete(d.unsigned, end.done.Subject)
	if errors.Is(end.err, bundle.ErrNotCosigned) {
		if d.unsigned == nil {
			d.unsigned = map[state.Word]bool{}
		}
		d.unsigned[end.done.Subject] = true
	}
	log := e.c.Log.With("delivery", end.done.Subject.String(), "purpose", end.done.Purpose, "name", end.done.Name)
	if end.err != nil {
		wait := min(firstDeliver<<min(d.fails, 10), lastDeliver)
		d.fails++
		d.at = e.c.Clock.Boot() + wait
		if d.why == nil || d.why.Error() != end.err.Error() {
			log.Warn("a delivery could not be applied", "error", end.err, "again_in", wait)
		}
		d.why = fmt.Errorf("delivery %s: %w", short(end.done.Subject), end.err)
	} else {
		d.fails, d.why, d.at = 0, nil, 0
		switch {
		case end.done.Subject.IsZero():
			log.Info("the host certificate of the next window is in use")
		case end.done.OK():
			log.Info("a delivery was settled", "result", end.done.Result)
		default:
			log.Error("a delivery was refused", "why", end.done.Result)
		}
	}
	v := *e.view.Load()
	e.publish(v.Problem, v.Journal)
}

func short(w state.Word) string { return w.String()[:12] }

// untilDelivery is how long until something about deliveries is to be done, or
// for ever.
func (e *Engine) untilDelivery() time.Duration {
	const never = time.Duration(1<<63 - 1)
	s, now := e.view.Load().State, e.time.Now(e.c.Clock.Read())
	if e.c.Applier == nil || e.enrolment == nil || !e.time.Live || e.delivery.busy || s.Retired() {
		return never
	}
	wait := never
	if due := e.c.Applier.Due(); due != 0 {
		wait = time.Duration(min(max(int64(due)-int64(now), 0), 24*3600)) * time.Second
	}
	if len(e.awaited(s, now)) > 0 || len(e.withdrawn(s)) > 0 {
		wait = 0
	}
	return max(wait, e.delivery.since(s, now)-e.c.Clock.Boot())
}
